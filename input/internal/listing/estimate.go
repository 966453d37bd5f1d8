package listing

import "strings"

// A level is a position in the last listed key of a share at which remaining keys
// may differ from it: they share the bytes before the position, and have a greater
// byte there.
type level struct {
	at int
	// likely are the bytes that such keys may have at the position, and ways is
	// their number.
	likely byteSet
	ways   int
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

// levels estimates where the remaining keys of a share are. The nearest ones, at
// the last byte of the last key, come first. It returns none before a key was
// listed in the share.
func (s *schedule) levels(sh *share) []level {
	if !sh.known {
		return nil
	}
	first := len(s.prefix)
	if sh.hi != "" {
		first = max(first, commonPrefix(sh.after, sh.hi))
	}
	places, near := s.model.along(sh.after), s.model.near(sh.after)
	var levels []level
	var alone []int
	for at := len(sh.after) - 1; at >= first; at-- {
		ways := near.widen(at)
		l := level{at: at, rate: float64(near.keys) / float64(ways+1)}
		l.look(places[at], &s.model.all, sh.after, sh.hi)
		if l.ways == 0 {
			continue
		}
		if ways == 0 {
			alone = append(alone, len(levels))
		}
		levels = append(levels, l)
	}
	// Where no other byte was found yet, there may be as many keys again as were
	// seen, but not at every such level.
	for _, i := range alone {
		levels[i].rate /= float64(len(alone))
	}
	return levels
}

// look finds the bytes that may follow at this level, below hi: the bytes seen
// at the same place; or else bytes of the same kind seen anywhere, because a digit
// makes other digits likely; or else just the next byte, in place of all others.
func (l *level) look(seen, all *byteSet, key, hi string) {
	here, head := key[l.at], key[:l.at]
	end := 0x100
	if l.at < len(hi) && hi[:l.at] == head {
		end = int(hi[l.at])
		if between(compose(head, hi[l.at]), key, hi) {
			end++ // some of the keys with hi's own byte are below hi
		}
	}
	first := int(here) + 1
	l.likely = seen.between(first, end)
	if l.likely == (byteSet{}) {
		l.likely = all.between(first, min(end, kindEnd(here)))
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

// A neighbourhood is the samples around a key that share its start. It widens as
// the start becomes shorter.
type neighbourhood struct {
	samples     []sample
	key         string
	left, right int // the samples from left up to right belong to it
	keys        int // that these samples stand for
}

func (m *model) near(key string) *neighbourhood {
	i := m.find(key)
	return &neighbourhood{samples: m.samples, key: key, left: i, right: i}
}

// widen adds the samples that share only the first at bytes with the key, and
// returns how many different bytes they have after these.
func (n *neighbourhood) widen(at int) (ways int) {
	head := n.key[:at]
	for prev := n.key[at]; n.left > 0 && strings.HasPrefix(n.samples[n.left-1].key, head); n.left-- {
		n.add(n.samples[n.left-1], at, &prev, &ways)
	}
	for prev := n.key[at]; n.right < len(n.samples) && strings.HasPrefix(n.samples[n.right].key, head); n.right++ {
		n.add(n.samples[n.right], at, &prev, &ways)
	}
	return ways
}

// add adds a sample. Prev is the byte at the position in the sample before it.
func (n *neighbourhood) add(s sample, at int, prev *byte, ways *int) {
	n.keys += s.keys
	if len(s.key) > at && s.key[at] != *prev {
		*prev = s.key[at]
		*ways++
	}
}
