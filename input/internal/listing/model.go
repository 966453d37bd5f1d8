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
	// The model learns from each of the first learnAll pages, and then from the
	// first page of each share and from every learnEvery-th page.
	learnAll   = 32
	learnEvery = 8
	// maxCounts limits the memory for the counts to about a megabyte.
	maxCounts = 8192
)

// A model is what all pages so far have taught about the keys. It sees the keys
// as a tree of bytes that forks where they differ.
type model struct {
	// places and depths tell which bytes occur where. A place is a position in the
	// name of a folder or file, counted with the number of slashes before it, so
	// that names of different lengths do not blur what follows them.
	places [maxDepth][maxOffset]place
	depths [maxDepth]byteSet
	// counts tell where keys were found, in key order.
	counts []count
	pages  int
}

// A place is one position in names.
type place struct {
	seen byteSet
	// nodes is how many different starts of keys were seen that end before this
	// place. Forks is how many continuations they had, beyond the first of each.
	nodes, forks int
}

// A count is the last key of a page, or of a few pages, and the number of keys
// on them.
type count struct {
	key  string
	keys int
}

// learn learns from a page that was requested with the given start-after. Known
// says that after is a key that was listed, and not made up.
func (m *model) learn(after string, known bool, objs []object.Object) {
	m.pages++
	if known && m.pages > learnAll && m.pages%learnEvery != 0 {
		return
	}
	for i := range objs {
		m.step(after, known, objs[i].Key)
		after, known = objs[i].Key, true
	}
}

// step learns from a key and the key before it.
func (m *model) step(prev string, known bool, key string) {
	common := commonPrefix(prev, key)
	for w := walk(key); w.on(); w.next() {
		if w.at < common {
			continue
		}
		p := w.place(m)
		p.seen.add(key[w.at])
		m.depths[w.depth].add(key[w.at])
		switch {
		case w.at > common:
			p.nodes++
		case known:
			p.forks++
		}
	}
}

// add notes that a page ending with key had so many keys. When there are too many
// counts, each two neighbours become one.
func (m *model) add(key string, keys int) {
	i, _ := m.find(key)
	m.counts = slices.Insert(m.counts, i, count{strings.Clone(key), keys})
	if len(m.counts) < maxCounts {
		return
	}
	half := m.counts[:0]
	for pair := range slices.Chunk(m.counts, 2) {
		sum := pair[len(pair)-1]
		sum.keys = 0
		for _, c := range pair {
			sum.keys += c.keys
		}
		half = append(half, sum)
	}
	clear(m.counts[len(half):])
	m.counts = half
}

// find is the index of the first count whose key is not below key, and whether it
// is key itself.
func (m *model) find(key string) (int, bool) {
	return slices.BinarySearchFunc(m.counts, key, func(c count, key string) int { return strings.Compare(c.key, key) })
}

// fanout is how many more continuations to expect here after a first one.
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

func (w *walker) place(m *model) *place { return &m.places[w.depth][w.offset] }

// A byteSet is a set of bytes.
type byteSet [4]uint64

func (s *byteSet) add(b byte)      { s[b>>6] |= 1 << (b & 63) }
func (s *byteSet) has(b byte) bool { return s[b>>6]&(1<<(b&63)) != 0 }

// between is the part of the set from lo to hi, without hi.
func (s *byteSet) between(lo, hi int) byteSet {
	var out byteSet
	for i := range s {
		out[i] = s[i] & from(lo-64*i) &^ from(hi-64*i)
	}
	return out
}

func (s *byteSet) len() int {
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
