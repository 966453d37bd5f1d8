package listing

import "strings"

// A level is a length of the last key's start at which the rest of a span may
// fork off it, to greater keys.
type level struct {
	at int
	// likely are the bytes that such keys may have there, of which there are
	// ways; a guess if none of them was ever seen at this place.
	likely symbols
	ways   int
	guess  bool
	// rate is how many keys there may be for each of them.
	rate float64
}

func (l *level) rest() float64 { return l.rate * float64(l.ways) }

// rest estimates how many keys of a span are not listed yet.
func (s *schedule) rest(sp *span) float64 {
	if n := len(sp.bounds); n > 0 {
		return float64(n * s.size / 2)
	}
	total := 0.0
	for _, l := range s.levels(sp) {
		total += l.rest()
	}
	return total
}

// levels estimates where the rest of a span is, from the first byte of the last
// key onward. There are none before a key was listed in the span.
func (s *schedule) levels(sp *span) []level {
	if !sp.known {
		return nil
	}
	first := len(s.prefix)
	if sp.hi != "" {
		first = max(first, shared(sp.after, sp.hi))
	}
	found := s.chart.around(sp.after, first, len(sp.trail)-1)
	var levels []level
	var priors []int
	for w := walk(sp.after); w.on() && w.at+1 < len(sp.trail); w.next() {
		if w.at < first {
			continue
		}
		l := level{at: w.at}
		l.look(&w, &s.chart, sp.hi)
		if l.ways > 0 {
			if !l.weigh(&w, sp, found[w.at-first], w.place(&s.chart)) {
				priors = append(priors, len(levels))
			}
			levels = append(levels, l)
		}
	}
	// Where nothing is known there may be as much again as was seen, but not at
	// every such level.
	for _, i := range priors {
		levels[i].rate /= float64(len(priors))
	}
	return levels
}

// look finds the bytes that may follow at this level, below hi: those seen at
// the same place; else those of the same kind seen in names of the same depth,
// for a digit makes other digits likely; else just the next byte, which stands
// for whatever there is.
func (l *level) look(w *walker, c *chart, hi string) {
	here, head := w.key[w.at], w.key[:w.at]
	limit := 0x100
	if w.at < len(hi) && hi[:w.at] == head {
		limit = int(hi[w.at])
		if between(compose(head, hi[w.at]), w.key, hi) {
			limit++ // some of the keys with hi's own byte are below hi
		}
	}
	first := int(here) + 1
	l.likely = w.place(c).seen.between(first, limit)
	if l.likely == (symbols{}) {
		l.guess = true
		l.likely = c.depths[w.depth].between(first, min(limit, kindEnd(here)))
	}
	if l.likely == (symbols{}) && first < limit {
		l.likely.add(byte(first))
	}
	l.ways = l.likely.len()
}

// kindEnd is the end of the kind of bytes that b belongs to: digits, capital or
// small letters, or parts of other characters.
func kindEnd(b byte) int {
	switch {
	case '0' <= b && b <= '9':
		return '9' + 1
	case 'A' <= b && b <= 'Z':
		return 'Z' + 1
	case 'a' <= b && b <= 'z':
		return 'z' + 1
	case b >= 0x80:
		return 0x100
	}
	return int(b)
}

// weigh estimates the rate: from what this span listed below the last key's own
// way, and from what all listers found on either side of it, whichever is more,
// since both may still be growing. It reports whether there was any of that;
// otherwise the rate is only what such a place makes likely.
func (l *level) weigh(w *walker, sp *span, f finding, p *place) bool {
	start := 0
	if len(sp.lo) > w.at && sp.lo[:w.at] == w.key[:w.at] {
		start = int(sp.lo[w.at])
	}
	passed := p.seen.between(start, int(w.key[w.at]))
	listed := float64(sp.trail[w.at] - sp.trail[w.at+1])
	prior := float64(sp.trail[w.at+1]) * min(1, p.fanout()/float64(l.ways))
	n := passed.len()
	switch {
	case n > 0 && f.ways > 0:
		l.rate = max((listed+prior)/float64(n+1), (f.keys+prior)/float64(f.ways+1))
	case n > 0:
		l.rate = (listed + prior) / float64(n+1)
	case f.ways > 0:
		l.rate = (f.keys + prior) / float64(f.ways+1)
	default:
		l.rate = prior
	}
	if l.guess {
		// The more often this place was passed without it, the less likely.
		l.rate /= float64(p.nodes + 1)
	}
	return n > 0 || f.ways > 0
}

// A finding is how many keys were found in how many other ways to go on from a
// start of a key.
type finding struct {
	keys float64
	ways int
}

// around tells what was found beside key at each level from first up to limit.
// What is beside a level is beyond all deeper ones, so that it takes one way
// through the marks on either side.
func (c *chart) around(key string, first, limit int) []finding {
	found := make([]finding, max(0, limit-first))
	left, same := c.find(key)
	right := left
	if same {
		right++
	}
	for i := len(found) - 1; i >= 0; i-- {
		head := key[:first+i]
		before, after := key[len(head)], key[len(head)]
		for ; left > 0 && strings.HasPrefix(c.marks[left-1].key, head); left-- {
			before = found[i].add(c.marks[left-1], key, len(head), before)
		}
		for ; right < len(c.marks) && strings.HasPrefix(c.marks[right].key, head); right++ {
			after = found[i].add(c.marks[right], key, len(head), after)
		}
	}
	return found
}

// add counts a mark that shares the first bytes of key, and returns its next.
// Prev is that of the mark before it.
func (f *finding) add(m mark, key string, at int, prev byte) byte {
	if len(m.key) <= at || m.key[at] == key[at] {
		return prev
	}
	f.keys += float64(m.keys)
	if m.key[at] != prev {
		f.ways++
	}
	return m.key[at]
}
