package listing

import "strings"

// A level is a position in the last listed key at which the remaining keys of a
// share may differ from it: they share the bytes before the position, and have a
// greater byte there.
type level struct {
	at int
	// likely are the bytes that such keys may have at the position, and ways is
	// their number. Guess says that none of them was ever seen there.
	likely byteSet
	ways   int
	guess  bool
	// rate is how many keys there may be for each likely byte.
	rate float64
}

func (l *level) remaining() float64 { return l.rate * float64(l.ways) }

// remaining estimates how many keys of a share have not been listed.
func (s *schedule) remaining(sh *share) float64 {
	if n := len(sh.bounds); n > 0 {
		return float64(n * s.rangeSize / 2)
	}
	total := 0.0
	for _, l := range s.levels(sh) {
		total += l.remaining()
	}
	return total
}

// levels estimates where the remaining keys of a share are, from the first byte
// of the last key onward. It returns none before a key was listed in the share.
func (s *schedule) levels(sh *share) []level {
	if !sh.known {
		return nil
	}
	first := len(s.prefix)
	if sh.hi != "" {
		first = max(first, commonPrefix(sh.after, sh.hi))
	}
	found := s.model.around(sh.after, first, len(sh.trail)-1)
	var levels []level
	var priors []int
	for w := walk(sh.after); w.on() && w.at+1 < len(sh.trail); w.next() {
		if w.at < first {
			continue
		}
		l := level{at: w.at}
		l.look(&w, &s.model, sh.hi)
		if l.ways > 0 {
			if !l.weigh(&w, sh, found[w.at-first], w.place(&s.model)) {
				priors = append(priors, len(levels))
			}
			levels = append(levels, l)
		}
	}
	// A level about which nothing is known may have as many keys again as were
	// seen, but not every such level does.
	for _, i := range priors {
		levels[i].rate /= float64(len(priors))
	}
	return levels
}

// look finds the bytes that may follow at this level, below hi: the bytes seen
// at the same place; or else bytes of the same kind seen in names of the same
// depth, because a digit makes other digits likely; or else just the next byte,
// in place of all others.
func (l *level) look(w *walker, m *model, hi string) {
	here, head := w.key[w.at], w.key[:w.at]
	end := 0x100
	if w.at < len(hi) && hi[:w.at] == head {
		end = int(hi[w.at])
		if between(compose(head, hi[w.at]), w.key, hi) {
			end++ // some of the keys with hi's own byte are below hi
		}
	}
	first := int(here) + 1
	l.likely = w.place(m).seen.between(first, end)
	if l.likely == (byteSet{}) {
		l.guess = true
		l.likely = m.depths[w.depth].between(first, min(end, kindEnd(here)))
	}
	if l.likely == (byteSet{}) && first < end {
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

// weigh estimates the rate, from what this share listed at smaller bytes than the
// last key's, and from what all listers found at other bytes. It uses the larger
// number, since both may still grow. It reports whether there was anything to go
// by; otherwise the rate is only what such a place makes likely.
func (l *level) weigh(w *walker, sh *share, f finding, p *place) bool {
	start := 0
	if len(sh.lo) > w.at && sh.lo[:w.at] == w.key[:w.at] {
		start = int(sh.lo[w.at])
	}
	passed := p.seen.between(start, int(w.key[w.at]))
	listed := float64(sh.trail[w.at] - sh.trail[w.at+1])
	prior := float64(sh.trail[w.at+1]) * min(1, p.fanout()/float64(l.ways))
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
		// The more often keys passed this place without such a byte, the less likely.
		l.rate /= float64(p.nodes + 1)
	}
	return n > 0 || f.ways > 0
}

// A finding is how many keys were found that share the start of a key and differ
// at the next byte, and how many different bytes (ways) they have there.
type finding struct {
	keys float64
	ways int
}

// around returns what was found next to key at each level from first up to end.
// The neighbours at one level lie outside the neighbours at all deeper levels, so
// one walk through the counts on either side is enough.
func (m *model) around(key string, first, end int) []finding {
	found := make([]finding, max(0, end-first))
	left, same := m.find(key)
	right := left
	if same {
		right++
	}
	for i := len(found) - 1; i >= 0; i-- {
		head := key[:first+i]
		before, after := key[len(head)], key[len(head)]
		for ; left > 0 && strings.HasPrefix(m.counts[left-1].key, head); left-- {
			before = found[i].add(m.counts[left-1], key, len(head), before)
		}
		for ; right < len(m.counts) && strings.HasPrefix(m.counts[right].key, head); right++ {
			after = found[i].add(m.counts[right], key, len(head), after)
		}
	}
	return found
}

// add adds a count whose key shares the first at bytes of key, and returns the
// byte after them. Prev is that byte of the count before it.
func (f *finding) add(c count, key string, at int, prev byte) byte {
	if len(c.key) <= at || c.key[at] == key[at] {
		return prev
	}
	f.keys += float64(c.keys)
	if c.key[at] != prev {
		f.ways++
	}
	return c.key[at]
}
