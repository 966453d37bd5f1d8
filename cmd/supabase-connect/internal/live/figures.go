package live

import (
	"fmt"
	"time"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/view"
	"github.com/seed75cbcda6/supabase-storage/input"
)

const (
	// rateOver is how far back the rates look: far enough that they can be read, and
	// near enough that they show a change.
	rateOver = 10 * time.Second
	// leftOver is the same for the time that is left, which should not jump.
	leftOver = time.Minute
)

// figures makes the figures of the live line from the runs of the process.
type figures struct {
	delivered, bytes, done view.Window
}

func newFigures() *figures {
	return &figures{
		delivered: view.Window{Over: rateOver}, bytes: view.Window{Over: rateOver}, done: view.Window{Over: leftOver},
	}
}

// of sums up the runs that go on and those that have ended; false if none goes on.
func (f *figures) of(running []input.Progress, ended []input.Report, now time.Time) (view.Figures, bool) {
	if len(running) == 0 {
		return view.Figures{}, false
	}
	var sum view.Figures
	began, known, waiting := running[0].Began, true, 0
	for _, p := range running {
		if p.Began.Before(began) {
			began = p.Began
		}
		sum.Listed += p.Listed
		sum.Total += p.Total
		sum.Delivered += p.Delivered
		sum.Bytes += p.Bytes
		sum.UnderWay += p.UnderWay
		sum.Parked += p.Parked
		sum.Unchanged += p.Unchanged
		sum.Filtered += p.Filtered
		sum.Reading += int64(p.Scopes.Active)
		sum.Pending += int64(p.Scopes.Waiting)
		sum.Failing += int64(p.Scopes.Failing)
		sum.Done += int64(p.Scopes.Done)
		sum.ProjectsPending += int64(p.Scopes.ProjectsWaiting)
		sum.ProjectsFailing += int64(p.Scopes.ProjectsFailing)
		known = known && p.Total > 0
		if p.Waits != "" {
			waiting++
		}
	}
	for _, r := range ended {
		sum.Listed += r.Listed
		sum.Total += r.Listed
		sum.Delivered += r.Delivered
		sum.Bytes += r.Bytes
		sum.Parked += view.Total(r.Parked)
		sum.Unchanged += r.Unchanged
		sum.Filtered += view.Total(r.Filtered)
		sum.UnderWay += r.Unsettled
	}
	if inputs := len(running) + len(ended); inputs > 1 {
		sum.Name = fmt.Sprintf("%d inputs", inputs)
	}
	if waiting == len(running) {
		sum.Waits = running[0].Waits
		if len(running) > 1 {
			sum.Waits = running[0].Where + ": " + sum.Waits
		}
	}
	if !known {
		sum.Total = 0
	}
	sum.Elapsed = now.Sub(began)
	f.delivered.Add(now, float64(sum.Delivered))
	f.bytes.Add(now, float64(sum.Bytes))
	f.done.Add(now, float64(sum.Listed-sum.UnderWay))
	sum.Rate, sum.ByteRate = f.delivered.PerSecond(), f.bytes.PerSecond()
	if rate := f.done.PerSecond(); known && rate > 0 && sum.Waits == "" {
		left := float64(sum.Total-sum.Listed+sum.UnderWay) / rate
		sum.Left = time.Duration(min(left, view.MostLeft.Seconds()) * float64(time.Second))
	}
	return sum, true
}
