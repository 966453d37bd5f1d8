package pass

import (
	"context"
	"hash/maphash"
	"iter"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

const (
	// overlap is how far a poll for changes looks back behind the one before it.
	// A row has the time at which its transaction began, and is visible from its
	// end on: the server gives up transactions that take much longer than half a
	// minute.
	overlap = 2 * time.Minute
	// ahead is how far before our own clock the server's may be. A row beyond
	// that has a time that somebody wrote by hand.
	ahead = 24 * time.Hour
	// seenKept bounds what is remembered between polls, to some 8 MB. What is more
	// is looked up in the ledger again.
	seenKept = 1 << 18
)

// Feed shows the rows of a bucket by the time of their last change, which is
// the server's.
type Feed interface {
	// Newest is the time of the last change, zero where nothing is visible.
	Newest(ctx context.Context, prefix string) (time.Time, error)
	// Since yields what changed at since or later, oldest first, in pages in
	// which no key comes twice, and at most one error, as the last element.
	Since(ctx context.Context, prefix string, since time.Time) iter.Seq2[[]object.Object, error]
}

// Recent is what the passes over a scope hand on so that those between two full
// listings need to ask for no more than what changed. It is safe for concurrent
// use.
//
// Where a poll begins is a time of the server's clock, which no row tells exactly:
// a row that was seen says only that the clock had reached its time. How much later
// it is since then, our own clock knows.
type Recent struct {
	feed Feed
	seed maphash.Seed
	base time.Time

	mu sync.Mutex
	// origin is what the server's clock showed at base, at the least; zero while
	// no row was seen.
	origin time.Time
	// since is where the next poll begins; zero where only a full listing can
	// tell.
	since time.Time
	// identity made the last full listing. Another one may see rows that did not
	// change since.
	identity string
	// blind says that the feed showed no row when the last full listing began,
	// and problem what it failed with.
	blind   bool
	problem error
	// seen are the rows of the overlap that were dealt with, each with its time
	// in milliseconds.
	seen    map[uint64]int64
	waiting *waiting
}

// newRecent remembers nothing yet, so that the first pass is a full listing.
func newRecent(feed Feed, w *waiting) *Recent {
	return &Recent{feed: feed, seed: maphash.MakeSeed(), base: time.Now(), seen: map[uint64]int64{}, waiting: w}
}

// Ready reports whether what changed is all that the next pass needs to see, as the
// given identity.
func (r *Recent) Ready(identity string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.since.IsZero() && !r.blind && r.identity == identity && !r.waiting.needsSweep()
}

// start is where the next poll begins.
func (r *Recent) start() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.since
}

// Feeds reports how the feed did at the beginning of the last full listing:
// whether it showed any row, and what it failed with.
func (r *Recent) Feeds() (shows bool, problem error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.blind, r.problem
}

// Forget makes the next pass a full listing.
func (r *Recent) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.since = time.Time{}
	clear(r.seen)
}

// beginFull is called before a full listing: what changes from here on is for
// the polls after it.
func (r *Recent) beginFull(ctx context.Context, prefix, identity string) {
	newest, err := r.feed.Newest(ctx, prefix)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.identity, r.problem, r.blind = identity, err, err == nil && newest.IsZero()
	r.since = time.Time{}
	r.observe(newest)
}

// observe takes note that the server's clock has reached a time.
func (r *Recent) observe(t time.Time) {
	if t.IsZero() || time.Until(t) > ahead {
		return
	}
	if origin := t.Add(-time.Since(r.base)); origin.After(r.origin) {
		r.origin = origin
	}
}

// reach is how far back a poll must look that follows a pass which began at
// the given time of our clock: zero where that is not known.
func (r *Recent) reach(began time.Time) time.Time {
	if r.origin.IsZero() {
		return time.Time{}
	}
	return r.origin.Add(began.Sub(r.base) - overlap)
}

// ended is called when a pass that began at the given time has seen all that it
// should: the next poll begins there.
func (r *Recent) ended(began time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.since = r.reach(began)
	from := r.since.UnixMilli()
	for hash, ms := range r.seen {
		if ms < from {
			delete(r.seen, hash)
		}
	}
}

// dealtWith takes note of rows that need no further look: whatever becomes of
// them is followed up elsewhere. Of a full listing these are the ones that the
// next poll would see again.
func (r *Recent) dealtWith(objs []object.Object, began time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.observe(newestOf(objs))
	from := r.reach(began)
	if from.IsZero() {
		return // no poll will follow
	}
	for i := range objs {
		if !objs[i].LastModified.Before(from) && len(r.seen) < seenKept {
			r.seen[r.hash(&objs[i])] = objs[i].LastModified.UnixMilli()
		}
	}
}

// newestOf is the time of the last change of objs. It leaves out times that observe
// would not believe.
func newestOf(objs []object.Object) (newest time.Time) {
	limit := time.Now().Add(ahead)
	for i := range objs {
		if t := objs[i].LastModified; t.After(newest) && t.Before(limit) {
			newest = t
		}
	}
	return newest
}

// unseen leaves out the rows of a page that were dealt with. Of what is left,
// it takes note that the older rows have nothing to wait for.
func (r *Recent) unseen(page []object.Object) []object.Object {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []object.Object
	r.observe(newestOf(page))
	for i := range page {
		if _, known := r.seen[r.hash(&page[i])]; !known {
			r.waiting.drop(page[i].Key)
			out = append(out, page[i])
		}
	}
	return out
}

func (r *Recent) hash(o *object.Object) uint64 {
	return maphash.Comparable(r.seed, struct {
		key, etag      string
		size, modified int64
	}{o.Key, o.ETag, o.Size, o.LastModified.UnixMilli()})
}
