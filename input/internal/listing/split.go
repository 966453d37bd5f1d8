package listing

// minLeft is how many pages the lower share keeps when a share is split: the
// page that is under way, and one more.
const minLeft = 2

// split cuts about half of the remaining keys off a share and returns them as a
// share of their own. It returns nil if there is no key to split at.
func (s *schedule) split(sh *share) *share {
	if n := len(sh.bounds); n > 0 {
		upper := sh.splitAt(sh.bounds[n/2])
		upper.bounds, sh.bounds = sh.bounds[n/2+1:], sh.bounds[:n/2]
		return upper
	}
	levels := s.levels(sh)
	keep := 0.0
	for _, l := range levels {
		keep += l.remaining() / 2
	}
	keep = max(keep, float64(minLeft*s.pageSize))
	key := splitKey(levels, sh.after, sh.hi, keep)
	if key == "" {
		return nil
	}
	upper := sh.splitAt(above(key))
	upper.grown = sh.grown
	return upper
}

// splitAt makes a share of everything from bound on.
func (sh *share) splitAt(bound string) *share {
	upper := &share{lo: bound, open: bound, hi: sh.hi, end: sh.end, after: startAfter(bound)}
	sh.hi, sh.end = bound, bound
	return upper
}

// splitKey finds a key between last and hi that has about keep keys before it,
// or "" if there is none. The deepest levels are nearest to the last key.
func splitKey(levels []level, last, hi string, keep float64) string {
	best := 0
	for best < len(levels)-1 && levels[best].remaining() < keep {
		keep -= levels[best].remaining()
		best++
	}
	// A level may have no key to split at, because not every byte makes text. The
	// next level further away then keeps more, and the next nearer level less.
	for i := best; i < len(levels); i++ {
		if key := levels[i].splitKey(last, hi, keep); key != "" {
			return key
		}
		keep = 0
	}
	for i := best - 1; i >= 0; i-- {
		if key := levels[i].splitKey(last, hi, levels[i].remaining()); key != "" {
			return key
		}
	}
	return ""
}

// splitKey is a key at this level that has about keep of the level's keys before
// it, or "" if there is none.
func (l *level) splitKey(last, hi string, keep float64) string {
	if l.rate <= 0 {
		return ""
	}
	skip := min(int(max(keep, 0)/l.rate), l.ways-1)
	for b := range 0x100 {
		if !l.likely.has(byte(b)) {
			continue
		}
		if skip--; skip >= 0 {
			continue
		}
		if key := compose(last[:l.at], byte(b)); between(key, last, hi) {
			return key
		}
	}
	return ""
}

// between reports whether there may be keys on both sides of a split at key.
func between(key, last, hi string) bool { return key > last && beforeBound(above(key), hi) }

// tails complete what may be the start of a character, with the least bytes that
// can follow.
var tails = []string{"", "\x80", "\x80\x80", "\x80\x80\x80", "\xA0\x80", "\x90\x80\x80"}

// compose makes text of the start of a key and one more byte, which may begin or
// continue a character of several bytes. It returns "" if the bytes cannot become
// text, and for control characters.
func compose(head string, b byte) string {
	if b < ' ' || b == 0x7F {
		return ""
	}
	for _, tail := range tails {
		if s := head + string([]byte{b}) + tail; sendable(s) {
			return s
		}
	}
	return ""
}
