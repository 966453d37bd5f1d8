package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// load reads the index and replays the journal.
func (l *Ledger) load(ctx context.Context) error {
	if err := l.loadViewer(ctx); err != nil {
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
	key := l.keys.index()
	value, err := l.store.Get(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return l.found(ctx)
	}
	if err != nil {
		return fmt.Errorf("reading %q: %w", key, err)
	}
	body, err := unseal(kindIndex, key, value)
	if err != nil {
		return err
	}
	x, err := decodeIndex(l.codec, body)
	if err != nil {
		return damaged(key, "cannot be read: "+err.Error())
	}
	l.written = written{
		nextManifest: x.nextManifest, oldestRecord: x.oldestRecord,
		garbage: x.garbage, indexTag: tag(value), founded: true,
	}
	l.firstRecord, l.nextRecord = x.firstRecord, x.firstRecord
	l.pass, l.passWritten = x.pass, x.pass
	l.segments = make([]*segment, len(x.segments))
	for i, b := range x.segments {
		l.segments[i] = &segment{lo: b.lo, listed: b.listed, stored: b.stored, live: b.stored.tally}
	}
	return nil
}

// found begins a ledger, or goes on with one that has but a journal yet.
func (l *Ledger) found(ctx context.Context) error {
	l.written = written{nextManifest: 1, oldestRecord: 1}
	l.firstRecord, l.nextRecord = 1, 1
	l.segments = []*segment{{}}
	key := l.keys.founded()
	value, err := l.store.Get(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading %q: %w", key, err)
	}
	body, err := unseal(kindFounded, key, value)
	if err != nil {
		return err
	}
	l.written.founded = true
	gone := l.keys.index()
	if len(body) > 0 && body[0] == foundedJournal {
		gone = l.keys.journal(1)
		if _, err = l.store.Get(ctx, gone); !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return damaged(gone, "is gone although the ledger was in use (does the cache expire or evict its values?)")
}

// What the value "founded" says is there: the journal from its first record on,
// or an index.
const (
	foundedJournal byte = 1
	foundedIndex   byte = 2
)

func (l *Ledger) foundedEntry(what byte) Entry {
	key := l.keys.founded()
	return Entry{key, seal(kindFounded, key, []byte{what})}
}

func (l *Ledger) readRecord(ctx context.Context, n uint64) (record, error) {
	key := l.keys.journal(n)
	value, err := l.store.Get(ctx, key)
	if err != nil {
		return record{}, fmt.Errorf("reading %q: %w", key, err)
	}
	body, err := unseal(kindJournal, key, value)
	if err != nil {
		return record{}, err
	}
	rec, err := decodeRecord(l.codec, body)
	if err != nil {
		return record{}, damaged(key, "cannot be read: "+err.Error())
	}
	l.written.lastTag = tag(value)
	return rec, nil
}

// checkEnd makes sure that the journal ends before record n, rather than being
// interrupted there.
func (l *Ledger) checkEnd(ctx context.Context, n uint64) error {
	_, err := l.store.Get(ctx, l.keys.journal(n+1))
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("reading %q: %w", l.keys.journal(n+1), err)
	}
	return damaged(l.keys.journal(n), "is gone although the journal goes on after it")
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
		newest = max(newest, s.stored.through)
	}
	return newest
}

// replay takes in the changes of record n that the manifests do not have yet;
// newest is the last record before the index.
func (l *Ledger) replay(n uint64, rec record, newest uint64) {
	// The later record is right, whatever the clock said. What the index holds is
	// later than the records that its manifests have.
	if n > newest && !rec.pass.IsZero() {
		l.pass, l.passWritten = rec.pass, rec.pass
	}
	for _, c := range rec.changes {
		l.lastTurn++
		c.turn, l.journaled = l.lastTurn, l.lastTurn
		s := l.segments[l.find(c.key)]
		if n <= s.stored.through {
			continue
		}
		if s.first == 0 {
			s.first = n
		}
		s.record(c)
		l.pending++
	}
	l.nextRecord = n + 1
}
