package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrTaken means that another process has written to the ledger since this one
// opened it.
var ErrTaken = errors.New("the ledger was written to by another process while this one used it: " +
	"two inputs share one state; give each a state.namespace of its own, or stop one of them")

// NextCheckpoint is when [Ledger.Checkpoint] is due: at once when enough
// objects are settled, otherwise a while after the first of them; zero when
// there is nothing to write. The ledger has no goroutine to do it.
func (l *Ledger) NextCheckpoint() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case len(l.unwritten) >= l.every:
		return l.since
	case len(l.unwritten) > 0:
		return l.since.Add(l.after)
	default:
		return time.Time{}
	}
}

// Wake yields a value when [Ledger.NextCheckpoint] may have come nearer.
func (l *Ledger) Wake() <-chan struct{} { return l.wake }

// Checkpoint makes durable what was settled so far. From time to time it also
// folds the journal into manifests. After an error nothing is lost that is
// still in memory; the next Checkpoint tries again.
func (l *Ledger) Checkpoint(ctx context.Context) error {
	if err := l.lock(ctx); err != nil {
		return fmt.Errorf("writing a checkpoint: %w", err)
	}
	defer l.unlock()
	err := l.writeJournal(ctx)
	if err == nil {
		err = l.foldReady(ctx)
	}
	if err != nil {
		return fmt.Errorf("writing a checkpoint: %w", l.noted(err))
	}
	return nil
}

// foldReady folds when it is time to; io is held.
func (l *Ledger) foldReady(ctx context.Context) error {
	switch {
	case l.exceeds(l.limits.pending, l.limits.records):
		return l.fold(ctx, func(s *segment) bool { return len(s.delta) > 0 })
	case time.Since(l.written.indexAt) >= l.limits.foldEvery:
		return l.fold(ctx, func(s *segment) bool { return s.ready })
	default:
		return nil
	}
}

// exceeds reports whether there are more changes, or more records with changes,
// that are in no manifest.
func (l *Ledger) exceeds(pending int, records uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pending > pending || l.nextRecord-l.firstRecord > records
}

// CompletePass is for the end of a pass whose listing was complete, prefix or
// not. It makes durable what was settled and notes the time. A pass in which
// nothing was recorded writes nothing; its time is written with the next thing
// that is, or by Close.
func (l *Ledger) CompletePass(ctx context.Context) error {
	if err := l.lock(ctx); err != nil {
		return fmt.Errorf("completing a pass: %w", err)
	}
	defer l.unlock()
	l.mu.Lock()
	l.pass = time.Now()
	l.passes++
	changed := l.changed
	l.mu.Unlock()
	if !changed {
		return nil
	}
	if err := l.completePass(ctx); err != nil {
		return fmt.Errorf("completing a pass: %w", l.noted(err))
	}
	return nil
}

func (l *Ledger) completePass(ctx context.Context) error {
	if err := l.writeJournal(ctx); err != nil {
		return err
	}
	due := func(s *segment) bool { return s.ready || s.loose }
	if l.exceeds(l.limits.passPending, l.limits.passRecords) {
		due = func(s *segment) bool { return len(s.delta) > 0 }
	}
	if err := l.fold(ctx, due); err != nil {
		return err
	}
	if err := l.writePass(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changed = len(l.unwritten) > 0
	return nil
}

// writePass writes the time of the last complete pass, if nothing did yet.
func (l *Ledger) writePass(ctx context.Context) error {
	l.mu.Lock()
	written := l.pass.Equal(l.passWritten) || l.pass.IsZero()
	l.mu.Unlock()
	switch {
	case written:
		return nil
	case l.exceeds(l.limits.pending, l.limits.passRecords):
		// Records of nothing but a time are in nobody's way but the reader's.
		groups, through := l.plan(func(*segment) bool { return true })
		return l.foldGroups(ctx, groups, through)
	default:
		return l.writeRecord(ctx, nil)
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

// writeRecord writes the first of the unwritten changes as one record, or none
// for the sake of the time of the last pass.
func (l *Ledger) writeRecord(ctx context.Context, batch []change) error {
	l.mu.Lock()
	n, pass := l.nextRecord, l.pass
	l.mu.Unlock()
	key := l.keys.journal(n)
	value := seal(kindJournal, key, encodeRecord(l.codec, record{pass: pass, changes: batch}))
	if err := l.guardJournal(ctx, n); err != nil {
		return err
	}
	l.written.recordTried = append(l.written.recordTried, tag(value))
	entries := []Entry{{key, value}}
	if !l.written.founded {
		entries = append(entries, l.foundedEntry(foundedJournal))
	}
	if err := l.store.Put(ctx, entries...); err != nil {
		l.postpone()
		return fmt.Errorf("writing %q: %w", key, err)
	}
	l.written.recordTried, l.written.lastTag, l.written.founded = nil, tag(value), true
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nextRecord++
	l.passWritten = pass
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
		key := l.keys.journal(n - 1)
		value, err := l.store.Get(ctx, key)
		switch {
		case errors.Is(err, ErrNotFound):
			return cmp.Or(l.guardIndex(ctx), damaged(key, "is gone although nobody deleted it (does the cache expire or evict its values?)"))
		case err == nil && tag(value) != l.written.lastTag:
			return fmt.Errorf("%q: %w", key, ErrTaken)
		case err != nil:
			return fmt.Errorf("reading %q: %w", key, err)
		}
	}
	return l.guard(ctx, l.keys.journal(n), l.written.recordTried...)
}

// guardIndex makes sure that nobody else has written the index.
func (l *Ledger) guardIndex(ctx context.Context) error {
	return l.guard(ctx, l.keys.index(), append(slices.Clone(l.written.indexTried), l.written.indexTag)...)
}

// guard makes sure that key holds what this process left there: a value with
// one of the tags, or, if there are none, nothing. A write whose outcome is not
// known may have happened or not.
func (l *Ledger) guard(ctx context.Context, key string, tags ...uint64) error {
	value, err := l.store.Get(ctx, key)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("reading %q: %w", key, err)
	case !slices.Contains(tags, tag(value)):
		return fmt.Errorf("%q: %w", key, ErrTaken)
	default:
		return nil
	}
}
