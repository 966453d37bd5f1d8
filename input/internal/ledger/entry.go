package ledger

import (
	"cmp"
	"slices"
	"time"
)

// entry is what the ledger knows of one key.
type entry struct {
	key string
	// id is the version that was delivered last, if tracked.
	id identity
	// alias is set when another version was fetched than was listed.
	alias uint64
	// park is set while an attempt that failed waits for the next one. The key
	// may be tracked too: then an older version was delivered.
	park *parking
	// tracked says that some version was delivered.
	tracked bool
	// absent says that a complete pass found the key missing.
	absent bool
}

// parking is a version that could not be delivered so far.
type parking struct {
	id          identity
	attempts    int
	next, first time.Time
	reason      string
}

// waits reports whether the next attempt is still to come. One that is further
// away than the longest pause was fixed by a clock that was ahead.
func (p *parking) waits(now time.Time, longest time.Duration) bool {
	return now.Before(p.next) && (longest <= 0 || p.next.Sub(now) <= longest)
}

func (e *entry) empty() bool { return !e.tracked && e.park == nil }

// irregular says that a digest alone cannot tell what is due: something waits
// for its time, or for another look.
func (e *entry) irregular() bool { return e.park != nil || e.absent || e.alias != 0 }

// mark is what one entry adds to the tally of its segment.
type mark struct {
	sum                        uint64
	tracked, parked, irregular bool
}

func (e *entry) mark() mark {
	m := mark{tracked: e.tracked, parked: e.park != nil, irregular: e.irregular()}
	if e.tracked {
		m.sum = contribution(e.key, e.id)
	}
	return m
}

// tally sums up the entries of a segment. When sum and tracked are those of
// what is listed and matches, and nothing is irregular, then everything listed
// was delivered as it is listed, and nothing that was delivered is missing.
type tally struct {
	sum                        uint64
	tracked, parked, irregular int
}

func (t *tally) add(m mark)    { t.count(m, 1) }
func (t *tally) remove(m mark) { t.count(m, -1) }

func (t *tally) count(m mark, n int) {
	t.sum += uint64(n) * m.sum
	if m.tracked {
		t.tracked += n
	}
	if m.parked {
		t.parked += n
	}
	if m.irregular {
		t.irregular += n
	}
}

func tallyOf(entries []entry) tally {
	var t tally
	for i := range entries {
		t.add(entries[i].mark())
	}
	return t
}

// op is what happened to a key.
type op uint8

const (
	opDelivered op = iota
	opParked
	opAbsent
	opForgotten
)

// change is one thing that happened to one key. The changes of a key in their
// order, applied to its entry, make the entry that is true now; applying them
// to an entry that already has them changes nothing, as long as none is left
// out at the end.
type change struct {
	key   string
	op    op
	id    identity
	alias uint64
	park  *parking
	// before is what the entry added to the tally until then, so that the tally
	// can be kept without reading the manifest. It may not be true where late is
	// set: another change of the key may have come between.
	before mark
	late   bool
	// turn counts the changes that go into the journal, from 1 on, so that each
	// tells by itself whether the journal has it (see Ledger.journaled). It is 0
	// for a change that never goes there.
	turn uint64
}

func (e *entry) apply(c *change) {
	switch c.op {
	case opDelivered:
		e.tracked, e.id, e.alias = true, c.id, c.alias
		e.park, e.absent = nil, false
	case opParked:
		e.park = c.park
	case opAbsent:
		e.absent = e.tracked
	case opForgotten:
		*e = entry{key: e.key}
	}
}

// after is what the entry adds to the tally from then on.
func (c *change) after() mark {
	m := c.before
	switch c.op {
	case opDelivered:
		return mark{sum: contribution(c.key, c.id), tracked: true, irregular: c.alias != 0}
	case opParked:
		m.parked, m.irregular = true, true
	case opAbsent:
		m.irregular = m.irregular || m.tracked
	case opForgotten:
		return mark{}
	}
	return m
}

func (t *tally) change(c *change) {
	t.remove(c.before)
	t.add(c.after())
}

// sorted returns the changes by key, those of one key in their order.
func sorted(changes []change) []change {
	s := slices.Clone(changes)
	slices.SortStableFunc(s, func(a, b change) int { return cmp.Compare(a.key, b.key) })
	return s
}

// merge applies sorted changes to entries, which stay as they are.
func merge(entries []entry, changes []change) []entry {
	if len(changes) == 0 {
		return entries
	}
	out := make([]entry, 0, len(entries)+len(changes))
	for len(entries) > 0 || len(changes) > 0 {
		if len(changes) == 0 || len(entries) > 0 && entries[0].key < changes[0].key {
			out = append(out, entries[0])
			entries = entries[1:]
			continue
		}
		e := entry{key: changes[0].key}
		if len(entries) > 0 && entries[0].key == e.key {
			e, entries = entries[0], entries[1:]
		}
		for len(changes) > 0 && changes[0].key == e.key {
			e.apply(&changes[0])
			changes = changes[1:]
		}
		if !e.empty() {
			out = append(out, e)
		}
	}
	return out
}

// between returns the sorted entries of [lo, hi); hi "" is the end.
func between(entries []entry, lo, hi string) []entry {
	find := func(key string) int {
		i, _ := slices.BinarySearchFunc(entries, key, func(e entry, k string) int { return cmp.Compare(e.key, k) })
		return i
	}
	from, to := find(lo), len(entries)
	if hi != "" {
		to = max(find(hi), from)
	}
	return entries[from:to]
}
