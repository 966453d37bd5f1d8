package pass

import (
	"context"
	"errors"
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
	// blind says that the feed showed no row when the last full listing began, and
	// trouble what it failed with. listed says that the listing has shown an object.
	blind, listed bool
	trouble       error
	// seen are the rows of the overlap that were dealt with, each with its time
	// in milliseconds.
	seen    map[uint64]int64
	waiting *waiting
}

// newRecent remembers nothing yet, so that the first pass is a full listing.
func newRecent(feed Feed, w *waiting) *Recent {
	return &Recent{feed: feed, base: time.Now(), seen: map[uint64]int64{}, waiting: w}
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

// Trouble is what the feed failed with when the last full listing began, or that it
// showed nothing where the listing did.
func (r *Recent) Trouble() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.blind && r.listed {
		return errBlind
	}
	return r.trouble
}

var errBlind = errors.New("it shows this role nothing, although the listing does")

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
	r.identity, r.trouble, r.blind, r.listed = identity, err, err == nil && newest.IsZero(), false
	r.since = time.Time{}
	r.observe(newest, time.Now())
}

// observe takes note that the server's clock has reached the time of a row by now.
func (r *Recent) observe(row, now time.Time) {
	if row.IsZero() || row.Sub(now) > ahead {
		return
	}
	if origin := row.Add(r.base.Sub(now)); origin.After(r.origin) {
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
	r.listed = r.listed || len(objs) > 0
	now := time.Now()
	for i := range objs {
		r.observe(objs[i].LastModified, now)
	}
	from := r.reach(began)
	if from.IsZero() {
		return // no poll will follow
	}
	for i := range objs {
		if !objs[i].LastModified.Before(from) && len(r.seen) < seenKept {
			r.seen[hash(&objs[i])] = objs[i].LastModified.UnixMilli()
		}
	}
}

// unseen leaves out the rows of a page that were dealt with. Of what is left,
// it takes note that the older rows have nothing to wait for.
func (r *Recent) unseen(page []object.Object) []object.Object {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []object.Object
	now := time.Now()
	for i := range page {
		r.observe(page[i].LastModified, now)
		if _, known := r.seen[hash(&page[i])]; !known {
			r.waiting.drop(page[i].Key)
			out = append(out, page[i])
		}
	}
	return out
}

func hash(o *object.Object) uint64 {
	return maphash.Comparable(seed, struct {
		key, etag      string
		size, modified int64
	}{o.Key, o.ETag, o.Size, o.LastModified.UnixMilli()})
}
