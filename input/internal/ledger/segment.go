package ledger

import (
	"cmp"
	"slices"
	"strings"
)

// segment is a range of keys from lo up to the lo of the next one.
type segment struct {
	lo string
	// listed is how many objects the last listing showed in it.
	listed int
	// stored is what the store has; it changes only under the ledger's io.
	stored stored
	// live is the tally of the stored entries with all of delta applied, unless
	// in doubt. It is kept from what the changes say was there before them.
	live    tally
	inDoubt bool
	delta   []change
	// first is a journal record before which there is no change of delta; 0
	// where the journal has none of them.
	first uint64
	// loose says that delta has changes that the journal does not.
	loose bool
	// ready says that it is worth while to fold delta into a manifest.
	ready bool
	// pass is the last one that listed the segment.
	pass uint64
	// memo remembers the listing after which nothing was due although tracked
	// objects did not match. It saves reading the manifest on every pass.
	memo memo
}

// memo is what a listing looked like.
type memo struct {
	known bool
	// matching and rest are the digests of the objects that match, and of the
	// keys of those that do not.
	matching, rest uint64
}

// empty reports whether nothing can be known of any key of the segment.
func (s *segment) empty() bool { return s.stored.manifest == 0 && len(s.delta) == 0 }

// record takes a change in.
func (s *segment) record(c change) {
	s.live.change(&c)
	s.inDoubt = s.inDoubt || c.late
	s.delta = append(s.delta, c)
	s.memo = memo{}
}

// find returns the position of the segment that key belongs to.
func (l *Ledger) find(key string) int {
	i, exact := slices.BinarySearchFunc(l.segments, key, func(s *segment, k string) int { return cmp.Compare(s.lo, k) })
	if exact {
		return i
	}
	return i - 1
}

// hi is the upper bound of the segment at i, "" for the last.
func (l *Ledger) hi(i int) string {
	if i+1 < len(l.segments) {
		return l.segments[i+1].lo
	}
	return ""
}

// overlapping returns the positions [from, to) of the segments that have keys
// in [lo, hi).
func (l *Ledger) overlapping(lo, hi string) (from, to int) {
	from, to = l.find(lo), len(l.segments)
	if hi != "" {
		to, _ = slices.BinarySearchFunc(l.segments, hi, func(s *segment, k string) int { return cmp.Compare(s.lo, k) })
	}
	return from, to
}

// isBound reports whether a segment begins at key; "" is the end of all keys,
// and always one.
func (l *Ledger) isBound(key string) bool { return key == "" || l.segments[l.find(key)].lo == key }

// splitAt cuts the segment at position i in two, the second from key on. Both
// keep the manifest, so that nothing has to be written; entries are all of its
// entries.
func (l *Ledger) splitAt(i int, key string, entries []entry) {
	old := l.segments[i]
	part := func(lo, hi string) *segment {
		s := &segment{lo: lo, pass: old.pass, loose: old.loose, ready: old.ready, first: old.first}
		inside := between(entries, lo, hi)
		s.stored = stored{through: old.stored.through, tally: tallyOf(inside)}
		if len(inside) > 0 {
			s.stored.manifest = old.stored.manifest
		}
		s.live = s.stored.tally
		for _, c := range old.delta {
			if c.key >= lo && (hi == "" || c.key < hi) {
				s.record(c)
			}
		}
		s.settleFlags()
		return s
	}
	key = strings.Clone(key)
	left, right := part(old.lo, key), part(key, l.hi(i))
	// Nobody counted the two parts; the listing that comes will.
	left.listed = old.listed / 2
	right.listed = old.listed - left.listed
	l.segments = slices.Replace(l.segments, i, i+1, left, right)
}

// settleFlags drops what only holds while there are changes.
func (s *segment) settleFlags() {
	if len(s.delta) == 0 {
		s.loose, s.ready, s.first = false, false, 0
	}
}
