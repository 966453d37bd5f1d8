package ledger

import (
	"context"
	"fmt"
	"time"
)

// Compare says what is due in a stretch. Where the digest of the listing is
// that of what was delivered, which is the rule, nothing is read. What it
// returns as due or vanished is in flight from then on, and in no other Work,
// until it is settled or released.
func (l *Ledger) Compare(ctx context.Context, s Stretch) (*Work, error) {
	w, err := l.compare(ctx, s, time.Now())
	return w, l.noted(err)
}

// compare takes parked objects for due if their time has come by now.
func (l *Ledger) compare(ctx context.Context, s Stretch, now time.Time) (*Work, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	m := l.mode.measure(s.Objects)
	w := &Work{ledger: l, lo: s.Lo, hi: s.Hi}
	if l.nothingDue(w, m) {
		return w, nil
	}
	if err := l.lock(ctx); err != nil {
		return nil, err
	}
	defer l.unlock()
	if err := l.align(ctx, s, m); err != nil {
		return nil, fmt.Errorf("comparing a listing with the ledger: %w", err)
	}
	l.mu.Lock()
	from, to := l.overlapping(s.Lo, s.Hi)
	l.mu.Unlock()
	for i := from; i < to; i++ {
		var err error
		if m, err = l.compareSegment(ctx, w, i, m, now); err != nil {
			return nil, fmt.Errorf("comparing a listing with the ledger: %w", err)
		}
	}
	w.register()
	return w, nil
}

// nothingDue answers for listings in which all is as it was delivered. It
// needs no io.
func (l *Ledger) nothingDue(w *Work, m measured) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.isBound(w.lo) || !l.isBound(w.hi) {
		return false
	}
	from, to := l.overlapping(w.lo, w.hi)
	unchanged, rest := 0, m
	for i := from; i < to; i++ {
		var part measured
		part, rest = rest.cut(l.hi(i))
		d, matching := part.digest()
		if !l.segments[i].unchanged(d, matching) {
			return false
		}
		unchanged += matching
	}
	for i := from; i < to; i++ {
		var part measured
		part, m = m.cut(l.hi(i))
		l.segments[i].listed, l.segments[i].pass = len(part.objects), l.passes
	}
	w.Unchanged = int64(unchanged)
	return true
}

// unchanged reports whether a listing shows just what was delivered.
func (s *segment) unchanged(d memo, matching int) bool {
	if s.inDoubt || s.live.irregular != 0 {
		return false
	}
	return s.live.sum == d.matching && s.live.tracked == matching || s.memo == d
}

// compareSegment takes its part of the listing, and returns the rest.
func (l *Ledger) compareSegment(ctx context.Context, w *Work, i int, m measured, now time.Time) (measured, error) {
	l.mu.Lock()
	s := l.segments[i]
	part, rest := m.cut(l.hi(i))
	d, matching := part.digest()
	s.listed, s.pass = len(part.objects), l.passes
	same, empty := s.unchanged(d, matching), s.empty()
	if same {
		w.Unchanged += int64(matching)
	}
	l.mu.Unlock()
	if same {
		return rest, nil
	}
	var entries []entry
	if !empty {
		var err error
		if entries, err = l.readSegment(ctx, i); err != nil {
			return rest, err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	entries = s.settleDoubt(entries)
	j := join{ledger: l, work: w, now: now, quiet: true}
	j.claims = l.overlappingWorks(s.lo, l.hi(i))
	j.run(part.objects, entries)
	for _, c := range j.repairs {
		l.record(c, false)
	}
	if j.quiet && len(j.repairs) == 0 {
		s.memo = d
	}
	return rest, nil
}

// align makes segments begin and end where the stretch does, and inside it
// where they would become too large.
func (l *Ledger) align(ctx context.Context, s Stretch, m measured) error {
	cuts := []string{s.Lo, s.Hi}
	l.mu.Lock()
	from, to := l.overlapping(s.Lo, s.Hi)
	for i := from; i < to; i++ {
		var part measured
		part, m = m.cut(l.hi(i))
		if n := len(part.objects); n > l.limits.most {
			for at := l.limits.segment; at+l.limits.least < n; at += l.limits.segment {
				cuts = append(cuts, part.objects[at].Key)
			}
		}
	}
	l.mu.Unlock()
	for _, key := range cuts {
		if err := l.splitBefore(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// splitBefore makes a segment begin at key; io is held.
func (l *Ledger) splitBefore(ctx context.Context, key string) error {
	l.mu.Lock()
	done := l.isBound(key)
	i := l.find(key)
	stored := l.segments[i].stored.manifest != 0
	l.mu.Unlock()
	if done {
		return nil
	}
	var entries []entry
	if stored {
		var err error
		if entries, err = l.readSegment(ctx, i); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.splitAt(i, key, entries)
	return nil
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
