package fetch

import (
	"errors"
	"slices"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// The bounds of an adaptive window. A small Supabase instance serves 20 requests
// at a time from its database pool and gains little above 32 readers, so that is
// where the window starts; how far it goes is the endpoint's to say.
const (
	windowFloor   = 2
	windowStart   = 32
	windowCeiling = 256
)

const (
	// unitBytes is what a download is charged in addition to its request: one of this
	// size counts as two.
	unitBytes = 256 << 10
	// probePause is the time after a step that did not pay until the next one is
	// tried. It doubles each time, up to maxProbePause.
	probePause    = time.Second
	maxProbePause = time.Minute
	// pushedPause is the time after a push-back that no trial had provoked.
	pushedPause = probePause / 4
	// slowdown is how many times longer downloads take than they did at this
	// window before it is made smaller.
	slowdown = 2.5
	// windowSample is the least number of downloads to judge by.
	windowSample = 16
	// keeps is the share of the throughput that a smaller window must keep.
	keeps = 0.95
)

// window says how many requests may be under way: a fixed number, or one that
// adapts. Every change of an adaptive window is a trial: once a full window of
// downloads was begun and ended under the new size, the time that they took is
// held against the old one. Twice the window at the same time per download is
// twice the throughput; twice the window at twice the time is only a longer
// queue at the endpoint (or at a slow output), and the step is taken back. An
// endpoint that pushes back (429, 5xx, 544) ends a trial at once.
type window struct {
	adaptive bool
	limit    int
	// opened is set when the first step did not pay: from then on steps are
	// small and rare.
	opened bool

	// begun numbers the downloads. Those from first on were begun since the window
	// has its size, and of them a sample is taken, by when they began: those that
	// end first are not like the others. took holds the time per unit of each,
	// full how many of them ended while most places were taken.
	begun, first int
	took         []float64
	full         int

	// usual is the time per unit that is normal at this size; 0 is not known.
	// calm is what it was before downloads slowed down, 0 where they did not.
	usual, calm float64
	// before is the size that a trial started from, 0 while there is none, and
	// beforeTook the time per unit there.
	before     int
	beforeTook float64

	probeAt time.Time
	pause   time.Duration
	// highest is what the next trial may go up to: after a push-back, half-way
	// between the size that was too large and the one before.
	highest int
}

func newWindow(fixed int) *window {
	if fixed > 0 {
		return &window{limit: fixed}
	}
	return &window{adaptive: true, limit: windowStart, pause: probePause, highest: windowCeiling}
}

func (w *window) size() int { return w.limit }

// expect opens a window that is still new further for objects whose download is
// mostly transfer: the queries of so many requests do not come together.
func (w *window) expect(size int64) {
	if w.adaptive && w.begun == 0 && size >= minPart {
		w.limit = 2 * windowStart
	}
}

// begin numbers a download.
func (w *window) begin(now time.Time) ticket {
	w.begun++
	return ticket{number: w.begun, began: now}
}

// ticket is what a request holds from its begin to its end.
type ticket struct {
	number int
	began  time.Time
}

// ended takes the time of a download that went well. full says that most
// places were taken at the same time.
func (w *window) ended(t ticket, now time.Time, size int64, full bool) {
	if !w.adaptive {
		return
	}
	skip, enough := w.sample()
	switch n := t.number - w.first - skip; {
	case n < 0:
		return
	case n >= 8*enough: // too many of those before it failed, or were not timed
		w.sampleAnew()
		return
	case n >= 4*enough:
		return
	}
	w.took = append(w.took, now.Sub(t.began).Seconds()/(1+float64(size)/unitBytes))
	if full {
		w.full++
	}
	// All but the few that take longest.
	n, most := len(w.took), func(k int) int { return k - k/8 }
	if n != most(enough) && n != most(2*enough) && n != most(4*enough) {
		return
	}
	took, filled, last := typical(w.took), w.full*2 >= n, n == most(4*enough)
	switch {
	case !filled: // something else was the limit, so the size told nothing
		w.before, w.usual, w.calm = 0, 0, 0
	case w.before == 0:
		w.watch(took, now)
	case !w.judge(took, last, now):
		return // that needs more downloads
	}
	w.sampleAnew()
}

// sampleAnew begins another sample.
func (w *window) sampleAnew() { w.first, w.took, w.full = w.begun+1, w.took[:0], 0 }

// sample is how many downloads of this size to leave out, since they met the
// queue of before, and how many to take. Until the window has opened few will do.
func (w *window) sample() (skip, enough int) {
	switch {
	case w.opened:
		return w.limit, max(w.limit, 2*windowSample)
	case w.before > 0:
		return w.limit / 2, max(w.limit/2, windowSample)
	}
	return 0, windowSample
}

// judge ends a trial: a larger window has to bring at least half of what it
// promised, a smaller one must not cost throughput. Where a gain is neither clear
// nor the last word, the trial goes on.
func (w *window) judge(took float64, last bool, now time.Time) (over bool) {
	step := float64(w.limit) / float64(w.before)
	gain := step * w.beforeTook / max(took, 1e-9)
	switch {
	case step > 1 && gain >= 1+(step-1)/2:
		w.usual, w.before, w.pause = took, 0, probePause
		w.grow(now)
	case step > 1 && !last && gain >= 1+(step-1)/8:
		return false
	case step > 1:
		w.usual = w.beforeTook
		w.takeBack(now)
	case gain >= keeps:
		w.usual, w.before = took, 0
		w.shrink()
	default: // a smaller one is too small, or it never was the window
		w.usual = w.beforeTook
		w.takeBack(now)
	}
	return true
}

// shrink begins a trial with a smaller window, as long as downloads take longer
// than they did before they slowed down.
func (w *window) shrink() {
	if w.usual <= w.calm*slowdown/2 || w.limit <= windowFloor {
		w.calm = 0
		return
	}
	w.try(max(windowFloor, w.limit*7/10), w.usual)
}

// watch looks for a reason to begin a trial.
func (w *window) watch(took float64, now time.Time) {
	switch {
	case w.usual == 0:
		w.usual = took
	case w.calm == 0 && took > slowdown*w.usual:
		w.calm, w.usual = w.usual, took
		w.shrink()
		return
	case w.calm > 0 && took <= slowdown*w.calm:
		w.calm, w.usual = 0, took
	default: // slow changes are those of the endpoint, and become usual
		w.usual += (took - w.usual) / 4
	}
	switch {
	case now.Before(w.probeAt):
	case w.calm > 0:
		w.shrink()
	default:
		w.grow(now)
	}
}

// grow begins a trial with a larger window.
func (w *window) grow(now time.Time) {
	next := w.limit + max(1, w.limit/4)
	if !w.opened {
		next = 2 * w.limit
	}
	next = min(next, w.highest, windowCeiling)
	if next <= w.limit {
		// The endpoint may bear more by the time of the next trial.
		w.highest = windowCeiling
		w.wait(now)
		return
	}
	w.try(next, w.usual)
}

func (w *window) try(size int, took float64) {
	w.before, w.beforeTook = w.limit, took
	w.resize(size)
}

// takeBack ends a trial that did not pay.
func (w *window) takeBack(now time.Time) {
	w.resize(w.before)
	w.before = 0
	w.wait(now)
}

// wait puts off the next trial.
func (w *window) wait(now time.Time) {
	w.opened = true
	w.probeAt = now.Add(w.pause)
	w.pause = min(2*w.pause, maxProbePause)
}

func (w *window) resize(size int) {
	w.limit = size
	w.sampleAnew()
}

// failed takes an error of a request. Only those that are of the endpoint's load
// count, and of many that were under way together only the first.
func (w *window) failed(t ticket, now time.Time, err error) {
	if !w.adaptive || t.number < w.first {
		return
	}
	if !errors.Is(err, object.ErrThrottled) && !errors.Is(err, object.ErrUnavailable) {
		return
	}
	size := max(windowFloor, w.limit/2)
	if w.before > 0 && w.before < w.limit {
		size = w.before // where all was well
	}
	if errors.Is(err, object.ErrThrottled) || statusOf(err) == statusDatabaseTimeout {
		w.highest = size + (w.limit-size)/2
	}
	trial := w.before > 0
	w.before, w.calm = 0, 0
	w.resize(size)
	if trial {
		w.wait(now)
	} else {
		w.opened, w.probeAt = true, now.Add(pushedPause)
	}
}

// typical is the mean of the times, but no single one counts for more than four
// times the middle one.
func typical(took []float64) float64 {
	slices.Sort(took)
	most, sum := 4*took[len(took)/2], 0.0
	for _, t := range took {
		sum += min(t, most)
	}
	return sum / float64(len(took))
}

// statusDatabaseTimeout is Supabase's own status for a query that took too long
// or got no connection.
const statusDatabaseTimeout = 544

func statusOf(err error) int {
	if e, ok := errors.AsType[*object.Error](err); ok {
		return e.Status
	}
	return 0
}

// MaxDownloads is how many downloads may ever be under way for a configured
// number, where 0 adapts.
func MaxDownloads(configured int) int {
	if configured > 0 {
		return configured
	}
	return windowCeiling
}
