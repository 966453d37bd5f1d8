package ledger

import (
	"context"
	"time"
)

// limits are the sizes that trade memory, reads and writes against each other.
type limits struct {
	// segment is how many listed objects a segment should have, most and least
	// when it is cut or merged. Small segments waste index; large ones make a
	// single change expensive.
	segment, most, least int
	// ready is the number of changes from which on a segment is rewritten as soon
	// as nothing more is expected in it. A segment with less than four times as many
	// objects is rewritten from a quarter of them on, but not for less than
	// readyLeast: changes are in memory, and there may be thousands of small ledgers.
	ready, readyLeast int
	// foldEvery is the least time between two indexes while much is delivered,
	// foldBatch how many segments are rewritten with one index.
	foldEvery time.Duration
	foldBatch int
	// pending and records bound the changes, and the journal records with
	// changes, that are in no manifest: they are in memory, and are replayed at
	// the next start. The second pair is looked at when a pass is complete.
	pending, passPending int
	records, passRecords uint64
	// record bounds the changes in one record, so that no value grows beyond
	// what caches accept.
	record int
}

// standard are the limits of every ledger. A manifest has some 160 KB, an index
// of 10 million objects about as much, a record of 4096 changes some 220 KB.
var standard = limits{
	segment: 4096, most: 8192, least: 1024,
	ready: 1024, readyLeast: 64,
	foldEvery: time.Second, foldBatch: 16,
	pending: 64 << 10, passPending: 4096,
	records: 128, passRecords: 64,
	record: 4096,
}

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
	return l.holding(ctx, "writing a checkpoint", func() error {
		if err := l.writeJournal(ctx); err != nil {
			return err
		}
		return l.foldReady(ctx)
	})
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
	return l.holding(ctx, "completing a pass", func() error {
		l.mu.Lock()
		l.pass = time.Now()
		l.passes++
		changed := l.changed
		l.mu.Unlock()
		if !changed {
			return nil
		}
		return l.completePass(ctx)
	})
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
		// Records that hold only a time cost nothing except at the next start.
		groups, through := l.plan(func(*segment) bool { return true })
		return l.foldGroups(ctx, groups, through)
	default:
		return l.writeRecord(ctx, nil)
	}
}
