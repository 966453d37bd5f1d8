package pass

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// due is an object on its way through a pass. It implements [fetch.Claim].
type due struct {
	pass *Pass
	// work and item are the ledger's, nil and empty where there is none.
	work *ledger.Work
	item ledger.Item
	// named is whose object it is, where a target names it.
	named *claim
}

var (
	_ fetch.Claim   = (*due)(nil)
	_ fetch.Chooser = (*due)(nil)
)

// Wants implements [fetch.Chooser]: it leaves out an object of a type that the listing
// did not tell and the filter does not let through.
func (d *due) Wants(c *object.Content) bool {
	if c.Object.ContentType != "" || d.pass.scope.Source.Filter.MatchType(c.ContentType) {
		return true
	}
	if d.work != nil {
		d.work.LeaveOut(c.Object, c.ContentType)
	}
	d.pass.scope.settled(c.Key)
	d.pass.tally.filtered(filter.Verdict{Rule: filter.ContentTypes}, 1)
	return false
}

// Deliver hands one download on under a receipt of its own.
func (d *due) Deliver(ctx context.Context, dl *fetch.Download) error {
	if !d.Wants(&dl.Content) {
		return nil
	}
	if err := d.pass.scope.Removals.hold(ctx); err != nil {
		return err
	}
	c := &receipt{due: d, object: dl.Object}
	if err := d.pass.scope.Deliver(ctx, dl, d.event(), c.ack); err != nil {
		c.abandon()
		return err
	}
	c.handedOn(ctx)
	return nil
}

// event is what is said to have happened to the object.
func (d *due) event() string {
	if d.named != nil && d.work == nil {
		return d.named.says.event()
	}
	return d.item.Event.String()
}

// Changed asks the filter about the version that the object has by now.
func (d *due) Changed(now object.Object) bool {
	v := d.pass.scope.Source.Filter.Match(now, time.Now())
	if v.Rule == filter.Pass {
		return true
	}
	d.pass.tally.filtered(v, 1)
	if d.work != nil {
		d.work.Release(now.Key) // the next listing shows it, and leaves it out
	}
	return false
}

// Fail parks the object, unless it is gone.
func (d *due) Fail(f fetch.Failure) {
	if errors.Is(f.Err, object.ErrNotFound) {
		if d.work != nil {
			d.work.Vanish(f.Object.Key)
		}
		d.pass.scope.settled(f.Object.Key)
		d.pass.tally.vanished(f.Object)
		return
	}
	d.park(f.Object, reason(f.Err), f.Err)
}

// Release gives back an object that the end of the run left undone.
func (d *due) Release() {
	if d.work != nil {
		d.work.Release(d.item.Key)
		if d.pass.recent != nil {
			d.pass.scope.waiting.add(d.item.Object, time.Now(), false)
		}
	}
}

func (d *due) park(obj object.Object, reason string, err error) {
	p := d.pass
	if d.work != nil {
		next := time.Now().Add(p.scope.ParkFor(d.item.Attempts + 1))
		d.work.Park(obj, fmt.Sprintf("%s: %v", reason, err), next)
		p.scope.waiting.add(d.item.Object, next, true)
	}
	again := p.scope.told.before(obj, reason)
	p.tally.parked(obj, reason, err, again)
	if !again {
		p.scope.failures.add(Failed{obj, d.item.Event.String(), reason, err}, nil)
	}
}

// receipt is one attempt to deliver one object, from its download to the ack of
// its last message. The object counts as delivered only when everything was
// handed on and everything was acked, in whichever order the two are known.
type receipt struct {
	due    *due
	object object.Object // the version that was fetched

	mu        sync.Mutex
	acked     bool
	err       error // what the pipeline said, once acked
	handed    bool
	abandoned bool // the object is tried again, so that acks mean nothing
}

// ack hears what the pipeline says; the first answer counts.
func (c *receipt) ack(ctx context.Context, err error) error {
	c.note(ctx, func() (complete bool) {
		if c.acked {
			return false
		}
		c.acked, c.err = true, err
		return c.handed
	})
	return nil
}

// handedOn says that all of the object's messages are on their way.
func (c *receipt) handedOn(ctx context.Context) {
	c.note(ctx, func() (complete bool) { c.handed = true; return c.acked })
}

// abandon says that the object is tried again.
func (c *receipt) abandon() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.abandoned = true
}

// note changes the receipt, and settles it when that makes it complete.
func (c *receipt) note(ctx context.Context, change func() (complete bool)) {
	c.mu.Lock()
	complete := !c.abandoned && change()
	c.mu.Unlock()
	if complete {
		c.settle(ctx)
	}
}

// settle runs once, when both sides are known. This is the only place where an
// object becomes delivered.
func (c *receipt) settle(ctx context.Context) {
	p, named := c.due.pass, c.due.named
	switch {
	case c.err != nil && named != nil:
		named.refused(c.object.Key, c.err)
		return
	case c.err != nil:
		c.due.park(c.object, reason(ErrRejected), fmt.Errorf("%w: %w", ErrRejected, foreign.Cause(c.err)))
		return
	}
	p.scope.settled(c.object.Key)
	p.tally.delivered(c.object)
	c.due.takeAway(ctx, c.object, func() {
		if named != nil {
			named.delivered()
		}
	})
}

// stays reports whether the object was delivered before, and is still to be taken away.
func (d *due) stays() bool { return d.item.Reason == ledger.ReasonStays }

// takeAway does with a delivered version what is to be done after delivery. Until then
// the ledger has it parked, so that another process goes on with that, should this one
// end. Settled is called when nothing is left to do, or at the next attempt.
func (d *due) takeAway(ctx context.Context, obj object.Object, settled func()) {
	p, work := d.pass, d.work
	if p.scope.Removals.one == nil {
		if work != nil {
			work.Delivered(obj)
		}
		settled()
		return
	}
	next := time.Now()
	if work != nil {
		next = next.Add(p.scope.ParkFor(d.item.Attempts + 1))
		work.Park(obj, ledger.ReasonStays, next)
	}
	begun := p.scope.Removals.remove(ctx, removal{obj, func(kept string, err error) {
		switch {
		case err != nil:
			p.tally.count(func(r *Report) { r.NotRemoved++ })
			if work != nil {
				p.scope.waiting.add(d.item.Object, next, true)
			}
		case kept != "":
			p.tally.count(func(r *Report) { r.Kept++ })
			if work != nil {
				work.Delivered(obj)
			}
		case work != nil:
			work.Forget(obj.Key)
		}
		if err == nil {
			p.scope.settled(obj.Key)
		}
		settled()
	}})
	if !begun {
		settled()
	}
}
