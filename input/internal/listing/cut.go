package listing

// minLeft is how many pages a lister should be left with when a part of its span
// is taken: the page that is under way, and one more.
const minLeft = 2

// split takes about half of the rest of a span away, as a span of its own. It
// returns nil where there is no place to cut.
func (s *schedule) split(sp *span) *span {
	if n := len(sp.bounds); n > 0 {
		thief := sp.give(sp.bounds[n/2])
		thief.bounds, sp.bounds = sp.bounds[n/2+1:], sp.bounds[:n/2]
		return thief
	}
	levels := s.levels(sp)
	leave := 0.0
	for _, l := range levels {
		leave += l.rest() / 2
	}
	leave = max(leave, float64(minLeft*s.page))
	cut := chooseCut(levels, sp.after, sp.hi, leave)
	if cut == "" {
		return nil
	}
	thief := sp.give(above(cut))
	thief.long = sp.long
	return thief
}

// give makes a span of everything from bound on.
func (sp *span) give(bound string) *span {
	thief := &span{lo: bound, open: bound, hi: sp.hi, end: sp.end, after: startAfter(bound)}
	sp.hi, sp.end = bound, bound
	return thief
}

// chooseCut finds a key between last and hi so that about as many keys as are to
// be left lie before it; "" where there is no place for one. The deepest levels
// are nearest to the last key.
func chooseCut(levels []level, last, hi string, leave float64) string {
	best := len(levels) - 1
	for best > 0 && levels[best].rest() < leave {
		leave -= levels[best].rest()
		best--
	}
	// A level may have no place for a cut, for not every byte makes text. The
	// next further away then leaves more, and the next nearer less.
	for i := best; i >= 0; i-- {
		if cut := levels[i].cut(last, hi, leave); cut != "" {
			return cut
		}
		leave = 0
	}
	for i := best + 1; i < len(levels); i++ {
		if cut := levels[i].cut(last, hi, levels[i].rest()); cut != "" {
			return cut
		}
	}
	return ""
}

// cut is a key at this level that has about the given number of the level's keys
// before it, "" where there is none.
func (l *level) cut(last, hi string, leave float64) string {
	if l.rate <= 0 {
		return ""
	}
	skip := min(int(max(leave, 0)/l.rate), l.ways-1)
	for b := range 0x100 {
		if !l.likely.has(byte(b)) {
			continue
		}
		if skip--; skip >= 0 {
			continue
		}
		if cut := compose(last[:l.at], byte(b)); between(cut, last, hi) {
			return cut
		}
	}
	return ""
}

// between reports whether a listing can be cut behind key so that something may
// be left on either side.
func between(key, last, hi string) bool { return key > last && beforeBound(above(key), hi) }

// tails complete what may be the start of a character, with the least bytes that
// can follow.
var tails = []string{"", "\x80", "\x80\x80", "\x80\x80\x80", "\xA0\x80", "\x90\x80\x80"}

// compose makes text of a key's start and one more byte, which may begin or go
// on with a character of several bytes. It is "" where that cannot be, and for
// control characters.
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
