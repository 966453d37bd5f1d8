package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/format"
)

// get reads a value, and reports whether it is there.
func (l *Ledger) get(ctx context.Context, key string) (value []byte, there bool, err error) {
	return get(ctx, l.store, key)
}

func get(ctx context.Context, store Store, key string) (value []byte, there bool, err error) {
	value, err = store.Get(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, unread{fmt.Errorf("reading %q: %w", key, err)}
	}
	return value, true, nil
}

// load reads the index and replays the journal.
func (l *Ledger) load(ctx context.Context) error {
	if err := l.loadIdentity(ctx); err != nil {
		return err
	}
	if err := l.loadIndex(ctx); err != nil {
		return err
	}
	// Without later records, the record before the first that counts is the last,
	// which the guard needs. If it is gone, there is no guard, and no harm.
	if _, _, err := l.readRecord(ctx, l.firstRecord-1); err != nil {
		return err
	}
	// The last record that was written before the index.
	newest := slices.MaxFunc(l.segments, func(a, b *segment) int { return cmp.Compare(a.Through, b.Through) }).Through
	for n := l.firstRecord; ; n++ {
		rec, there, err := l.readRecord(ctx, n)
		if err != nil {
			return err
		}
		if !there {
			l.distrustPass(time.Now())
			return l.checkEnd(ctx, n)
		}
		l.replay(n, rec, newest)
	}
}

func (l *Ledger) loadIdentity(ctx context.Context) error {
	key := l.keys.Identity()
	value, there, err := l.get(ctx, key)
	if there {
		l.identity, err = format.DecodeIdentity(key, value)
	}
	return err
}

func (l *Ledger) loadIndex(ctx context.Context) error {
	key := l.keys.Index()
	value, there, err := l.get(ctx, key)
	if err != nil {
		return err
	}
	if !there {
		return l.found(ctx)
	}
	x, err := format.DecodeIndex(key, value)
	if err != nil {
		return err
	}
	l.written = written{
		nextManifest: x.NextManifest, oldestRecord: x.OldestRecord,
		garbage: x.Garbage, indexTag: format.Tag(value), founded: true,
	}
	l.firstRecord, l.nextRecord = x.FirstRecord, x.FirstRecord
	l.pass, l.passWritten = x.Pass, x.Pass
	l.segments = make([]*segment, len(x.Segments))
	for i, s := range x.Segments {
		l.segments[i] = newSegment(s)
	}
	return nil
}

// found begins a ledger, or goes on with one that has only a journal yet.
func (l *Ledger) found(ctx context.Context) error {
	l.written = written{nextManifest: 1, oldestRecord: 1}
	l.firstRecord, l.nextRecord = 1, 1
	l.segments = []*segment{{}}
	key := l.keys.Founded()
	value, there, err := l.get(ctx, key)
	if err != nil || !there {
		return err
	}
	founded, err := format.DecodeFounded(key, value)
	if err != nil {
		return err
	}
	l.written.founded = true
	gone := l.keys.Index()
	if founded == format.FoundedJournal {
		gone = l.keys.Record(1)
		if _, there, err := l.get(ctx, gone); err != nil || there {
			return err
		}
	}
	return format.Damaged(gone, "is gone although the ledger was in use (does the cache expire or evict its values?)")
}

func (l *Ledger) foundedEntry(f format.Founded) Entry {
	key := l.keys.Founded()
	return Entry{key, format.EncodeFounded(key, f)}
}

func (l *Ledger) readRecord(ctx context.Context, n uint64) (rec format.Record, there bool, err error) {
	key := l.keys.Record(n)
	value, there, err := l.get(ctx, key)
	if err != nil || !there {
		return rec, false, err
	}
	l.written.lastTag = format.Tag(value)
	rec, err = format.DecodeRecord(key, value)
	return rec, true, err
}

// checkEnd makes sure that the journal ends before record n, rather than being
// interrupted there.
func (l *Ledger) checkEnd(ctx context.Context, n uint64) error {
	_, there, err := l.get(ctx, l.keys.Record(n+1))
	if there {
		return format.Damaged(l.keys.Record(n), "is gone although the journal goes on after it")
	}
	return err
}

// distrustPass drops the time of the last pass if it is in the future: the clock
// was ahead when it was written, and a schedule that relied on it would wait for
// that time.
func (l *Ledger) distrustPass(now time.Time) {
	if l.pass.After(now) {
		l.pass = time.Time{}
	}
}

// replay adds the changes of record n that the manifests do not have yet; newest
// is the last record before the index.
func (l *Ledger) replay(n uint64, rec format.Record, newest uint64) {
	// The later record is right, whatever the clock said. What the index holds is
	// later than the records that its manifests have.
	if n > newest && !rec.Pass.IsZero() {
		l.pass, l.passWritten = rec.Pass, rec.Pass
	}
	for _, c := range rec.Changes {
		l.lastTurn++
		l.journaled = l.lastTurn
		s := l.segments[l.find(c.Key)]
		if n <= s.Through {
			continue
		}
		if s.first == 0 {
			s.first = n
		}
		s.record(change{Change: c, turn: l.lastTurn})
		l.pending++
	}
	l.nextRecord = n + 1
}

// readSegment returns the stored entries of the segment at i; io is held.
func (l *Ledger) readSegment(ctx context.Context, i int) ([]format.Entry, error) {
	l.mu.Lock()
	s, hi := l.segments[i], l.hi(i)
	l.mu.Unlock()
	if s.Manifest == 0 {
		return nil, nil
	}
	key := l.keys.Manifest(s.Manifest)
	value, there, err := l.get(ctx, key)
	if err != nil {
		return nil, err
	}
	var entries []format.Entry
	if there {
		entries, err = format.DecodeManifest(key, value)
	} else {
		err = format.Damaged(key, "is gone although the index refers to it")
	}
	entries = between(entries, s.Lo, hi)
	if err == nil && format.TallyOf(entries) != s.Tally {
		err = format.Damaged(key, "is not the one that the index refers to")
	}
	if err == nil {
		return slices.Clip(entries), nil
	}
	// What another process writes looks like damage from here.
	if taken := l.guardIndex(ctx); errors.Is(taken, ErrTaken) {
		err = taken
	}
	return nil, err
}
