package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/format"
)

// ErrTaken means that another process has written to the ledger since this one
// opened it.
var ErrTaken = errors.New("the ledger was written to by another process while this one used it: " +
	"two inputs share one state; give each a state.namespace of its own, or stop one of them")

// change is a change in memory.
type change struct {
	format.Change
	// turn counts the changes that go into the journal, from 1 on, so that each
	// shows by itself whether the journal has it (see Ledger.journaled). It is 0
	// for a change that never goes there.
	turn uint64
}

// apply makes the entry what it is after the change.
func (c *change) apply(e *format.Entry) {
	switch c.Op {
	case format.OpDelivered:
		*e = format.Entry{Key: e.Key, Version: c.Version, Alias: c.Alias, Tracked: true}
	case format.OpParked:
		e.Parked = c.Parked
		if e.LeftOut() { // it was listed, in another version than was delivered
			e.Absent, e.Alias = false, 0
		}
	case format.OpAbsent:
		e.Absent = e.Tracked
	case format.OpForgotten:
		*e = format.Entry{Key: e.Key}
	}
}

// after is the tally of the entry from then on.
func (c *change) after() format.Tally {
	t := c.Before
	switch c.Op {
	case format.OpDelivered:
		e := format.Entry{Key: c.Key}
		c.apply(&e)
		return e.Tally()
	case format.OpParked:
		n := 0
		if c.Parked.Attempts > 0 {
			n = 1
		}
		t.Parked, t.Irregular = n, n
	case format.OpAbsent:
		t.Irregular = max(t.Irregular, t.Tracked)
	case format.OpForgotten:
		return format.Tally{}
	}
	return t
}

// sorted returns the changes by key; the changes of one key keep their order.
func sorted(changes []change) []change {
	s := slices.Clone(changes)
	slices.SortStableFunc(s, func(a, b change) int { return cmp.Compare(a.Key, b.Key) })
	return s
}

// merge applies sorted changes to entries, which stay as they are.
func merge(entries []format.Entry, changes []change) []format.Entry {
	if len(changes) == 0 {
		return entries
	}
	out := make([]format.Entry, 0, len(entries)+len(changes))
	for len(entries) > 0 || len(changes) > 0 {
		if len(changes) == 0 || len(entries) > 0 && entries[0].Key < changes[0].Key {
			out = append(out, entries[0])
			entries = entries[1:]
			continue
		}
		e := format.Entry{Key: changes[0].Key}
		if len(entries) > 0 && entries[0].Key == e.Key {
			e, entries = entries[0], entries[1:]
		}
		for len(changes) > 0 && changes[0].Key == e.Key {
			changes[0].apply(&e)
			changes = changes[1:]
		}
		if e.Tracked || e.Parked != nil {
			out = append(out, e)
		}
	}
	return out
}

// record adds a change; mu is held. A change that does not go into the journal
// is lost with the process unless it is folded, and found again.
func (l *Ledger) record(fc format.Change, journal bool) {
	c := change{Change: fc}
	c.Key = strings.Clone(c.Key)
	if journal {
		l.lastTurn++
		c.turn = l.lastTurn
	}
	s := l.segments[l.find(c.Key)]
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

// writeJournal writes the changes that the journal does not have by now; io is
// held.
func (l *Ledger) writeJournal(ctx context.Context) error {
	l.mu.Lock()
	left := len(l.unwritten)
	l.mu.Unlock()
	for left > 0 {
		l.mu.Lock()
		batch := slices.Clone(l.unwritten[:min(left, l.limits.record)])
		l.mu.Unlock()
		if err := l.writeRecord(ctx, batch); err != nil {
			return err
		}
		left -= len(batch)
	}
	return nil
}

// writeRecord writes the first of the unwritten changes as one record, or none of
// them, to keep the time of the last pass.
func (l *Ledger) writeRecord(ctx context.Context, batch []change) error {
	rec := format.Record{Changes: make([]format.Change, len(batch))}
	for i := range batch {
		rec.Changes[i] = batch[i].Change
	}
	l.mu.Lock()
	n := l.nextRecord
	rec.Pass = l.pass
	l.mu.Unlock()
	key := l.keys.Record(n)
	value := format.EncodeRecord(key, rec)
	if err := l.guardJournal(ctx, n); err != nil {
		return err
	}
	l.written.recordTried = append(l.written.recordTried, format.Tag(value))
	entries := []Entry{{key, value}}
	if !l.written.founded {
		entries = append(entries, l.foundedEntry(format.FoundedJournal))
	}
	if err := l.store.Put(ctx, entries...); err != nil {
		l.postpone()
		return fmt.Errorf("writing %q: %w", key, err)
	}
	l.written.recordTried, l.written.lastTag, l.written.founded = nil, format.Tag(value), true
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nextRecord++
	l.passWritten = rec.Pass
	if len(batch) > 0 {
		l.journaled = batch[len(batch)-1].turn
	}
	l.unwritten = slices.Delete(l.unwritten, 0, len(batch))
	l.since = time.Now()
	if len(l.unwritten) > 0 {
		l.signal()
	}
	return nil
}

// postpone makes the next checkpoint due in a while, so that a store that
// fails is not asked all the time.
func (l *Ledger) postpone() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.since = time.Now().Add(l.after)
}

// guardJournal makes sure that nobody else has written record n, or has deleted
// the one before it.
func (l *Ledger) guardJournal(ctx context.Context, n uint64) error {
	if l.written.lastTag != 0 {
		key := l.keys.Record(n - 1)
		value, there, err := l.get(ctx, key)
		switch {
		case err != nil:
			return err
		case !there:
			return cmp.Or(l.guardIndex(ctx), format.Damaged(key, "is gone although nobody deleted it (does the cache expire or evict its values?)"))
		case format.Tag(value) != l.written.lastTag:
			return fmt.Errorf("%q: %w", key, ErrTaken)
		}
	}
	return l.guard(ctx, l.keys.Record(n), l.written.recordTried...)
}

// guardIndex makes sure that nobody else has written the index.
func (l *Ledger) guardIndex(ctx context.Context) error {
	return l.guard(ctx, l.keys.Index(), append(slices.Clone(l.written.indexTried), l.written.indexTag)...)
}

// guard makes sure that key holds what this process left there: a value with
// one of the tags, or, if there are none, nothing. A write whose outcome is not
// known may have happened or not.
func (l *Ledger) guard(ctx context.Context, key string, tags ...uint64) error {
	value, there, err := l.get(ctx, key)
	if there && !slices.Contains(tags, format.Tag(value)) {
		return fmt.Errorf("%q: %w", key, ErrTaken)
	}
	return err
}
