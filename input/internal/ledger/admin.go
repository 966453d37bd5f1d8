package ledger

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// Parked yields all objects that wait for another attempt, in byte order, with
// at most one error, which is the last element.
func (l *Ledger) Parked(ctx context.Context) iter.Seq2[ParkedItem, error] {
	return func(yield func(ParkedItem, error) bool) {
		for key, more := "", true; more; {
			entries, next, err := l.parkedFrom(ctx, key)
			if err != nil {
				yield(ParkedItem{}, fmt.Errorf("listing parked objects: %w", err))
				return
			}
			for i := range entries {
				if entries[i].park != nil && !yield(entries[i].parkedItem(), nil) {
					return
				}
			}
			key, more = next, next != ""
		}
	}
}

func (l *Ledger) parkedFrom(ctx context.Context, key string) ([]entry, string, error) {
	if err := l.lock(ctx); err != nil {
		return nil, "", err
	}
	defer l.unlock()
	return l.entriesFrom(ctx, key, func(s *segment) bool { return s.live.parked > 0 || s.inDoubt })
}

// entriesFrom returns the entries of the segment that key belongs to, or none
// if it is not wanted, and where the next segment begins; io is held.
func (l *Ledger) entriesFrom(ctx context.Context, key string, want func(*segment) bool) (entries []entry, next string, err error) {
	l.mu.Lock()
	i := l.find(key)
	s, next := l.segments[i], l.hi(i)
	wanted := want(s) && !s.empty()
	l.mu.Unlock()
	if !wanted {
		return nil, next, nil
	}
	if entries, err = l.readSegment(ctx, i); err != nil {
		return nil, next, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return merge(entries, sorted(s.delta)), next, nil
}

// Forget makes the ledger forget a key, so that it is due again as Created, and
// reports whether anything was known of it. What is said is durable when Forget
// returns.
func (l *Ledger) Forget(ctx context.Context, key string) (bool, error) {
	n, err := l.forget(ctx, key, key+"\x00")
	if err != nil {
		return false, fmt.Errorf("forgetting %q: %w", key, err)
	}
	return n > 0, nil
}

// ForgetPrefix is [Ledger.Forget] for all keys that begin with prefix. It
// returns how many were known.
func (l *Ledger) ForgetPrefix(ctx context.Context, prefix string) (int64, error) {
	n, err := l.forget(ctx, prefix, PrefixEnd(prefix))
	if err != nil {
		return n, fmt.Errorf("forgetting prefix %q: %w", prefix, err)
	}
	return n, nil
}

func (l *Ledger) forget(ctx context.Context, lo, hi string) (int64, error) {
	if err := l.lock(ctx); err != nil {
		return 0, err
	}
	defer l.unlock()
	if err := l.writeJournal(ctx); err != nil {
		return 0, err
	}
	loose := func(s *segment) bool { return s.loose }
	count := int64(0)
	for key, more := lo, true; more; {
		entries, next, err := l.entriesFrom(ctx, key, func(*segment) bool { return true })
		if err != nil {
			return count, err
		}
		count += l.forgetEntries(between(entries, lo, hi))
		if l.exceeds(l.limits.pending/4, l.limits.records) {
			if err := l.fold(ctx, loose); err != nil {
				return count, err
			}
		}
		key, more = next, next != "" && (hi == "" || next < hi)
	}
	// An ack that came meanwhile keeps what was said after it from being folded
	// until the journal has the ack.
	if err := l.writeJournal(ctx); err != nil {
		return count, err
	}
	return count, l.fold(ctx, loose)
}

func (l *Ledger) forgetEntries(entries []entry) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range entries {
		e := &entries[i]
		l.record(change{key: e.key, op: opForgotten, before: e.mark()}, false)
	}
	return int64(len(entries))
}

// MarkDelivered records everything that is due in a stretch as delivered as it
// is listed, parked objects included, and returns how many there were: to start
// from now. What is said is durable when [Ledger.CompletePass] or
// [Ledger.Close] returns.
func (l *Ledger) MarkDelivered(ctx context.Context, s Stretch) (int64, error) {
	w, err := l.compare(ctx, s, time.Unix(1<<40, 0))
	if err != nil {
		return 0, err
	}
	w.markAll()
	w.Close()
	if err := l.lock(ctx); err != nil {
		return 0, fmt.Errorf("marking as delivered: %w", err)
	}
	defer l.unlock()
	if err := l.foldReady(ctx); err != nil {
		return 0, fmt.Errorf("marking as delivered: %w", err)
	}
	return int64(len(w.due)), nil
}

// markAll settles all that is due without a journal: what it says goes into
// manifests with the next fold, and can be said again until then.
func (w *Work) markAll() {
	l := w.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range w.due {
		c := &w.dueClaims[i]
		c.state = delivered
		w.open--
		l.record(change{key: w.due[i].Key, op: opDelivered, id: l.mode.identify(&w.due[i].Object), before: c.before}, false)
	}
	if w.open == 0 {
		l.finished(w)
	}
}
