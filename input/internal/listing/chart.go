package listing

import (
	"math/bits"
	"slices"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

const (
	// Deeper folders and longer names share the last place.
	maxDepth  = 8
	maxOffset = 64
	// Every page teaches until there were this many; then the first of each span
	// and every eighth do.
	learnAll   = 32
	learnEvery = 8
	// maxMarks bounds the memory for where keys were found, to about a megabyte.
	maxMarks = 8192
)

// A chart is what all pages so far have taught about the keys. Keys are seen as
// a tree of bytes that forks where they differ.
type chart struct {
	// places and depths tell which bytes occur where. A place is a position in a
	// folder's or file's name, by the number of slashes before it, so that names
	// of different lengths do not blur what follows them.
	places [maxDepth][maxOffset]place
	depths [maxDepth]symbols
	// marks tell where keys were found, in order.
	marks []mark
	pages int
}

// A place is one position in names.
type place struct {
	seen symbols
	// nodes is how many starts of keys were seen that end before this place, and
	// forks how many further ways they went on in, after the first.
	nodes, forks int
}

// A mark is the last key of a page, or of a few, and the number of keys in them.
type mark struct {
	key  string
	keys int
}

// learn takes in a page that was asked for with the given start-after, which is
// known if it is a key and not made up.
func (c *chart) learn(after string, known bool, objs []object.Object) {
	c.pages++
	if known && c.pages > learnAll && c.pages%learnEvery != 0 {
		return
	}
	for i := range objs {
		c.step(after, known, objs[i].Key)
		after, known = objs[i].Key, true
	}
}

// step takes in a key and the one before it.
func (c *chart) step(prev string, known bool, key string) {
	common := shared(prev, key)
	for w := walk(key); w.on(); w.next() {
		if w.at < common {
			continue
		}
		p := w.place(c)
		p.seen.add(key[w.at])
		c.depths[w.depth].add(key[w.at])
		switch {
		case w.at > common:
			p.nodes++
		case known:
			p.forks++
		}
	}
}

// mark notes that a page ending with key brought so many keys.
func (c *chart) mark(key string, keys int) {
	i, _ := c.find(key)
	c.marks = slices.Insert(c.marks, i, mark{strings.Clone(key), keys})
	if len(c.marks) < maxMarks {
		return
	}
	half := c.marks[:0]
	for pair := range slices.Chunk(c.marks, 2) {
		m := pair[len(pair)-1]
		m.keys = 0
		for _, p := range pair {
			m.keys += p.keys
		}
		half = append(half, m)
	}
	clear(c.marks[len(half):])
	c.marks = half
}

// find is the index of the first mark that is not below key, and whether it is
// key itself.
func (c *chart) find(key string) (int, bool) {
	return slices.BinarySearchFunc(c.marks, key, func(m mark, key string) int { return strings.Compare(m.key, key) })
}

// fanout is how many ways to go on are to be expected here after a first.
func (p *place) fanout() float64 { return float64(p.forks+1) / float64(p.nodes+1) }

// A walker goes through a key from place to place.
type walker struct {
	key               string
	at, depth, offset int
}

func walk(key string) walker { return walker{key: key} }

func (w *walker) on() bool { return w.at < len(w.key) }

func (w *walker) next() {
	if w.key[w.at] == '/' {
		w.depth, w.offset = min(w.depth+1, maxDepth-1), 0
	} else {
		w.offset = min(w.offset+1, maxOffset-1)
	}
	w.at++
}

func (w *walker) place(c *chart) *place { return &c.places[w.depth][w.offset] }

// symbols is a set of bytes.
type symbols [4]uint64

func (s *symbols) add(b byte)      { s[b>>6] |= 1 << (b & 63) }
func (s *symbols) has(b byte) bool { return s[b>>6]&(1<<(b&63)) != 0 }

// between is the part of the set from lo up to but without hi.
func (s *symbols) between(lo, hi int) symbols {
	var out symbols
	for i := range s {
		out[i] = s[i] & from(lo-64*i) &^ from(hi-64*i)
	}
	return out
}

func (s *symbols) len() int {
	n := 0
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// from is a word with all bits from n upward.
func from(n int) uint64 {
	if n <= 0 {
		return ^uint64(0)
	}
	return ^uint64(0) << n // nothing for n >= 64
}
