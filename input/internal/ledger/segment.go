package ledger

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/format"
)

// Segments are cut and merged here alone: a listing cuts them at its bounds, a
// fold cuts what grew and merges what shrank.

// segment is a range of keys from Lo up to the Lo of the next one.
type segment struct {
	// Segment is what the index has. Except for Listed it changes only under the
	// ledger's io.
	format.Segment
	// live is the tally of the stored entries with all of delta applied, unless
	// inDoubt. It follows from what each change says was there before.
	live    format.Tally
	inDoubt bool
	delta   []change
	// first is a journal record before which there is no change of delta; 0
	// where the journal has no change of delta.
	first uint64
	// loose says that delta has changes that the journal never gets.
	loose bool
	// ready says that it is worthwhile to fold delta into a manifest.
	ready bool
	// pass is the last pass that listed the segment.
	pass uint64
	// quiet is the listing after which nothing was due although tracked objects
	// did not match. It saves reading the manifest on every pass.
	quiet digest
	// leftOut is how many objects of that listing were left out.
	leftOut int
}

func newSegment(s format.Segment) *segment { return &segment{Segment: s, live: s.Tally} }

// record adds a change.
func (s *segment) record(c change) {
	s.live.Remove(c.Before)
	s.live.Add(c.after())
	s.inDoubt = s.inDoubt || c.Late
	s.delta = append(s.delta, c)
	s.quiet = digest{}
}

// unchanged reports whether a listing shows exactly what was delivered, except what
// was left out, of which it says how many.
func (s *segment) unchanged(d digest, matching int) (leftOut int, same bool) {
	switch {
	case s.inDoubt || s.live.Irregular != 0:
		return 0, false
	case s.live.Sum == d.matching && s.live.Tracked == matching:
		return 0, true
	}
	return s.leftOut, s.quiet == d
}

// settleDoubt counts again what a segment holds, from its stored entries and all
// changes since, and returns what holds now; the ledger's mu is held.
func (s *segment) settleDoubt(entries []format.Entry) []format.Entry {
	if len(s.delta) > 0 {
		entries = merge(entries, sorted(s.delta))
		s.live, s.inDoubt = format.TallyOf(entries), false
	}
	return entries
}

// find returns the position of the segment that key belongs to.
func (l *Ledger) find(key string) int {
	i, exact := slices.BinarySearchFunc(l.segments, key, func(s *segment, k string) int { return cmp.Compare(s.Lo, k) })
	if exact {
		return i
	}
	return i - 1
}

// hi is the upper bound of the segment at i, "" for the last.
func (l *Ledger) hi(i int) string {
	if i+1 < len(l.segments) {
		return l.segments[i+1].Lo
	}
	return ""
}

// overlapping returns the positions [from, to) of the segments that have keys
// in [lo, hi).
func (l *Ledger) overlapping(lo, hi string) (from, to int) {
	from, to = l.find(lo), len(l.segments)
	if hi != "" {
		to, _ = slices.BinarySearchFunc(l.segments, hi, func(s *segment, k string) int { return cmp.Compare(s.Lo, k) })
	}
	return from, to
}

// cut cuts a listing of [lo, hi) at the bounds of the segments, the first of which
// is at from; mu is held.
func (l *Ledger) cut(lo, hi string, m measured) (from int, parts []measured) {
	from, to := l.overlapping(lo, hi)
	parts = make([]measured, to-from)
	for i := range parts {
		parts[i], m = m.cut(l.hi(from + i))
	}
	return from, parts
}

// isBound reports whether a segment begins at key; "" is the end of all keys,
// and always one.
func (l *Ledger) isBound(key string) bool { return key == "" || l.segments[l.find(key)].Lo == key }

// Bounds returns where segments begin within the prefix, in order. A listing
// that is cut there compares without reading or cutting a manifest.
func (l *Ledger) Bounds(prefix string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	from, to := l.overlapping(prefix, PrefixEnd(prefix))
	var bounds []string
	for _, s := range l.segments[from:to] {
		if s.Lo > prefix {
			bounds = append(bounds, s.Lo)
		}
	}
	return bounds
}

// align makes segments begin and end where a listed range does, and inside it
// where they would become too large; io is held.
func (l *Ledger) align(ctx context.Context, r Range, m measured) error {
	cuts := []string{r.Lo, r.Hi}
	l.mu.Lock()
	_, parts := l.cut(r.Lo, r.Hi, m)
	for _, part := range parts {
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
	l.mu.Unlock()
	if done {
		return nil
	}
	entries, err := l.readSegment(ctx, i)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.splitAt(i, key, entries)
	return nil
}

// splitAt cuts the segment at position i in two, the second from key on. Both
// keep the manifest, so that nothing has to be written; entries are all of its
// entries.
func (l *Ledger) splitAt(i int, key string, entries []format.Entry) {
	old := l.segments[i]
	part := func(lo, hi string) *segment {
		inside := between(entries, lo, hi)
		s := newSegment(format.Segment{Lo: lo, Through: old.Through, Tally: format.TallyOf(inside)})
		if len(inside) > 0 {
			s.Manifest = old.Manifest
		}
		for _, c := range old.delta {
			if c.Key >= lo && (hi == "" || c.Key < hi) {
				s.record(c)
			}
		}
		s.pass = old.pass
		if len(s.delta) > 0 {
			s.loose, s.ready, s.first = old.loose, old.ready, old.first
		}
		return s
	}
	key = strings.Clone(key)
	left, right := part(old.Lo, key), part(key, l.hi(i))
	// Nobody counted the two parts; the listing that comes will.
	left.Listed = old.Listed / 2
	right.Listed = old.Listed - left.Listed
	l.segments = slices.Replace(l.segments, i, i+1, left, right)
}

// mergeable reports whether the next segment should be merged with those before
// it: all were listed in the same pass, so that no listing has a reason to cut
// between them, and one is small.
func (lim limits) mergeable(segments []*segment, next *segment) bool {
	sum, least := next.Listed, next.Listed
	for _, s := range segments {
		sum += s.Listed
		least = min(least, s.Listed)
	}
	last := segments[len(segments)-1]
	return sum <= lim.segment && least < lim.least && last.pass == next.pass && next.pass > 0
}

// worthwhile reports whether a segment has changed so much that it should be
// rewritten.
func (lim limits) worthwhile(s *segment) bool {
	return len(s.delta) >= min(max(s.live.Tracked/4, lim.readyLeast), lim.ready)
}

// parts is how many segments n entries should become.
func (lim limits) parts(n int) int {
	if n <= lim.most {
		return 1
	}
	return (n + lim.segment - 1) / lim.segment
}

// renew makes the new segments of a group that was written, with the changes that
// were left or came since; mu is held.
func (l *Ledger) renew(g *group) []*segment {
	segments := make([]*segment, len(g.parts))
	for i, p := range g.parts {
		segments[i] = newSegment(p)
		segments[i].pass = g.segments[0].pass
	}
	if len(segments) == 1 && len(g.segments) == 1 {
		segments[0].quiet, segments[0].leftOut = g.segments[0].quiet, g.segments[0].leftOut
	}
	for i, old := range g.segments {
		l.pending -= len(g.taken[i])
		for _, c := range slices.Concat(g.left[i], old.delta[g.seen[i]:]) {
			at := len(segments) - 1
			for segments[at].Lo > c.Key {
				at--
			}
			s := segments[at]
			s.record(c)
			if c.turn == 0 {
				s.loose = true
			} else {
				s.first = l.nextRecord
			}
		}
	}
	return segments
}

// between returns the sorted entries of [lo, hi); hi "" is the end.
func between(entries []format.Entry, lo, hi string) []format.Entry {
	find := func(key string) int {
		i, _ := slices.BinarySearchFunc(entries, key, func(e format.Entry, k string) int { return cmp.Compare(e.Key, k) })
		return i
	}
	from, to := find(lo), len(entries)
	if hi != "" {
		to = max(find(hi), from)
	}
	return entries[from:to]
}
