package pass

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// Task says what one pass is to do.
type Task struct {
	Kind Kind
	// Remember has a full listing remember what later passes need that ask for
	// changes. It needs a Feed.
	Remember bool
	Identity Identity
	// NextDue is asked, once the listing is complete, when the next pass is due,
	// which does not wait for the downloads of this one. Zero is never.
	NextDue func() time.Time
	// Room is what the pass may hold of what is listed; nil is no limit.
	Room listing.Room
	// GoOn is asked after each page of Changes; its error ends the pass. Nil is no
	// limit.
	GoOn func() error
}

// Kind is where the objects of a pass come from.
type Kind uint8

const (
	// Full is a pass over everything.
	Full Kind = iota
	// Changes is a pass over what changed, and what waited until now. It needs a
	// Ledger, and a Recent that is ready.
	Changes
	// Waiting is a pass over the objects that waited until now, such as parked ones.
	// It needs a Ledger.
	Waiting
	// Named is no pass of its own: it counts what [Targets] deliver.
	Named
)

// Identity is who the server treats us as.
type Identity struct {
	// Name tells identities apart, "" where it is not known.
	Name string
	// SeesAll says that row level security hides nothing from it. Otherwise a key
	// that is not listed may be hidden.
	SeesAll bool
}

// Pass is one pass. Run it once.
type Pass struct {
	scope *Scope
	task  Task
	// recent is nil where this pass remembers nothing.
	recent   *Recent
	tally    tally
	complete atomic.Bool
	left     bool
	missing  missing
	began    time.Time
	run      *fetch.Run // once Run was called
}

// NewPass prepares a pass.
func (s *Scope) NewPass(t Task) *Pass {
	p := &Pass{scope: s, task: t, missing: newMissing(s.Deletes.MaxRatio, t.Identity.SeesAll)}
	p.tally.watcher = s.Watcher
	p.tally.now = Report{Filtered: map[string]int64{}, FilteredBy: map[string]int64{}, Parked: map[string]int64{}}
	if t.Kind == Changes || t.Remember {
		p.recent = s.recent
	}
	return p
}

// Run returns once everything that is due has been handed on or parked, or when
// the next pass is due and the listing is complete; acks may come in long after.
// The error is what ended the pass early: the context, a listing that could not
// be completed, keys that are refused, an endpoint that stays down, a ledger that
// can't be read.
func (p *Pass) Run(ctx context.Context) error {
	p.began = time.Now()
	known, prefix := p.scope.Ledger, p.scope.Source.Listing.Prefix
	items := p.listed
	switch p.task.Kind {
	case Waiting:
		items = p.waiting
	case Changes:
		items = p.changed
	case Full:
		p.scope.waiting.swept()
		p.scope.told.sweepBegins()
		if p.recent != nil {
			p.recent.beginFull(ctx, prefix, p.task.Identity.Name)
		}
	}
	if known != nil {
		tracked, err := known.TrackedBelow(ctx, prefix)
		if err != nil {
			return err
		}
		p.missing.tracked = tracked
		p.tally.count(func(r *Report) { r.Tracked = tracked })
	}
	p.run = p.scope.Fetcher.Begin(p.scope.failures.hold(ctx, items(ctx)))
	if err := p.wait(); err != nil || !p.complete.Load() {
		p.missing.release()
		return err
	}
	if p.task.Kind == Full && !p.left && p.tally.report().InFlight == 0 {
		p.scope.told.sweepEnds() // one that another pass has under way may be parked
	}
	if p.recent != nil {
		p.recent.ended(p.began)
	}
	if known == nil || p.task.Kind != Full {
		return nil
	}
	if err := p.settleMissing(ctx); err != nil {
		return err
	}
	return known.CompletePass(ctx)
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
	if at := p.task.NextDue(); !at.IsZero() {
		due = time.After(time.Until(at))
	}
	select {
	case <-p.run.Done():
		return p.run.Err()
	case <-due:
		p.left = true
		return nil
	}
}

// Left reports whether Run returned before all downloads were done with, because
// the next pass was due. Call it after Run.
func (p *Pass) Left() bool { return p.left }

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
func Reasons() []string {
	return append(object.Causes(), reasonRejected, reasonScanner, ledger.ReasonStays)
}

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
	// object's content. A Deliver wraps it.
	ErrUnreadable = errors.New("the scanner could not read the content")
)
