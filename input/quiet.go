package input

import (
	"sync"

	"github.com/cespare/xxhash/v2"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// linesOfAKind is how many lines of one kind a pass logs. Thousands of objects
// that fail for one cause say no more than the first ones; the rest are counted.
const linesOfAKind = 10

// few lets the first lines of each kind through, and counts the others. It is safe
// for concurrent use.
type few struct {
	mu   sync.Mutex
	seen map[string]int64
}

// first reports whether a line is one of the first of its kind.
func (f *few) first(kind string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen == nil {
		f.seen = map[string]int64{}
	}
	f.seen[kind]++
	return f.seen[kind] <= linesOfAKind
}

// more gives the kinds of which there were more lines, and how many, and starts
// anew.
func (f *few) more() map[string]int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	left := map[string]int64{}
	for kind, n := range f.seen {
		if n > linesOfAKind {
			left[kind] = n - linesOfAKind
		}
	}
	clear(f.seen)
	return left
}

// parkedKept bounds the parked objects that are remembered, at 16 bytes each. Of
// more than that, some are told of again by a later pass.
const parkedKept = 100_000

// parkedBefore remembers which objects were parked by an earlier pass and why, so
// that the same is not told twice. It is safe for concurrent use.
type parkedBefore struct {
	mu   sync.Mutex
	seen map[uint64]uint64 // hash of the key: hash of version and reason
}

// note reports whether this version was parked for this reason before.
func (p *parkedBefore) note(obj object.Object, reason string) bool {
	key, why := xxhash.Sum64String(obj.Key), xxhash.Sum64String(reason+" "+obj.ETag)
	p.mu.Lock()
	defer p.mu.Unlock()
	if before, ok := p.seen[key]; ok && before == why {
		return true
	}
	if p.seen == nil {
		p.seen = map[uint64]uint64{}
	}
	if len(p.seen) < parkedKept {
		p.seen[key] = why
	}
	return false
}

// forget drops an object that is parked no longer.
func (p *parkedBefore) forget(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.seen) > 0 {
		delete(p.seen, xxhash.Sum64String(key))
	}
}
