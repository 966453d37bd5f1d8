package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// ComparePoints says what is due among single objects, which were not listed
// along with their neighbours: in strictly rising byte order of their keys. It
// is [Ledger.Compare] for them, and concludes nothing about any other key, so
// that nothing is ever Vanished. A manifest is read for each segment that one
// of them is in.
func (l *Ledger) ComparePoints(ctx context.Context, points []Listed) (*Work, error) {
	w, err := l.compareAll(ctx, points)
	return w, l.noted(err)
}

func (l *Ledger) compareAll(ctx context.Context, points []Listed) (*Work, error) {
	w := &Work{ledger: l}
	if len(points) == 0 {
		return w, nil
	}
	for i := range points[1:] {
		if points[i].Key >= points[i+1].Key {
			return nil, fmt.Errorf("comparing single objects with the ledger: key %q comes after %q, which is not in byte order", points[i+1].Key, points[i].Key)
		}
	}
	w.lo, w.hi = points[0].Key, points[len(points)-1].Key+"\x00"
	if err := l.lock(ctx); err != nil {
		return nil, err
	}
	defer l.unlock()
	now := time.Now()
	for len(points) > 0 {
		l.mu.Lock()
		i := l.find(points[0].Key)
		hi := l.hi(i)
		l.mu.Unlock()
		n := len(points)
		if hi != "" {
			n, _ = slices.BinarySearchFunc(points, hi, func(p Listed, k string) int { return cmp.Compare(p.Key, k) })
		}
		if err := l.comparePoints(ctx, w, i, points[:n], now); err != nil {
			return nil, fmt.Errorf("comparing single objects with the ledger: %w", err)
		}
		points = points[n:]
	}
	w.register()
	return w, nil
}

// comparePoints compares the points that lie in the segment at i; io is held.
func (l *Ledger) comparePoints(ctx context.Context, w *Work, i int, points []Listed, now time.Time) error {
	entries, err := l.readSegment(ctx, i)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.segments[i]
	if len(s.delta) > 0 {
		entries = merge(entries, sorted(s.delta))
	}
	j := join{ledger: l, work: w, now: now}
	j.claims = l.overlappingWorks(s.lo, l.hi(i))
	j.run(points, only(entries, points))
	for _, c := range j.repairs {
		l.record(c, false)
	}
	return nil
}

// only returns the entries of the points' keys: to a join, what else is there
// would be missing from the listing.
func only(entries []entry, points []Listed) []entry {
	out := make([]entry, 0, len(points))
	for i := range points {
		at, ok := slices.BinarySearchFunc(entries, points[i].Key, func(e entry, k string) int { return cmp.Compare(e.key, k) })
		if ok {
			out = append(out, entries[at])
		}
		entries = entries[at:]
	}
	return out
}

// sameVersion reports whether what is in flight under a claim is what o is.
func (w *Work) sameVersion(o *object.Object) bool {
	item, _ := w.item(o.Key)
	return item != nil && w.ledger.mode.identify(&item.Object) == w.ledger.mode.identify(o)
}
