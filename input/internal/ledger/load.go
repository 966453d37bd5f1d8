package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/format"
)

// load reads the index and replays the journal.
func (l *Ledger) load(ctx context.Context) error {
	if err := l.loadIdentity(ctx); err != nil {
		return err
	}
	if err := l.loadIndex(ctx); err != nil {
		return err
	}
	// The record before the first that counts is the last one if there is no
	// other. If it is gone, which nobody needs to know, so is the guard.
	if _, err := l.readRecord(ctx, l.firstRecord-1); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	newest := l.newestFold()
	for n := l.firstRecord; ; n++ {
		rec, err := l.readRecord(ctx, n)
		if errors.Is(err, ErrNotFound) {
			l.distrustPass(time.Now())
			return l.checkEnd(ctx, n)
		}
		if err != nil {
			return err
		}
		l.replay(n, rec, newest)
	}
}

func (l *Ledger) loadIndex(ctx context.Context) error {
	key := l.keys.Index()
	value, err := l.store.Get(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return l.found(ctx)
	}
	if err != nil {
		return fmt.Errorf("reading %q: %w", key, err)
	}
	x, err := l.codec.DecodeIndex(key, value)
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
	value, err := l.store.Get(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading %q: %w", key, err)
	}
	founded, err := format.DecodeFounded(key, value)
	if err != nil {
		return err
	}
	l.written.founded = true
	gone := l.keys.Index()
	if founded == format.FoundedJournal {
		gone = l.keys.Record(1)
		if _, err = l.store.Get(ctx, gone); !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return format.Damaged(gone, "is gone although the ledger was in use (does the cache expire or evict its values?)")
}

func (l *Ledger) foundedEntry(f format.Founded) Entry {
	key := l.keys.Founded()
	return Entry{key, format.EncodeFounded(key, f)}
}

func (l *Ledger) readRecord(ctx context.Context, n uint64) (format.Record, error) {
	key := l.keys.Record(n)
	value, err := l.store.Get(ctx, key)
	if err != nil {
		return format.Record{}, fmt.Errorf("reading %q: %w", key, err)
	}
	rec, err := l.codec.DecodeRecord(key, value)
	if err == nil {
		l.written.lastTag = format.Tag(value)
	}
	return rec, err
}

// checkEnd makes sure that the journal ends before record n, rather than being
// interrupted there.
func (l *Ledger) checkEnd(ctx context.Context, n uint64) error {
	_, err := l.store.Get(ctx, l.keys.Record(n+1))
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("reading %q: %w", l.keys.Record(n+1), err)
	}
	return format.Damaged(l.keys.Record(n), "is gone although the journal goes on after it")
}

// distrustPass drops the time of a last pass that is still to come: the clock was
// ahead when it was written, so nobody knows when the pass was. A schedule that
// goes by it would wait for that time.
func (l *Ledger) distrustPass(now time.Time) {
	if l.pass.After(now) {
		l.pass = time.Time{}
	}
}

// newestFold is the last journal record that was written before the index.
func (l *Ledger) newestFold() uint64 {
	newest := uint64(0)
	for _, s := range l.segments {
		newest = max(newest, s.Through)
	}
	return newest
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

func (l *Ledger) loadIdentity(ctx context.Context) error {
	key := l.keys.Identity()
	value, err := l.store.Get(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading %q: %w", key, err)
	}
	l.identity, err = format.DecodeIdentity(key, value)
	return err
}

// readManifest returns all entries of a manifest; a segment may own only a part
// of them.
func (l *Ledger) readManifest(ctx context.Context, number uint64) ([]format.Entry, error) {
	if number == 0 {
		return nil, nil
	}
	key := l.keys.Manifest(number)
	value, err := l.store.Get(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return nil, format.Damaged(key, "is gone although the index refers to it")
	}
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", key, err)
	}
	return l.codec.DecodeManifest(key, value)
}

// readSegment returns the stored entries of the segment at i; io is held.
func (l *Ledger) readSegment(ctx context.Context, i int) ([]format.Entry, error) {
	l.mu.Lock()
	s, hi := l.segments[i], l.hi(i)
	l.mu.Unlock()
	entries, err := l.readManifest(ctx, s.Manifest)
	entries = between(entries, s.Lo, hi)
	if err == nil && format.TallyOf(entries) != s.Tally {
		err = format.Damaged(l.keys.Manifest(s.Manifest), "is not the one that the index refers to")
	}
	if errors.Is(err, ErrDamaged) {
		// What another process writes looks like damage from here.
		if taken := l.guardIndex(ctx); errors.Is(taken, ErrTaken) {
			err = taken
		}
	}
	if err != nil {
		return nil, err
	}
	return slices.Clip(entries), nil
}
