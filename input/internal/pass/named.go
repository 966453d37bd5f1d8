package pass

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// soon is when a key is looked at again whose state is about to change: a pass has the
// object under way, or it vanished while it was read.
const soon = time.Second

// busyMost is the longest pause between two looks at a key that a pass has under way.
const busyMost = 10 * time.Second

// errMissing is what a target is refused with whose object is not listed.
var errMissing = errors.New("the listing shows no such object (on_missing)")

// claim is one attempt at the object that targets name. It implements [fetch.Namer].
type claim struct {
	targets *Targets
	key     string
	says    says
	due     due
	// resolved says that the listing has shown the object, missing that it did not, and
	// the target is refused because of that.
	resolved, missing bool
}

var (
	_ fetch.Namer   = (*claim)(nil)
	_ fetch.Chooser = (*claim)(nil)
)

// Wants implements [fetch.Chooser].
func (c *claim) Wants(answer *object.Content) bool {
	if c.due.Wants(answer) {
		return true
	}
	c.leftOut()
	return false
}

// Deliver implements [fetch.Claim].
func (c *claim) Deliver(ctx context.Context, d *fetch.Download) error {
	if !c.Wants(&d.Content) {
		return nil
	}
	if err := c.due.Deliver(ctx, d); err != nil {
		return err
	}
	c.targets.handed(c)
	return nil
}

// Changed implements [fetch.Claim]. It is told of the version that the listing shows
// at first, and of each that it shows later.
func (c *claim) Changed(now object.Object) bool {
	t := c.targets
	scope := t.opts.Scope
	if !c.resolved {
		scope.Watcher.Listed()
	}
	switch v := scope.Source.Filter.Match(now, time.Now()); v.Rule {
	case filter.Pass:
	case filter.MinAge:
		c.due.Release()
		c.again(now.LastModified.Add(scope.Source.Filter.MinAge()))
		return false
	default:
		c.due.Release()
		t.pass.tally.filtered(v, 1)
		c.leftOut()
		return false
	}
	if c.resolved || scope.Ledger == nil {
		c.resolved = true
		return true
	}
	c.resolved = true
	return c.isDue(now)
}

// isDue asks the ledger about the object.
func (c *claim) isDue(now object.Object) bool {
	t := c.targets
	scope := t.opts.Scope
	work, err := c.compare(now)
	switch {
	case err != nil: // one that lasts ends the run
		c.busy()
	case len(work.Due) > 0:
		scope.waiting.drop(now.Key)
		c.due.work, c.due.item = work, work.Due[0]
		if c.due.stays() {
			t.pass.tally.unchanged(1)
			c.due.takeAway(t.context(), work.Due[0].Object, func() { t.settle(c, nil) })
			return false
		}
		return true
	case work.InFlight > 0:
		c.busy()
	case work.LeftOut > 0:
		t.pass.tally.filtered(filter.Verdict{Rule: filter.ContentTypes}, 1)
		c.leftOut()
	case len(work.Parked) > 0: // and tried again by a pass
		scope.waiting.add(now, work.Parked[0].Next, true)
		t.pass.tally.count(func(r *Report) { r.Unchanged++ })
		t.settle(c, nil)
	default:
		t.pass.tally.unchanged(1)
		t.settle(c, nil)
	}
	return false
}

func (c *claim) compare(obj object.Object) (*ledger.Work, error) {
	t := c.targets
	return t.opts.Scope.Ledger.ComparePoints(t.context(), []ledger.Listed{{Object: obj, Matches: true}})
}

// Unlisted implements [fetch.Namer].
func (c *claim) Unlisted(ctx context.Context) error {
	t := c.targets
	switch {
	case c.says.deleted:
		return c.deliverDeletion(ctx)
	case t.opts.NackMissing:
		c.missing = true
		// Of a kind that is tried a few times: the row of an upload may become visible a
		// moment after the message about it.
		return &object.Error{Op: "listing", Key: c.key, Kind: object.ErrMissingContent, Err: errors.New("the listing does not show what a target names")}
	}
	t.pass.tally.count(func(r *Report) { r.Vanished++ })
	t.count(TargetMissing)
	t.opts.Watcher.Missing(c.key)
	t.settle(c, nil)
	return nil
}

// nowhere is what no version is, so that a ledger that knows the key has another one.
const nowhere = "\x00"

// deliverDeletion hands on that the object is gone, unless the ledger knows that this
// is no news.
func (c *claim) deliverDeletion(ctx context.Context) error {
	t := c.targets
	scope := t.opts.Scope
	if v := scope.Source.Filter.Match(object.Object{Key: c.key}, time.Now()); v.Rule == filter.Placeholder {
		t.pass.tally.filtered(v, 1)
		c.leftOut()
		return nil
	}
	if scope.Ledger != nil {
		work, err := c.compare(object.Object{Key: c.key, ETag: nowhere}) //nolint:contextcheck // that of Run
		if err != nil || len(work.Due) == 0 {
			c.busy()
			return nil //nolint:nilerr // one that lasts ends the run
		}
		c.due.work, c.due.item = work, work.Due[0]
		if t.opts.Remembers && c.due.item.Event == ledger.Created {
			work.Vanish(c.key)
			t.pass.tally.unchanged(1)
			t.settle(c, nil)
			return nil
		}
	}
	err := t.opts.Deleted(ctx, c.key, func(_ context.Context, refused error) error {
		if refused != nil {
			c.refused(c.key, refused)
			return nil
		}
		if c.due.work != nil {
			c.due.work.Forget(c.key)
		}
		scope.settled(c.key)
		t.pass.tally.count(func(r *Report) { r.Delivered++ })
		c.delivered()
		return nil
	})
	if err != nil {
		c.due.Release()
		return err
	}
	t.handed(c)
	return nil
}

// Fail implements [fetch.Claim]. A pass tries again what the ledger has parked; else
// the target stays, and is tried again here.
func (c *claim) Fail(f fetch.Failure) {
	t := c.targets
	switch {
	case t.context().Err() != nil: // that is why
		c.Release()
	case c.missing && !c.resolved:
		t.pass.tally.count(func(r *Report) { r.Parked[reasonMissing]++ })
		t.count(TargetMissing)
		t.opts.Watcher.Missing(c.key)
		t.settle(c, errMissing)
	case errors.Is(f.Err, object.ErrNotFound) && c.resolved:
		if c.due.work != nil {
			c.due.work.Vanish(c.key)
		}
		c.again(time.Now().Add(soon)) // the listing says what that means
	case c.due.work != nil:
		t.count(TargetFailed)
		c.due.park(f.Object, reason(f.Err), f.Err)
		t.settle(c, nil)
	default:
		why, scope := reason(f.Err), t.opts.Scope
		t.count(TargetFailed)
		scope.Watcher.Parked(f.Object, why, f.Err, scope.told.before(f.Object, why))
		if scope.failures.add(Failed{f.Object, c.says.event(), why, f.Err}, func(err error) { c.told(why, err) }) {
			t.handed(c)
			return
		}
		t.again(c, func(failures int) time.Time { return time.Now().Add(scope.ParkFor(failures)) }, true)
	}
}

// told is called when the pipeline has the failure of the object: that takes the place
// of further attempts.
func (c *claim) told(why string, err error) {
	c.targets.pass.tally.count(func(r *Report) { r.Parked[why]++ })
	c.targets.settle(c, err)
}

// Release implements [fetch.Claim].
func (c *claim) Release() {
	c.due.Release()
	c.again(time.Now())
}

func (c *claim) again(at time.Time) {
	c.targets.again(c, func(int) time.Time { return at }, false)
}

// busy looks at the key again after a pause that grows: a pass has the object under way.
func (c *claim) busy() {
	c.targets.again(c, func(n int) time.Time { return time.Now().Add(min(soon<<min(n-1, 4), busyMost)) }, true)
}

func (c *claim) leftOut() {
	c.targets.count(TargetFiltered)
	c.targets.settle(c, nil)
}

// delivered is called when the object, or its deletion, is acked.
func (c *claim) delivered() {
	c.targets.count(TargetDelivered)
	c.targets.settle(c, nil)
}

// refused is called when the pipeline has refused the object, or its deletion.
func (c *claim) refused(key string, err error) {
	t := c.targets
	c.due.Release()
	t.count(TargetFailed)
	t.pass.tally.count(func(r *Report) { r.Parked[reasonRejected]++ })
	err = fmt.Errorf("%w: %w", ErrRejected, foreign.Cause(err))
	t.opts.Watcher.Refused(key, err)
	t.settle(c, err)
}

// reasonMissing is the word under which a target is counted that was refused because
// its object is not there.
const reasonMissing = "missing"

// TargetEvent is what may happen to a target.
type TargetEvent uint8

// What happens to targets. Each is received, and then has one of the others, except
// TargetFailed: that counts attempts.
const (
	TargetReceived TargetEvent = iota
	// TargetJoined means that the object was about to be read for another target.
	TargetJoined
	TargetFiltered
	TargetDelivered
	// TargetMissing means that the listing does not show the object.
	TargetMissing
	// TargetFailed means that an object could not be read, or was refused by the pipeline.
	TargetFailed
	targetEvents
)

// TargetWatcher hears of targets, for metrics and log lines. Its methods are called
// from several goroutines and must not block.
type TargetWatcher interface {
	Target(e TargetEvent)
	// Missing hears of a key that a target names and the listing does not show.
	Missing(key string)
	// Refused hears that the pipeline refused what a target named.
	Refused(key string, err error)
}

// TargetReport counts what happened to targets so far.
type TargetReport struct {
	Counts [targetEvents]int64
	// UnderWay are not done with; of these, Waiting name objects that are tried again
	// later.
	UnderWay, Waiting int
	// Objects accounts for their objects: two targets that are joined are one.
	Objects Report
}

// Report counts up to now.
func (t *Targets) Report() TargetReport {
	t.mu.Lock()
	r := t.now
	r.UnderWay, r.Waiting = t.kept, len(t.later)
	t.mu.Unlock()
	r.Objects = t.pass.Report()
	return r
}

func (t *Targets) count(e TargetEvent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.countLocked(e)
}

// countLocked is count with the lock held.
func (t *Targets) countLocked(e TargetEvent) {
	t.now.Counts[e]++
	t.opts.Watcher.Target(e)
}
