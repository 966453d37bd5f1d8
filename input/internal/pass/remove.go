package pass

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
)

// removeTimeout bounds the deletion of one object, retries included.
const removeTimeout = 2 * time.Minute

// removersAtOnce bounds the deletions under way. Acks wait when there are more,
// which slows the pipeline to what the endpoint deletes.
const removersAtOnce = 32

// Remover deletes objects.
type Remover interface {
	Head(ctx context.Context, key string) (bucket.Object, error)
	Delete(ctx context.Context, key string) error
}

// Removals are the deletions under way, over all passes of an input.
type Removals struct{ slots chan struct{} }

// NewRemovals has no deletion under way.
func NewRemovals() *Removals { return &Removals{make(chan struct{}, removersAtOnce)} }

// Wait returns when no deletion is under way, or when ctx ends: it takes every
// slot, and gives them back.
func (r *Removals) Wait(ctx context.Context) error {
	taken := 0
	defer func() {
		for range taken {
			<-r.slots
		}
	}()
	for range removersAtOnce {
		select {
		case r.slots <- struct{}{}:
			taken++
		case <-ctx.Done():
			return fmt.Errorf("waiting for deletions: %w", ctx.Err())
		}
	}
	return nil
}

// removals deletes delivered objects in the background: an ack holds a lock of
// Benthos' that all other acks wait for, so it must not wait for two requests.
type removals struct {
	remover Remover
	*Removals
}

// remove deletes obj unless another version has taken its place, and says in
// done how it went. A failed deletion never delivers the object again. Nothing
// is said of an object that was kept.
func (r *removals) remove(ctx context.Context, obj bucket.Object, done func(error)) {
	if r.remover == nil {
		return
	}
	// The ack's context ends with the pipeline; what was acked is deleted still.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	r.slots <- struct{}{}
	go func() {
		defer func() { <-r.slots }()
		defer cancel()
		if kept, err := r.removeNow(ctx, obj); !kept {
			done(err)
		}
	}()
}

func (r *removals) removeNow(ctx context.Context, obj bucket.Object) (kept bool, err error) {
	now, err := r.remover.Head(ctx, obj.Key)
	if errors.Is(err, bucket.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("checking the version before deleting: %w", err)
	}
	if !now.SameVersion(obj) {
		return true, nil // a newer version was uploaded: it is not ours to delete
	}
	return false, r.remover.Delete(ctx, obj.Key)
}
