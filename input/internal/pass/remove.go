package pass

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

const (
	// removeTimeout bounds the removal of one object, retries included.
	removeTimeout = 2 * time.Minute
	// removersAtOnce bounds the removals under way.
	removersAtOnce = 32
	// removalsWaiting is how many removals may wait for their turn before no
	// further object is delivered. An ack never waits: Benthos holds a lock around
	// each that all others wait for.
	removalsWaiting = 4096
)

// Remover deletes objects.
type Remover interface {
	// Listed asks the listing, once, which version of the object there is.
	Listed(ctx context.Context, key string) (object.Object, bool, error)
	Delete(ctx context.Context, key string) error
}

// Removals take delivered objects away from where they were delivered from, over all
// passes of an input: they are deleted, or moved.
type Removals struct {
	// one takes one object away; nil keeps everything.
	one   func(ctx context.Context, obj object.Object) (kept string, err error)
	kept  NotRemoved
	words RemovalWords

	mu      sync.Mutex
	waiting []removal
	active  int
	pending map[string][]removal // by key: the one that waits or is under way, and those after it
	changed chan struct{}        // closed and replaced when active or waiting shrinks
}

// RemovalWords say in errors what is done, and which field asks for it.
type RemovalWords struct{ Done, Noun, Stay, Field string }

// Words of the two ways; Field is to be filled in.
var (
	Deleting = RemovalWords{Done: "deleted", Noun: "deletions", Stay: "in the bucket"}
	Moving   = RemovalWords{Done: "moved", Noun: "moves", Stay: "where they were"}
)

// removal is a delivered object. done hears why it was kept or what went wrong, and
// neither where it was taken away.
type removal struct {
	object object.Object
	done   func(kept string, err error)
}

// NotRemoved hears of a delivered object that was not taken away: why it was kept on
// purpose, or what went wrong. It is called from several goroutines and must not block.
type NotRemoved func(obj object.Object, kept string, err error)

// NewRemovals deletes what was delivered. A nil remover keeps everything.
func NewRemovals(r Remover, policy retry.Policy, field string, kept NotRemoved) *Removals {
	words := Deleting
	words.Field = field
	all := newRemovals(words, kept)
	if r != nil {
		all.one = func(ctx context.Context, obj object.Object) (string, error) { return deleteOne(ctx, r, policy, obj) }
	}
	return all
}

// NewMoves moves what was delivered.
func NewMoves(m Mover, to MoveTo, policy retry.Policy, field string, kept NotRemoved) *Removals {
	words := Moving
	words.Field = field
	all := newRemovals(words, kept)
	all.one = func(ctx context.Context, obj object.Object) (string, error) { return moveOne(ctx, m, to, policy, obj) }
	return all
}

func newRemovals(words RemovalWords, kept NotRemoved) *Removals {
	return &Removals{
		words: words, kept: kept, pending: map[string][]removal{}, changed: make(chan struct{}),
	}
}

// Words say what is done.
func (r *Removals) Words() RemovalWords { return r.words }

// Wait returns when no removal is under way, or when ctx ends. The error then says
// which objects may stay.
func (r *Removals) Wait(ctx context.Context) error {
	err := r.until(ctx, func() bool { return r.active == 0 })
	if err == nil {
		return nil
	}
	if pending := r.Pending(); pending != nil {
		return fmt.Errorf("waiting for %s: %w: %w", r.words.Noun, pending, err)
	}
	return nil // the last one has just ended
}

// keysNamed is how many keys an error names.
const keysNamed = 3

// Pending is an error that says how many delivered objects are not taken away yet, and
// names the first of them; nil if none is waiting or under way.
func (r *Removals) Pending() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	keys := slices.Sorted(maps.Keys(r.pending))
	n := len(keys)
	if n == 0 {
		return nil
	}
	more := ""
	keys = keys[:min(len(keys), keysNamed)]
	if n > len(keys) {
		more = fmt.Sprintf(" and %d more", n-len(keys))
	}
	for i, key := range keys {
		keys[i] = foreign.Key(key)
	}
	return fmt.Errorf("%s delivered and not %s when the run stopped, and may stay %s (%s): %s%s",
		object.Count(int64(n)), r.words.Done, r.words.Stay, r.words.Field, strings.Join(keys, ", "), more)
}

// hold returns when not too many removals wait for their turn.
func (r *Removals) hold(ctx context.Context) error {
	return r.until(ctx, func() bool { return len(r.waiting) < removalsWaiting })
}

// until returns when the condition holds, which is asked for with the lock held.
func (r *Removals) until(ctx context.Context, holds func() bool) error {
	for {
		r.mu.Lock()
		ok, changed := holds(), r.changed
		r.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// remove takes a delivered object away if it is listed as the version that was
// delivered, and says how it went. It returns at once: false where that version is being
// taken away already, and nothing is said then. Another version waits until that is over.
func (r *Removals) remove(ctx context.Context, m removal) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.pending[m.object.Key]
	n := len(before)
	if n > 0 && before[n-1].object.SameVersion(m.object) {
		return false
	}
	if r.pending[m.object.Key] = append(before, m); n > 0 {
		return true
	}
	r.waiting = append(r.waiting, m)
	if r.active < removersAtOnce {
		r.active++
		// The ack's context ends with the pipeline; what was acked is taken away still.
		go r.work(context.WithoutCancel(ctx))
	}
	return true
}

// work takes away what waits until nothing does.
func (r *Removals) work(ctx context.Context) {
	for {
		r.mu.Lock()
		if len(r.waiting) == 0 {
			r.active--
		}
		close(r.changed)
		r.changed = make(chan struct{})
		if len(r.waiting) == 0 {
			r.mu.Unlock()
			return
		}
		m := r.waiting[0]
		r.waiting = r.waiting[1:]
		r.mu.Unlock()
		kept, err := r.removeNow(ctx, m.object)
		if m.done(kept, err); kept != "" || err != nil {
			r.kept(m.object, kept, err)
		}
		r.mu.Lock()
		if rest := r.pending[m.object.Key][1:]; len(rest) > 0 {
			r.pending[m.object.Key] = rest
			r.waiting = append(r.waiting, rest[0])
		} else {
			delete(r.pending, m.object.Key)
		}
		r.mu.Unlock()
	}
}

func (r *Removals) removeNow(ctx context.Context, obj object.Object) (kept string, err error) {
	ctx, cancel := context.WithTimeout(ctx, removeTimeout)
	defer cancel()
	return r.one(ctx, obj)
}

// deleteOne deletes the version of an object that was delivered.
func deleteOne(ctx context.Context, r Remover, policy retry.Policy, obj object.Object) (kept string, err error) {
	var now object.Object
	var listed bool
	err = policy.Do(ctx, func(ctx context.Context) (err error) {
		now, listed, err = r.Listed(ctx, obj.Key)
		return err
	}, object.Transient, nil)
	switch {
	case err != nil:
		return "", fmt.Errorf("looking at the listed version before deleting: %w", err)
	case !listed:
		return "", nil
	case !now.SameVersion(obj):
		return otherVersion(now), nil
	}
	return "", r.Delete(ctx, obj.Key)
}

// otherVersion says why an object is kept of which another version is listed.
func otherVersion(now object.Object) string {
	return fmt.Sprintf("another version is listed by now, with ETag %.80q and %d bytes", now.ETag, now.Size)
}
