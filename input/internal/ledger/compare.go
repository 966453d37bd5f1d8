package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/format"
)

// Compare says what is due in a range. Where the digest of the listing equals the
// digest of what was delivered, which is the rule, nothing is read. What it
// returns as due or vanished is in flight from then on, and in no other Work,
// until it is settled or released.
func (l *Ledger) Compare(ctx context.Context, r Range) (*Work, error) {
	w, err := l.compare(ctx, r, time.Now())
	return w, l.noted(err)
}

// compare treats parked objects as due if their time has come by now.
func (l *Ledger) compare(ctx context.Context, r Range, now time.Time) (*Work, error) {
	w := &Work{ledger: l, lo: r.Lo, hi: r.Hi}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("comparing a listing with the ledger: %w", err)
	}
	m := l.detect.measure(r.Objects)
	if l.nothingDue(w, m) {
		return w, nil
	}
	if err := l.lock(ctx); err != nil {
		return nil, err
	}
	defer l.unlock()
	if err := l.align(ctx, r, m); err != nil {
		return nil, fmt.Errorf("comparing a listing with the ledger: %w", err)
	}
	l.mu.Lock()
	from, parts := l.cut(r.Lo, r.Hi, m)
	l.mu.Unlock()
	for i, part := range parts {
		if err := l.compareSegment(ctx, w, from+i, part, now); err != nil {
			return nil, fmt.Errorf("comparing a listing with the ledger: %w", err)
		}
	}
	w.register()
	return w, nil
}

// nothingDue answers for listings in which everything is as it was delivered. It
// needs no io.
func (l *Ledger) nothingDue(w *Work, m measured) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.isBound(w.lo) || !l.isBound(w.hi) {
		return false
	}
	from, parts := l.cut(w.lo, w.hi, m)
	unchanged, leftOut := 0, 0
	for i, part := range parts {
		d, matching := part.digest()
		left, same := l.segments[from+i].unchanged(d, matching)
		if !same {
			return false
		}
		unchanged += matching - left
		leftOut += left
	}
	for i, part := range parts {
		l.segments[from+i].Listed, l.segments[from+i].pass = len(part.objects), l.passes
	}
	w.Unchanged, w.LeftOut = int64(unchanged), int64(leftOut)
	return true
}

// compareSegment compares the segment at i with its part of the listing; io is
// held.
func (l *Ledger) compareSegment(ctx context.Context, w *Work, i int, part measured, now time.Time) error {
	l.mu.Lock()
	s := l.segments[i]
	d, matching := part.digest()
	s.Listed, s.pass = len(part.objects), l.passes
	left, same := s.unchanged(d, matching)
	l.mu.Unlock()
	if same {
		w.Unchanged += int64(matching - left)
		w.LeftOut += int64(left)
		return nil
	}
	entries, err := l.readSegment(ctx, i)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	before := w.LeftOut
	if l.join(w, i, part.objects, s.settleDoubt(entries), now) {
		s.quiet, s.leftOut = d, int(w.LeftOut-before)
	}
	return nil
}

// ComparePoints says what is due among single objects, which were not listed
// along with their neighbours: in strictly rising byte order of their keys. It
// works as [Ledger.Compare], and concludes nothing about any other key, so that
// nothing is ever Vanished. It reads a manifest for each segment that one of them
// is in.
func (l *Ledger) ComparePoints(ctx context.Context, points []Listed) (*Work, error) {
	w, err := l.compareAll(ctx, points)
	if err != nil {
		return nil, fmt.Errorf("comparing single objects with the ledger: %w", l.noted(err))
	}
	return w, nil
}

func (l *Ledger) compareAll(ctx context.Context, points []Listed) (*Work, error) {
	w := &Work{ledger: l}
	if len(points) == 0 {
		return w, nil
	}
	if err := checkOrder(points); err != nil {
		return nil, err
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
		entries, err := l.readSegment(ctx, i)
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		l.join(w, i, points[:n], only(l.segments[i].settleDoubt(entries), points[:n]), now)
		l.mu.Unlock()
		points = points[n:]
	}
	w.register()
	return w, nil
}

// only returns the entries of the points' keys: to a join, other entries would be
// missing from the listing.
func only(entries []format.Entry, points []Listed) []format.Entry {
	out := make([]format.Entry, 0, len(points))
	for i := range points {
		at, ok := slices.BinarySearchFunc(entries, points[i].Key, func(e format.Entry, k string) int { return cmp.Compare(e.Key, k) })
		if ok {
			out = append(out, entries[at])
		}
		entries = entries[at:]
	}
	return out
}

// join adds to w what follows from a listing and the entries of the same keys in
// the segment at i; mu is held. It reports whether nothing is due, vanished,
// parked, in flight, or repaired.
func (l *Ledger) join(w *Work, i int, listed []Listed, entries []format.Entry, now time.Time) (quiet bool) {
	j := join{ledger: l, work: w, now: now, quiet: true}
	j.others = l.overlappingWorks(l.segments[i].Lo, l.hi(i))
	j.run(listed, entries)
	for _, c := range j.repairs {
		l.record(c, false)
	}
	return j.quiet && len(j.repairs) == 0
}

// overlappingWorks returns the open works that may have keys of [lo, hi) in
// flight; mu is held.
func (l *Ledger) overlappingWorks(lo, hi string) []*Work {
	var works []*Work
	for w := range l.works {
		if (hi == "" || w.lo < hi) && (w.hi == "" || w.hi > lo) {
			works = append(works, w)
		}
	}
	return works
}
