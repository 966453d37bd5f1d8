package ledger

import (
	"context"
	"fmt"
)

// TrackedBelow counts the keys that begin with prefix and of which some version
// was delivered: exactly, whatever else the bucket holds. It adds up what the
// segments know. Only where the prefix begins or ends within a segment, or where
// changes may have overtaken each other, is a manifest read: two at most in most
// cases, and none once the prefix was listed.
func (l *Ledger) TrackedBelow(ctx context.Context, prefix string) (int64, error) {
	n, err := l.trackedBelow(ctx, prefix)
	if err != nil {
		return 0, fmt.Errorf("counting what is tracked below %q: %w", prefix, l.noted(err))
	}
	return n, nil
}

func (l *Ledger) trackedBelow(ctx context.Context, prefix string) (int64, error) {
	if err := l.lock(ctx); err != nil {
		return 0, err
	}
	defer l.unlock()
	hi := PrefixEnd(prefix)
	for _, bound := range []string{prefix, hi} {
		if err := l.splitBefore(ctx, bound); err != nil {
			return 0, err
		}
	}
	l.mu.Lock()
	from, to := l.overlapping(prefix, hi)
	l.mu.Unlock()
	total := int64(0)
	for i := from; i < to; i++ {
		n, err := l.trackedIn(ctx, i)
		if err != nil {
			return 0, err
		}
		total += int64(n)
	}
	return total, nil
}

// trackedIn counts the tracked keys of the segment at i; io is held.
func (l *Ledger) trackedIn(ctx context.Context, i int) (int, error) {
	l.mu.Lock()
	s := l.segments[i]
	n, inDoubt := s.live.tracked, s.inDoubt
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
	return s.live.tracked, nil
}

// settleDoubt counts again what a segment holds, from its stored entries and all
// changes since, and returns what holds now; the ledger's mu is held.
func (s *segment) settleDoubt(entries []entry) []entry {
	if len(s.delta) > 0 {
		// Whatever the changes added up to: this is what is true.
		entries = merge(entries, sorted(s.delta))
		s.live, s.inDoubt = tallyOf(entries), false
	}
	return entries
}
