package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options say where a ledger is kept and what it compares. Store is required.
type Options struct {
	// Store is closed by [Ledger.Close].
	Store Store
	Scope Scope
	// Identity is what makes two listings the same version; ByETag if unset.
	Identity Identity
	// CheckpointEvery is after how many settled objects a checkpoint is due; 500
	// if unset.
	CheckpointEvery int
	// CheckpointAfter is how long after the first of them it is due; a second if
	// unset.
	CheckpointAfter time.Duration
	// LongestPause is the longest that anybody parks an object for. A parked object
	// whose next attempt is further away is due now: its time was written when the
	// clock was ahead. There is no limit if unset.
	LongestPause time.Duration
}

// Ledger knows what was delivered. All methods are safe for concurrent use.
type Ledger struct {
	store  Store
	keys   keyspace
	mode   Identity
	every  int
	after  time.Duration
	pause  time.Duration
	codec  *codec
	limits limits

	// io holds one token, for whoever reads manifests, writes to the store, or
	// changes where segments begin and end. It is a channel because it is held
	// while the store works: waiting for it ends with the context.
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
	// lastTurn is the turn of the newest change for the journal, journaled that of
	// the newest one that the journal has.
	lastTurn, journaled uint64
	// firstRecord is the oldest record of the journal that counts, nextRecord
	// the one that is written next.
	firstRecord, nextRecord uint64
	// pending counts the changes in all segments' deltas.
	pending int
	// passes counts the passes of this process; pass is when the last complete
	// one ended, passWritten what the store knows of that.
	passes            uint64
	pass, passWritten time.Time
	// changed says that something was recorded since the last complete pass.
	changed bool
	viewer  string
	wake    chan struct{}
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
	// indexTag is that of the index as this process knows it, 0 where there is
	// none. indexTried and recordTried are those of writes whose outcome is not
	// known, because the store answered with an error.
	indexTag    uint64
	indexTried  []uint64
	recordTried []uint64
	// lastTag is that of the last record, which is kept even when nobody needs
	// it: if it is gone or another, another process has been here. 0 where there
	// is none.
	lastTag uint64
	// founded says that the value of that name is there.
	founded bool
	indexAt time.Time
}

// Open reads the index and the journal; no manifest. A store that holds nothing
// of this scope is an empty ledger; one that holds something that the ledger
// did not write is [ErrDamaged].
func Open(ctx context.Context, opts Options) (*Ledger, error) {
	c, err := newCodec()
	if err != nil {
		return nil, err
	}
	l := &Ledger{
		store:  opts.Store,
		keys:   opts.Scope.keys(),
		mode:   opts.Identity,
		every:  opts.CheckpointEvery,
		after:  opts.CheckpointAfter,
		pause:  opts.LongestPause,
		codec:  c,
		limits: standard,
		io:     make(chan struct{}, 1),
		works:  map[*Work]struct{}{},
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
		c.close()
		return nil, fmt.Errorf("opening the ledger: %w", err)
	}
	return l, nil
}

var errClosed = errors.New("the ledger is closed")

// lock takes io.
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

// Bounds returns where segments begin within the prefix, in order. A listing
// that is cut there compares without reading or cutting a manifest.
func (l *Ledger) Bounds(prefix string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	from, to := l.overlapping(prefix, PrefixEnd(prefix))
	var bounds []string
	for _, s := range l.segments[from:to] {
		if s.lo > prefix {
			bounds = append(bounds, s.lo)
		}
	}
	return bounds
}

// Stats are figures of a ledger.
type Stats struct {
	// Tracked is the number of keys of which some version was delivered, Parked
	// of those that wait for another attempt. A key can be both.
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
		s.Tracked += int64(seg.live.tracked)
		s.Parked += int64(seg.live.parked)
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

func (l *Ledger) flush(ctx context.Context) error {
	if err := l.lock(ctx); err != nil {
		return fmt.Errorf("closing the ledger: %w", err) // the holder may use the codec still
	}
	defer l.unlock()
	defer l.codec.close()
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

// record takes a change in; mu is held. What is not to be in the journal is
// lost with the process unless it is folded, and found again.
func (l *Ledger) record(c change, journal bool) {
	c.key = strings.Clone(c.key)
	if journal {
		l.lastTurn++
		c.turn = l.lastTurn
	}
	s := l.segments[l.find(c.key)]
	s.record(c)
	l.pending++
	l.changed = true
	if !journal {
		s.loose = true
		return
	}
	if s.first == 0 {
		s.first = l.nextRecord
	}
	l.unwritten = append(l.unwritten, c)
	switch len(l.unwritten) {
	case 1:
		l.since = time.Now()
		l.signal()
	case l.every:
		l.signal()
	}
}

func (l *Ledger) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// readManifest returns all entries of a manifest, of which a segment may own
// but a part.
func (l *Ledger) readManifest(ctx context.Context, number uint64) ([]entry, error) {
	if number == 0 {
		return nil, nil
	}
	key := l.keys.manifest(number)
	value, err := l.store.Get(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return nil, damaged(key, "is gone although the index refers to it")
	}
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", key, err)
	}
	body, err := unseal(kindManifest, key, value)
	if err != nil {
		return nil, err
	}
	entries, err := decodeManifest(l.codec, body)
	if err != nil {
		return nil, damaged(key, "cannot be read: "+err.Error())
	}
	return entries, nil
}

// readSegment returns the stored entries of the segment at i; io is held.
func (l *Ledger) readSegment(ctx context.Context, i int) ([]entry, error) {
	l.mu.Lock()
	s, hi := l.segments[i], l.hi(i)
	l.mu.Unlock()
	entries, err := l.readManifest(ctx, s.stored.manifest)
	entries = between(entries, s.lo, hi)
	if err == nil && tallyOf(entries) != s.stored.tally {
		err = damaged(l.keys.manifest(s.stored.manifest), "is not the one that the index refers to")
	}
	if errors.Is(err, ErrDamaged) {
		// Another process that writes here looks like damage from here.
		if taken := l.guardIndex(ctx); errors.Is(taken, ErrTaken) {
			err = taken
		}
	}
	if err != nil {
		return nil, err
	}
	return slices.Clip(entries), nil
}
