package ledger

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/format"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
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
				if entries[i].Waits() && !yield(parkedItem(&entries[i]), nil) {
					return
				}
			}
			key, more = next, next != ""
		}
	}
}

func (l *Ledger) parkedFrom(ctx context.Context, key string) ([]format.Entry, string, error) {
	if err := l.lock(ctx); err != nil {
		return nil, "", err
	}
	defer l.unlock()
	return l.entriesFrom(ctx, key, func(s *segment) bool { return s.live.Parked > 0 || s.inDoubt })
}

// entriesFrom returns the entries of the segment that key belongs to, or none
// if it is not wanted, and where the next segment begins; io is held.
func (l *Ledger) entriesFrom(ctx context.Context, key string, want func(*segment) bool) (entries []format.Entry, next string, err error) {
	l.mu.Lock()
	i := l.find(key)
	s, next := l.segments[i], l.hi(i)
	wanted := want(s)
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
// reports whether anything was known of it. It is durable when Forget returns.
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
	// An ack that came meanwhile keeps later changes of its key from being folded
	// until the journal has the ack.
	if err := l.writeJournal(ctx); err != nil {
		return count, err
	}
	return count, l.fold(ctx, loose)
}

func (l *Ledger) forgetEntries(entries []format.Entry) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range entries {
		e := &entries[i]
		l.record(format.Change{Key: e.Key, Op: format.OpForgotten, Before: e.Tally()}, false)
	}
	return int64(len(entries))
}

// MarkDelivered records everything that is due in a range as delivered as it
// is listed, parked objects included, and returns how many there were: to start
// from now. It is durable when [Ledger.CompletePass] or [Ledger.Close] returns.
func (l *Ledger) MarkDelivered(ctx context.Context, r Range) (int64, error) {
	w, err := l.compare(ctx, r, time.Unix(1<<40, 0))
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

// markAll settles all that is due without a journal: it goes into manifests with
// the next fold, and can be repeated until then.
func (w *Work) markAll() {
	l := w.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range w.due {
		s := &w.dueSettled[i]
		s.state = delivered
		w.open--
		l.record(format.Change{
			Key: w.due[i].Key, Op: format.OpDelivered, Version: l.detect.version(&w.due[i].Object), Before: s.before,
		}, false)
	}
	if w.open == 0 {
		l.finished(w)
	}
}

// Standing is what a ledger knows of one key.
type Standing struct {
	// Tracked says that some version was delivered, Current that it is the one
	// that was asked about.
	Tracked, Current bool
	// Parked is set while the version that was asked about waits for another
	// attempt.
	Parked *ParkedItem
	// LeftOut is what an answer told of the version that was asked about, because
	// of which it is left out: see [Work.LeaveOut]. It is "" where it is not.
	LeftOut string
}

// Look says what is known of an object as it is listed. It changes nothing.
func (l *Ledger) Look(ctx context.Context, obj object.Object) (Standing, error) {
	if err := l.lock(ctx); err != nil {
		return Standing{}, err
	}
	defer l.unlock()
	entries, _, err := l.entriesFrom(ctx, obj.Key, func(*segment) bool { return true })
	if err != nil {
		return Standing{}, fmt.Errorf("looking up %q: %w", obj.Key, err)
	}
	entries = between(entries, obj.Key, obj.Key+"\x00")
	if len(entries) == 0 {
		return Standing{}, nil
	}
	e := &entries[0]
	s := Standing{Tracked: e.Tracked}
	s.Current = e.Tracked && (l.detect.matches(e.Version, &obj) || e.Alias != 0 && e.Alias == format.AliasOf(&obj))
	switch {
	case s.Current || e.Parked == nil || !l.detect.matches(e.Parked.Version, &obj):
	case l.staysOut(e, &obj):
		s.LeftOut = e.Parked.Reason
	case e.Waits():
		item := parkedItem(e)
		s.Parked = &item
	}
	return s, nil
}

// TrackedBelow counts the keys that begin with prefix and of which some version
// was delivered, exactly. It adds up what the segments know, and reads a manifest
// only where the prefix begins or ends within a segment, or where changes may
// have overtaken each other: in most cases at most two, and none once the prefix
// was listed.
func (l *Ledger) TrackedBelow(ctx context.Context, prefix string) (total int64, err error) {
	err = l.holding(ctx, fmt.Sprintf("counting what is tracked below %q", prefix), func() error {
		hi := PrefixEnd(prefix)
		for _, bound := range []string{prefix, hi} {
			if err := l.splitBefore(ctx, bound); err != nil {
				return err
			}
		}
		l.mu.Lock()
		from, to := l.overlapping(prefix, hi)
		l.mu.Unlock()
		for i := from; i < to; i++ {
			n, err := l.trackedIn(ctx, i)
			if err != nil {
				return err
			}
			total += int64(n)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return total, nil
}

// trackedIn counts the tracked keys of the segment at i; io is held.
func (l *Ledger) trackedIn(ctx context.Context, i int) (int, error) {
	l.mu.Lock()
	s := l.segments[i]
	n, inDoubt := s.live.Tracked, s.inDoubt
	l.mu.Unlock()
	if !inDoubt {
		return n, nil
	}
	entries, err := l.readSegment(ctx, i)
	if err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s.settleDoubt(entries)
	return s.live.Tracked, nil
}
