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
	// removeTimeout bounds the deletion of one object, retries included.
	removeTimeout = 2 * time.Minute
	// removersAtOnce bounds the deletions under way.
	removersAtOnce = 32
	// removalsWaiting is how many deletions may wait for their turn before no
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

// Removals are the deletions of delivered objects, over all passes of an input.
type Removals struct {
	remover Remover // nil deletes nothing
	retry   retry.Policy
	kept    NotDeleted

	mu      sync.Mutex
	waiting []removal
	active  int
	current map[string]struct{} // keys that are being deleted
	changed chan struct{}       // closed and replaced when active or waiting shrinks
}

// removal is a delivered object. done hears why it was kept or what went wrong, and
// neither where it was deleted.
type removal struct {
	object object.Object
	done   func(kept string, err error)
}

// NotDeleted hears of a delivered object that was not deleted: why it was kept on purpose,
// or what went wrong. It is called from several goroutines and must not block.
type NotDeleted func(obj object.Object, kept string, err error)

// NewRemovals has no deletion under way. A nil remover keeps everything.
func NewRemovals(r Remover, policy retry.Policy, kept NotDeleted) *Removals {
	return &Removals{remover: r, retry: policy, kept: kept, current: map[string]struct{}{}, changed: make(chan struct{})}
}

// Wait returns when no deletion is under way, or when ctx ends. The error then says
// which objects may stay.
func (r *Removals) Wait(ctx context.Context) error {
	err := r.until(ctx, func() bool { return r.active == 0 })
	if err == nil {
		return nil
	}
	if pending := r.Pending(); pending != nil {
		return fmt.Errorf("waiting for deletions: %w: %w", pending, err)
	}
	return nil // the last one has just ended
}

// keysNamed is how many keys an error names.
const keysNamed = 3

// Pending is an error that says how many delivered objects are not deleted yet, and
// names the first of them; nil if none is waiting or under way.
func (r *Removals) Pending() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	keys := slices.Sorted(maps.Keys(r.current))
	n := len(keys) + len(r.waiting)
	if n == 0 {
		return nil
	}
	for _, m := range r.waiting[:min(len(r.waiting), keysNamed)] {
		keys = append(keys, m.object.Key)
	}
	more := ""
	keys = keys[:min(len(keys), keysNamed)]
	if n > len(keys) {
		more = fmt.Sprintf(" and %d more", n-len(keys))
	}
	for i, key := range keys {
		keys[i] = foreign.Key(key)
	}
	return fmt.Errorf("%s delivered and not deleted when the run stopped, and may stay in the bucket (delete_objects): %s%s",
		object.Count(int64(n)), strings.Join(keys, ", "), more)
}

// hold returns when not too many deletions wait for their turn.
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

// remove deletes a delivered object if it is listed as the version that was
// delivered, and says how it went. A failed deletion never delivers the object
// again. It returns at once.
func (r *Removals) remove(ctx context.Context, m removal) {
	if r.remover == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = append(r.waiting, m)
	if r.active < removersAtOnce {
		r.active++
		// The ack's context ends with the pipeline; what was acked is deleted still.
		go r.work(context.WithoutCancel(ctx))
	}
}

// work deletes what waits until nothing does.
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
		r.current[m.object.Key] = struct{}{}
		r.mu.Unlock()
		kept, err := r.removeNow(ctx, m.object)
		if m.done(kept, err); kept != "" || err != nil {
			r.kept(m.object, kept, err)
		}
		r.mu.Lock()
		delete(r.current, m.object.Key)
		r.mu.Unlock()
	}
}

func (r *Removals) removeNow(ctx context.Context, obj object.Object) (kept string, err error) {
	ctx, cancel := context.WithTimeout(ctx, removeTimeout)
	defer cancel()
	var now object.Object
	var listed bool
	err = r.retry.Do(ctx, func(ctx context.Context) (err error) {
		now, listed, err = r.remover.Listed(ctx, obj.Key)
		return err
	}, object.Transient, nil)
	switch {
	case err != nil:
		return "", fmt.Errorf("looking at the listed version before deleting: %w", err)
	case !listed:
		return "", nil
	case !now.SameVersion(obj):
		return fmt.Sprintf("another version is listed by now, with ETag %.80q and %d bytes", now.ETag, now.Size), nil
	}
	return "", r.remover.Delete(ctx, obj.Key)
}
