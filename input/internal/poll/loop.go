package poll

import (
	"context"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/schedule"
)

const (
	// LongestPause is the longest pause of a pass that keeps failing, and of an object
	// that is parked again and again: work goes on within an hour after an outage.
	LongestPause = time.Hour
	firstPause   = time.Minute
	// parkedEvery is the least time between passes over parked objects alone.
	parkedEvery = 10 * time.Second
)

// Due says when the next pass is due, zero for never. A pass calls it once its
// listing is complete, and does not wait for its own downloads after that time.
type Due func() time.Time

// Passes makes the passes over one scope. The loop makes one at a time. left says
// that downloads of a pass were still under way when the next one was due, and err
// is what ended it early.
type Passes interface {
	// List makes a pass over everything. Where remember is set, it remembers what
	// later passes need that ask for changes.
	List(ctx context.Context, due Due, remember bool) (left bool, err error)
	// Changes makes a pass over what changed since the pass before it. It calls
	// goOn after each page, and ends with the error that goOn returns.
	Changes(ctx context.Context, due Due, goOn func() error) (left bool, err error)
	// Parked tries the parked objects again whose time has come, without a listing.
	Parked(ctx context.Context, due Due)
	// NextParked is when the time of the first parked object comes, zero where none
	// is parked.
	NextParked() time.Time
	// Parks has an element when an object was parked: an ack that comes after its pass
	// may park one.
	Parks() <-chan struct{}
}

// Options say what to run. All are required.
type Options struct {
	Plan schedule.Plan
	// LastComplete is when the last complete pass of an earlier process ended, zero
	// where that is not known.
	LastComplete time.Time
	Passes       Passes
	Choice       *Choice
	// Identity names who the server treats us as at the moment, "" where that is not
	// known.
	Identity func(ctx context.Context) string
	// OnDue hears when the next pass is due, before it is waited for.
	OnDue func(at time.Time)
}

// Run makes passes until the plan has no further one, or until ctx ends. It returns
// what ended the only pass of a plan early, or the error of ctx.
func Run(ctx context.Context, o Options) error {
	l := loop{Options: o, next: o.Plan.First(time.Now(), o.LastComplete)}
	first, failures := l.next, 0
	for {
		o.OnDue(l.next)
		parked, err := l.wait(ctx)
		if err != nil {
			return err
		}
		if parked {
			l.notBefore = time.Now().Add(parkedEvery)
			o.Passes.Parked(ctx, func() time.Time { return l.next })
			continue
		}
		began := time.Now()
		due := func() time.Time {
			l.next, _ = o.Plan.Next(first, began, time.Now())
			return l.next
		}
		left, err := l.pass(ctx, due)
		if !o.Plan.Repeats() {
			return err
		}
		if !left {
			due()
		}
		failures++
		if err == nil {
			failures = 0
		} else if again := time.Now().Add(Pause(failures)); again.Before(l.next) {
			l.next = again
		}
	}
}

// loop is the state between passes.
type loop struct {
	Options
	// next is when the next pass is due that the schedule asks for, or that makes up
	// for a failed one.
	next time.Time
	// notBefore is when parked objects may be tried again at the earliest.
	notBefore time.Time
}

// wait returns when the next pass is due, or earlier with parked set when parked
// objects are.
func (l *loop) wait(ctx context.Context) (parked bool, err error) {
	for ctx.Err() == nil {
		at := l.next
		parked = false
		if p := l.Passes.NextParked(); !p.IsZero() {
			if p.Before(l.notBefore) {
				p = l.notBefore
			}
			if parked = p.Before(l.next); parked {
				at = p
			}
		}
		if over, err := l.sleep(ctx, time.Until(at)); over || err != nil {
			return parked, err
		}
	}
	return false, ctx.Err()
}

// sleep waits for d, or until an object is parked: then it is not over.
func (l *loop) sleep(ctx context.Context, d time.Duration) (over bool, _ error) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true, nil
	case <-l.Passes.Parks():
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// pass makes the pass that is due. A full listing at once takes the place of one
// that asked for changes and failed.
func (l *loop) pass(ctx context.Context, due Due) (left bool, err error) {
	if l.Choice.next(l.Identity(ctx)) == changesAlone {
		l.Choice.asking.reset()
		left, err = l.Passes.Changes(ctx, due, l.Choice.goOn)
		if err != nil && ctx.Err() != nil {
			return left, err
		}
		if l.Choice.asked(err); err == nil {
			return left, nil
		}
	}
	kind, began := l.Choice.next(l.Identity(ctx)), time.Now()
	l.Choice.listing.reset()
	if left, err = l.Passes.List(ctx, due, kind == fullAndRemember); err == nil {
		l.Choice.listed(kind, began)
	}
	return left, err
}

// Pause is how long a pass waits that failed n times in a row, and an object that
// was parked n times: a minute, then twice as long each time, up to an hour.
func Pause(n int) time.Duration { return doubled(firstPause, n, LongestPause) }

// doubled is first, doubled n-1 times, but at most most.
func doubled(first time.Duration, n int, most time.Duration) time.Duration {
	d := first
	for range n - 1 {
		if d = min(2*d, most); d == most {
			break
		}
	}
	return d
}
