// Package pass makes one pass over a bucket: it lists, leaves out what the
// filter takes and what the ledger knows as delivered, has the rest downloaded
// and delivered, and accounts for every object it saw. It knows neither Benthos
// nor the S3 protocol.
package pass

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
)

// Verdict is what a filter says of an object.
type Verdict struct {
	// Rule is the name of the rule that leaves the object out, empty where it is
	// due.
	Rule string
	// Pattern is the glob that decided, where one did.
	Pattern string
	// Until is when the rule lets go of the object; zero where it never does.
	Until time.Time
}

// Ack settles one attempt at a download: nil means that everything in it was
// delivered, an error that the pipeline refused it.
type Ack func(ctx context.Context, err error) error

// Options say what a pass works on.
type Options struct {
	// Listing says what to list. Its Bounds come from the ledger.
	Listing listing.Options
	// Match says whether an object is due. It is called from one goroutine.
	Match func(bucket.Object) Verdict
	Fetch fetch.Options
	// Deliver hands everything in a download on, and has ack called once the
	// pipeline is done with it. It returns nil when all was handed on. It is
	// called from several goroutines.
	Deliver func(ctx context.Context, d *fetch.Download, event string, ack Ack) error
	// Remover deletes what was delivered; nil keeps everything.
	Remover Remover
	// Ledger knows what was delivered before; nil makes every object due.
	Ledger *ledger.Ledger
	// Recent is what passes hand on to those that ask for what changed alone; nil
	// where none does.
	Recent *Recent
	// OnlyChanged makes the pass such a one. It needs a Ledger, and a Recent that
	// is ready.
	OnlyChanged bool
	// ParkFor is how long an object waits that was given up for the n-th time.
	ParkFor func(n int) time.Duration
	// Deletes says what to do about keys that are no longer there.
	Deletes Deletes
	// Watcher hears of every object as it is accounted for.
	Watcher Watcher
}

// Watcher hears how each object ends, for metrics and log lines. Its methods
// are called from several goroutines and must not block.
type Watcher interface {
	Listed()
	// Unchanged is told of objects that were delivered before.
	Unchanged(n int64)
	Filtered(rule string)
	Delivered(obj bucket.Object)
	Vanished(obj bucket.Object)
	// Parked is told of an object that was given up in this pass, and why.
	Parked(obj bucket.Object, reason string, err error)
	// NotRemoved is told of a delivered object that could not be deleted.
	NotRemoved(obj bucket.Object, err error)
	// Deleted is told of a key whose deletion was delivered.
	Deleted(key string)
	// DeletesHeld is told when tracked keys are missing of which none is taken for
	// deleted, and why.
	DeletesHeld(h Held)
}

// Pass is one pass. Run it once.
type Pass struct {
	opts     Options
	tally    tally
	removals *removals
	complete atomic.Bool
	missing  missing
	began    time.Time

	mu     sync.Mutex
	owners map[string]owner
}

// New prepares a pass. Deletions of earlier passes are those of shared.
func New(opts Options, shared *Removals) *Pass {
	return &Pass{
		opts: opts, tally: newTally(opts.Watcher), owners: map[string]owner{},
		removals: &removals{opts.Remover, shared},
	}
}

// Run returns once everything that is due has been handed on or given up; acks
// may come in long after. The error is what ended the pass early: the context,
// a listing that could not be completed, rejected credentials, a ledger that
// can't be read.
func (p *Pass) Run(ctx context.Context) error {
	p.began = time.Now()
	due := p.due
	switch {
	case p.opts.OnlyChanged:
		due = p.changed
	case p.opts.Recent != nil:
		p.opts.Recent.beginSweep(ctx, p.opts.Listing.Prefix, p.opts.Deletes.Viewer)
	}
	if p.opts.Ledger != nil {
		tracked, err := p.opts.Ledger.TrackedBelow(ctx, p.opts.Listing.Prefix)
		if err != nil {
			return err
		}
		p.missing.tracked = tracked
	}
	downloads := p.opts.Fetch
	if p.opts.Recent != nil {
		downloads.Brief = p.gaveUpBefore
	}
	err := fetch.Run(ctx, downloads, due(ctx), p.attempt, p.failed)
	p.releaseRest()
	if err != nil || !p.complete.Load() {
		p.missing.release()
		return err
	}
	if p.opts.Recent != nil {
		p.opts.Recent.ended(p.began)
	}
	if p.opts.Ledger == nil || p.opts.OnlyChanged {
		return nil
	}
	if err := p.settleMissing(ctx); err != nil {
		return err
	}
	return p.opts.Ledger.CompletePass(ctx)
}

// Report accounts for every object up to now.
func (p *Pass) Report() Report {
	r := p.tally.report()
	r.ListingComplete = p.complete.Load()
	return r
}

// attempt hands one download on under a claim of its own.
func (p *Pass) attempt(ctx context.Context, d *fetch.Download) error {
	o := p.ownerOf(d.Key)
	c := &claim{pass: p, object: d.Object, owner: o}
	if err := p.opts.Deliver(ctx, d, o.event(), c.ack); err != nil {
		c.abandon()
		return err
	}
	p.disown(d.Key)
	c.handedOn(ctx)
	return nil
}

// gaveUpBefore reports whether an object was parked in this version. It is
// tried again in any case, later and later, so that no poll for changes need
// wait for it.
func (p *Pass) gaveUpBefore(obj bucket.Object) bool { return p.ownerOf(obj.Key).item.Attempts > 0 }

// failed accounts for an object that fetch gave up.
func (p *Pass) failed(f fetch.Failure) {
	o := p.ownerOf(f.Object.Key)
	p.disown(f.Object.Key)
	if errors.Is(f.Err, bucket.ErrNotFound) {
		o.vanish(f.Object.Key)
		p.tally.vanished(f.Object)
		return
	}
	p.park(o, f.Object, reason(f.Err), f.Err)
}

func (p *Pass) park(o owner, obj bucket.Object, reason string, err error) {
	if o.work != nil {
		text := fmt.Sprintf("%s: %v", reason, err)
		next := time.Now().Add(p.opts.ParkFor(o.item.Attempts + 1))
		o.work.Park(obj, text, next)
		p.opts.Recent.wait(o.item.Object, next)
	}
	p.tally.parked(obj, reason, err)
}

// reason is the word under which a parked object is counted.
func reason(err error) string {
	switch {
	case errors.Is(err, ErrRejected):
		return "rejected"
	case errors.Is(err, ErrUnreadable):
		return "scanner"
	default:
		return bucket.Cause(err)
	}
}

var (
	// ErrRejected means that the pipeline nacked the object's messages and that
	// nacks are not replayed.
	ErrRejected = errors.New("rejected by the pipeline")
	// ErrUnreadable means that the scanner could not make messages of the
	// object's content. Whoever delivers wraps it.
	ErrUnreadable = errors.New("the scanner could not read the content")
)
