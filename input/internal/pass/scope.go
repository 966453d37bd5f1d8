package pass

import (
	"context"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// Options say what the passes over a scope work on.
type Options struct {
	Source  Source
	Fetcher *fetch.Fetcher
	Deliver Deliver
	// Failed hands on, once for each version and reason, that an object failed for good;
	// nil does not. The object is parked whatever becomes of it. See [Scope.SendFailures].
	Failed func(ctx context.Context, f Failed, ack Ack) error
	// Ledger knows what was delivered before; nil makes every object due.
	Ledger *ledger.Ledger
	// ParkFor is how long an object waits that is parked for the n-th time. Only a
	// Ledger parks.
	ParkFor func(n int) time.Duration
	// Deletes says what to do about keys that are no longer there.
	Deletes Deletes
	// Removals delete what was delivered. Several scopes may share them.
	Removals *Removals
	Watcher  Watcher
	// ParkedNow hears how many objects are parked for a reason, when that changes, as
	// far as the passes of this process know. It must not block. Nil is nobody.
	ParkedNow func(reason string, n int64)
}

// Source is where objects come from, and which of them are wanted.
type Source struct {
	// Listing says what to list. Its Bounds come from the ledger.
	Listing listing.Options
	// Feed shows what changed; nil where nobody can be asked.
	Feed   Feed
	Filter *filter.Filter
}

// Deliver hands everything in a download on, and has ack called once the pipeline
// is done with it. It returns nil when all was handed on. It is called from several
// goroutines.
type Deliver func(ctx context.Context, d *fetch.Download, event string, ack Ack) error

// Ack settles one attempt at a download: nil means that everything in it was
// delivered, an error that the pipeline refused it.
type Ack func(ctx context.Context, err error) error

// Watcher hears of each object as it is counted, for metrics and log lines. Its
// methods are called from several goroutines and must not block.
type Watcher interface {
	Listed()
	// Unchanged hears of objects that were delivered before.
	Unchanged(n int64)
	Filtered(rule string, n int64)
	Delivered(obj object.Object)
	Vanished(obj object.Object)
	// Parked hears of an object that was parked in this pass, and why; again says that
	// an earlier pass parked this version for the same reason.
	Parked(obj object.Object, reason string, err error, again bool)
}

// Scope is what passes over one project, bucket and prefix have in common.
type Scope struct {
	Options
	recent  *Recent // nil where nobody can be asked for changes
	waiting waiting
	told    told
	// failures are handed on where Options ask for it.
	failures *failures
}

// NewScope remembers nothing yet.
func NewScope(o Options) *Scope {
	s := &Scope{Options: o, failures: newFailures(o.Failed), told: told{changed: o.ParkedNow}}
	s.waiting.parks = make(chan struct{}, 1)
	if o.Source.Feed != nil {
		s.recent = newRecent(o.Source.Feed, &s.waiting)
	}
	return s
}

// Recent is what passes remember so that later ones can ask for changes; nil where
// nobody can be asked.
func (s *Scope) Recent() *Recent { return s.recent }

// NextParked is when the time of the first parked object comes, zero where none
// is parked.
func (s *Scope) NextParked() time.Time { return s.waiting.next() }

// Parks has an element when an object was parked since the last one was taken, also by
// an ack that comes after its pass. One caller may receive.
func (s *Scope) Parks() <-chan struct{} { return s.waiting.parks }

// settled forgets that an object was parked: it was delivered, is gone, or is left out.
func (s *Scope) settled(key string) {
	s.told.forget(key)
	s.failures.forget(key)
}
