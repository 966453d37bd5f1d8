// Package pass makes one pass over a bucket: it lists, leaves out what the
// filter drops and what the ledger knows as delivered, has the rest downloaded
// and delivered, and accounts for every object that it saw. It knows neither
// Benthos nor the S3 protocol.
//
// A pass is over when its listing is complete and its objects are done with, or
// when the next pass is due. Objects that are still under way then belong to it
// until they are done with; later passes leave them out.
package pass

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
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
	// Match says whether an object is due. It is called from several goroutines.
	Match   func(object.Object) Verdict
	Fetcher *fetch.Fetcher
	// Deliver hands everything in a download on, and has ack called once the
	// pipeline is done with it. It returns nil when all was handed on. It is
	// called from several goroutines.
	Deliver func(ctx context.Context, d *fetch.Download, event string, ack Ack) error
	// Ledger knows what was delivered before; nil makes every object due.
	Ledger *ledger.Ledger
	// Recent is what passes hand on to those that ask for what changed alone; nil
	// where none does.
	Recent *Recent
	// OnlyChanged makes the pass such a one. It needs a Ledger, and a Recent that
	// is ready.
	OnlyChanged bool
	// OnlyWaiting makes the pass look at nothing but the objects that wait for
	// their time, such as parked ones. It needs a Ledger.
	OnlyWaiting bool
	// NextDue is asked, once the listing is complete, when the next pass is due,
	// which does not wait for the downloads of this one. Zero is never.
	NextDue func() time.Time
	// ParkFor is how long an object waits that is parked for the n-th time.
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
	Delivered(obj object.Object)
	Vanished(obj object.Object)
	// Parked is told of an object that was parked in this pass, and why.
	Parked(obj object.Object, reason string, err error)
	// NotRemoved is told of a delivered object that could not be deleted.
	NotRemoved(obj object.Object, err error)
	// Kept is told of a delivered object that was not deleted, and why.
	Kept(obj object.Object, why string)
	// Deleted is told of a key whose deletion was delivered.
	Deleted(key string)
	// DeletesHeld is told when tracked keys are missing of which none counts as
	// deleted, and why.
	DeletesHeld(h Held)
}

// Shared is what the passes of an input have in common.
type Shared struct {
	Removals *Removals
	waiting  waiting

	mu   sync.Mutex
	said map[string]struct{}
}

// NextParked is when the first of the parked objects is due that wait for their
// time, zero where none does.
func (s *Shared) NextParked() time.Time { return s.waiting.next() }

// saidKept bounds the keys of which it is known that they were said.
const saidKept = 10_000

// saidBefore reports whether it was asked for the key before.
func (s *Shared) saidBefore(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.said[key]; ok {
		return true
	}
	if s.said == nil {
		s.said = map[string]struct{}{}
	}
	if len(s.said) < saidKept {
		s.said[key] = struct{}{}
	}
	return false
}

// Pass is one pass. Run it once.
type Pass struct {
	opts     Options
	shared   *Shared
	tally    tally
	removals *Removals
	complete atomic.Bool
	left     atomic.Bool
	missing  missing
	began    time.Time
	run      *fetch.Run // once Run was called
}

// New prepares a pass.
func New(opts Options, shared *Shared) *Pass {
	return &Pass{opts: opts, tally: newTally(opts.Watcher), shared: shared, removals: shared.Removals}
}

// Run returns once everything that is due has been handed on or parked, or when
// the next pass is due and the listing is complete; acks may come in long after.
// The error is what ended the pass early: the context, a listing that could not
// be completed, keys that are refused, an endpoint that stays down, a ledger that
// can't be read.
func (p *Pass) Run(ctx context.Context) error {
	p.began = time.Now()
	items := p.listAll
	switch {
	case p.opts.OnlyWaiting:
		items = p.onlyWaiting
	case p.opts.OnlyChanged:
		items = p.changed
	default:
		p.shared.waiting.swept()
		if p.opts.Recent != nil {
			p.opts.Recent.beginSweep(ctx, p.opts.Listing.Prefix, p.opts.Deletes.Viewer)
		}
	}
	if p.opts.Ledger != nil {
		tracked, err := p.opts.Ledger.TrackedBelow(ctx, p.opts.Listing.Prefix)
		if err != nil {
			return err
		}
		p.missing.tracked = tracked
	}
	p.run = p.opts.Fetcher.Begin(items(ctx))
	if err := p.wait(); err != nil || !p.complete.Load() {
		p.missing.release()
		return err
	}
	if p.opts.OnlyWaiting {
		return nil
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

// wait returns when the downloads are done with, or when the listing is complete
// and the next pass is due.
func (p *Pass) wait() error {
	select {
	case <-p.run.Done():
		return p.run.Err()
	case <-p.run.Listed():
	}
	if err := p.run.SequenceErr(); err != nil {
		return err
	}
	var due <-chan time.Time
	if at := p.opts.NextDue(); !at.IsZero() {
		timer := time.NewTimer(time.Until(at))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-p.run.Done():
		return p.run.Err()
	case <-due:
		p.left.Store(true)
		return nil
	}
}

// Left reports whether Run returned before all downloads were done with, because
// the next pass was due.
func (p *Pass) Left() bool { return p.left.Load() }

// Done is closed when no object of the pass is being downloaded any more. Call it
// after Run.
func (p *Pass) Done() <-chan struct{} { return p.run.Done() }

// Report accounts for every object up to now.
func (p *Pass) Report() Report {
	r := p.tally.report()
	r.ListingComplete = p.complete.Load()
	return r
}

// Reasons are all the words under which parked objects are counted.
func Reasons() []string { return append(object.Causes(), reasonRejected, reasonScanner) }

const (
	reasonRejected = "rejected"
	reasonScanner  = "scanner"
)

// reason is the word under which a parked object is counted.
func reason(err error) string {
	switch {
	case errors.Is(err, ErrRejected):
		return reasonRejected
	case errors.Is(err, ErrUnreadable):
		return reasonScanner
	default:
		return object.Cause(err)
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
