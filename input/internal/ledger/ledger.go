package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/format"
)

// Options say where a ledger is kept and what it compares. Store is required.
type Options struct {
	// Store is closed by [Ledger.Close].
	Store Store
	Scope Scope
	// ChangeDetection is what makes two listings the same version; ByETag if
	// unset.
	ChangeDetection ChangeDetection
	// CheckpointEvery is after how many settled objects a checkpoint is due; 500
	// if unset.
	CheckpointEvery int
	// CheckpointAfter is how long after the first of them it is due; a second if
	// unset.
	CheckpointAfter time.Duration
	// LongestPause is the longest that an object is parked for. A parked object
	// whose next attempt is further away is due now: its time was written when the
	// clock was ahead. There is no limit if unset.
	LongestPause time.Duration
	// StaysOut says whether an object is still left out of which an answer told the
	// given content type (see [Work.LeaveOut]). Where it is nil, none is.
	StaysOut func(contentType string) bool
}

// Ledger knows what was delivered. All methods are safe for concurrent use.
type Ledger struct {
	store  Store
	keys   format.Keys
	detect ChangeDetection
	every  int
	after  time.Duration
	pause  time.Duration
	still  func(contentType string) bool // StaysOut
	limits limits

	// io holds one token, for the goroutine that reads manifests, writes to the
	// store, or changes where segments begin and end. It is a channel because it
	// is held while the store works: waiting for it ends with the context.
	io     chan struct{}
	closed atomic.Bool
	// What follows up to mu belongs to the holder of io.
	written written

	// mu guards the rest. It is never held while the store works.
	mu       sync.Mutex
	segments []*segment
	works    map[*Work]struct{}
	// unwritten are the changes since the last checkpoint, and since when there
	// are any.
	unwritten []change
	since     time.Time
	// lastTurn is the turn of the newest change for the journal, journaled the turn
	// of the newest change that the journal has.
	lastTurn, journaled uint64
	// firstRecord is the oldest record of the journal that counts, nextRecord
	// the next to be written.
	firstRecord, nextRecord uint64
	// pending counts the changes in all segments' deltas.
	pending int
	// passes counts the passes of this process; pass is when the last complete
	// pass ended, passWritten the same as the store knows it.
	passes            uint64
	pass, passWritten time.Time
	// changed says that something was recorded since the last complete pass.
	changed  bool
	identity string
	wake     chan struct{}
	// failure is the first error that lasts; failed is closed then.
	failure error
	failed  chan struct{}
}

// written is what the ledger remembers of the values that it wrote or read.
type written struct {
	nextManifest uint64
	// oldestRecord is the oldest record of the journal that may exist.
	oldestRecord uint64
	// garbage are manifests to be deleted once the next index is written.
	garbage []uint64
	// indexTag is the tag of the index as this process knows it, 0 where there is
	// none. indexTried and recordTried are the tags of writes whose outcome is not
	// known, because the store answered with an error.
	indexTag    uint64
	indexTried  []uint64
	recordTried []uint64
	// lastTag is the tag of the last record, which is kept even when nobody needs
	// it: if it is gone or another, another process has been here. 0 where there
	// is none.
	lastTag uint64
	// founded says that the value of that name is there.
	founded bool
	indexAt time.Time
}

// Open reads the index and the journal, but no manifest. A store that holds
// nothing of this scope is an empty ledger; a value that the ledger did not write
// is [ErrDamaged].
func Open(ctx context.Context, opts Options) (*Ledger, error) {
	l := &Ledger{
		store:  opts.Store,
		keys:   opts.Scope.Keys(),
		detect: opts.ChangeDetection,
		every:  opts.CheckpointEvery,
		after:  opts.CheckpointAfter,
		pause:  opts.LongestPause,
		still:  opts.StaysOut,
		limits: standard,
		io:     make(chan struct{}, 1),
		wake:   make(chan struct{}, 1),
		failed: make(chan struct{}),
		// Segments that were not listed by this process have pass 0.
		passes: 1,
	}
	if l.every <= 0 {
		l.every = 500
	}
	if l.after <= 0 {
		l.after = time.Second
	}
	if err := l.load(ctx); err != nil {
		return nil, fmt.Errorf("opening the ledger: %w", err)
	}
	return l, nil
}

var errClosed = errors.New("the ledger is closed")

// lock acquires io.
func (l *Ledger) lock(ctx context.Context) error {
	select {
	case l.io <- struct{}{}:
		if l.closed.Load() {
			l.unlock()
			return errClosed
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *Ledger) unlock() { <-l.io }

// holding runs f while it holds io. Its errors say what is being done.
func (l *Ledger) holding(ctx context.Context, doing string, f func() error) error {
	if err := l.lock(ctx); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	defer l.unlock()
	if err := f(); err != nil {
		return fmt.Errorf("%s: %w", doing, l.noted(err))
	}
	return nil
}

// Stats are figures of a ledger.
type Stats struct {
	// Tracked is the number of keys of which some version was delivered, Parked
	// the number of keys that wait for another attempt. A key can be both.
	Tracked, Parked int64
	// Segments is the number of key ranges that the keys are kept in.
	Segments int
	// LastCompletePass is when [Ledger.CompletePass] was called last, in this
	// process or an earlier one; zero if never.
	LastCompletePass time.Time
}

// Stats returns the figures of this moment, without reading anything.
func (l *Ledger) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Stats{Segments: len(l.segments), LastCompletePass: l.pass}
	for _, seg := range l.segments {
		s.Tracked += int64(seg.live.Tracked)
		s.Parked += int64(seg.live.Parked)
	}
	return s
}

// Close writes what is not written yet and closes the store, even if that
// fails. Settling a [Work] after Close has no effect that lasts. Closing again
// does nothing.
func (l *Ledger) Close(ctx context.Context) error {
	if l.closed.Load() {
		return nil
	}
	err := l.flush(ctx)
	if l.closed.Swap(true) {
		return nil
	}
	return errors.Join(err, l.store.Close())
}

// Discard closes the store without writing anything, after mere looking.
// Calling it again, or after [Ledger.Close], does nothing.
func (l *Ledger) Discard() error {
	if l.closed.Swap(true) {
		return nil
	}
	return l.store.Close()
}

func (l *Ledger) flush(ctx context.Context) error {
	if err := l.lock(ctx); err != nil {
		return fmt.Errorf("closing the ledger: %w", err)
	}
	defer l.unlock()
	err := l.writeJournal(ctx)
	if err == nil {
		err = l.fold(ctx, func(s *segment) bool { return s.loose })
	}
	if err == nil {
		err = l.writePass(ctx)
	}
	if err != nil {
		return fmt.Errorf("closing the ledger: %w", err)
	}
	return nil
}

// Lasting reports whether no later attempt can change an error of a ledger:
// another process has written to it, or a part of it or its store is damaged or
// gone. Anything else may pass.
func Lasting(err error) bool {
	return errors.Is(err, ErrTaken) || errors.Is(err, ErrDamaged) || errors.Is(err, ErrLost)
}

// Failed is closed once any method has met an error that is [Lasting]. Nothing
// can be recorded from then on, so the user of the ledger should end.
func (l *Ledger) Failed() <-chan struct{} { return l.failed }

// Err is the first error that is [Lasting], nil while there was none.
func (l *Ledger) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failure
}

// noted keeps the first lasting error, and returns what it was given.
func (l *Ledger) noted(err error) error {
	if !Lasting(err) {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failure == nil {
		l.failure = err
		close(l.failed)
	}
	return err
}

// Identity is who the server treated us as when the bucket was listed: the name
// last given to [Ledger.SetIdentity], in this process or an earlier one; "" if
// none was. Under row level security, a listing for another identity says nothing
// about what is gone.
func (l *Ledger) Identity() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.identity
}

// SetIdentity keeps the name of the identity. It writes nothing where the name is
// the same as before.
func (l *Ledger) SetIdentity(ctx context.Context, name string) error {
	if l.Identity() == name {
		return nil
	}
	return l.holding(ctx, "noting the identity that listed the bucket", func() error {
		key := l.keys.Identity()
		if err := l.store.Put(ctx, Entry{key, format.EncodeIdentity(key, name)}); err != nil {
			return fmt.Errorf("writing %q: %w", key, err)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.identity = name
		return nil
	})
}
