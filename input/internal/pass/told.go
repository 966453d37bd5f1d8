package pass

import (
	"cmp"
	"hash/maphash"
	"sync"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// toldKept bounds the parked objects that are remembered, at 40 bytes each. Of more
// objects, some are told of again by a later pass, and none are counted by reason.
const toldKept = 100_000

// seed makes the hashes of this process.
var seed = maphash.MakeSeed()

// told remembers which objects are parked and why, so that the same is not told
// twice, and counts them by reason. It is safe for concurrent use.
type told struct {
	// changed hears how many are parked for a reason, nil for nobody. It is called with
	// the lock held.
	changed func(reason string, n int64)

	mu     sync.Mutex
	seen   map[uint64]parkedAs // by the hash of the key
	counts map[string]int64    // by reason
	sweep  uint32              // full passes that have begun
}

// parkedAs is what is remembered of a parked object.
type parkedAs struct {
	why    uint64 // hash of version and reason that were told, 0 for none
	reason string
	sweep  uint32 // when it was parked, or found parked, last
}

// before notes that an object is parked, and reports whether it was called before
// with this version and this reason.
func (t *told) before(obj object.Object, reason string) bool {
	why := maphash.String(seed, reason+" "+obj.ETag)
	return t.note(obj.Key, reason, why).why == why
}

// still notes that an object is still parked, for what an earlier pass said.
func (t *told) still(key, reason string) { t.note(key, reason, 0) }

// note returns what was known of a parked object. Where why is 0, that stays.
func (t *told) note(key, reason string, why uint64) parkedAs {
	t.mu.Lock()
	defer t.mu.Unlock()
	hash := maphash.String(seed, key)
	was, known := t.seen[hash]
	if !known && len(t.seen) >= toldKept {
		return was
	}
	if t.seen == nil {
		t.seen, t.counts = map[uint64]parkedAs{}, map[string]int64{}
	}
	t.seen[hash] = parkedAs{why: cmp.Or(why, was.why), reason: reason, sweep: t.sweep}
	if was.reason != reason {
		t.count(was.reason, -1)
		t.count(reason, 1)
	}
	return was
}

// forget drops an object that is no longer parked.
func (t *told) forget(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.seen) == 0 {
		return
	}
	hash := maphash.String(seed, key)
	t.count(t.seen[hash].reason, -1)
	delete(t.seen, hash)
}

// sweepBegins and sweepEnds enclose a full pass that came to its end and met nothing that
// an earlier one still has under way: what it did not find parked is not parked any
// more, such as objects that were deleted.
func (t *told) sweepBegins() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweep++
}

func (t *told) sweepEnds() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for hash, p := range t.seen {
		if p.sweep != t.sweep {
			t.count(p.reason, -1)
			delete(t.seen, hash)
		}
	}
}

// count is called with the lock held. No reason counts nothing.
func (t *told) count(reason string, n int64) {
	if reason == "" {
		return
	}
	t.counts[reason] += n
	if t.changed != nil {
		t.changed(reason, t.counts[reason])
	}
}
