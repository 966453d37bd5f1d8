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
	// sampleKeys is how many keys one sample stands for: a part of a page, so that
	// what is left of a share can be told to a page or so.
	sampleKeys = 100
	// Every seeEvery-th key shows which bytes occur: some hundred of a page show
	// nearly as much as all, and cost a quarter.
	seeEvery = 4
	// maxSamples limits the memory for the samples to about a megabyte.
	maxSamples = 8192
)

// A model is what all pages so far have taught about the keys. It sees the keys
// as a tree of bytes that forks where they differ.
type model struct {
	// places tell which bytes occur where. A place is a position in the name of a
	// folder or file, counted with the number of slashes before it, so that names
	// of different lengths do not blur what follows them. They take 16 KB, and most
	// buckets are listed with one page, which needs none: nil until they are needed.
	places *[maxDepth][maxOffset]byteSet
	// all are the bytes that occur anywhere.
	all byteSet
	// samples tell where keys were found, in key order.
	samples []sample
}

// A sample is a listed key, which stands for itself and the keys before it, up to
// the sample before.
type sample struct {
	key  string
	keys int
}

// learn learns from the keys of a page that belong to a share.
func (m *model) learn(objs []object.Object) {
	if len(objs) == 0 {
		return
	}
	for i := range objs {
		if i%seeEvery == 0 || i == len(objs)-1 {
			m.see(objs[i].Key)
		}
	}
	var found []sample
	for page := range slices.Chunk(objs, sampleKeys) {
		found = append(found, sample{strings.Clone(page[len(page)-1].Key), len(page)})
	}
	m.samples = slices.Insert(m.samples, m.find(found[0].key), found...)
	if len(m.samples) >= maxSamples {
		m.thin()
	}
}

// see notes which bytes a key has where.
func (m *model) see(key string) {
	for at, place := range m.along(key) {
		place.add(key[at])
		m.all.add(key[at])
	}
}

// thin makes one sample of each two neighbours.
func (m *model) thin() {
	half := m.samples[:0]
	for i := 0; i+1 < len(m.samples); i += 2 {
		half = append(half, sample{m.samples[i+1].key, m.samples[i].keys + m.samples[i+1].keys})
	}
	clear(m.samples[len(half):])
	m.samples = half
}

// find is the index of the first sample whose key is not below key.
func (m *model) find(key string) int {
	i, _ := slices.BinarySearchFunc(m.samples, key, func(s sample, key string) int { return strings.Compare(s.key, key) })
	return i
}

// along returns the place of each byte of a key.
func (m *model) along(key string) []*byteSet {
	if m.places == nil {
		m.places = new([maxDepth][maxOffset]byteSet)
	}
	places := make([]*byteSet, len(key))
	depth, offset := 0, 0
	for at := range len(key) {
		places[at] = &m.places[depth][offset]
		if key[at] == '/' {
			depth, offset = min(depth+1, maxDepth-1), 0
		} else {
			offset = min(offset+1, maxOffset-1)
		}
	}
	return places
}

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
