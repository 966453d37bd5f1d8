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

// removals deletes delivered objects in the background: an ack holds a lock of
// Benthos' that all other acks wait for, so it must not wait for two requests.
type removals struct {
	remover Remover
	slots   chan struct{}
}

func newRemovals(r Remover) removals {
	return removals{remover: r, slots: make(chan struct{}, removersAtOnce)}
}

// remove deletes obj unless another version has taken its place, and tells
// failed if it could not. A failed deletion never delivers the object again.
func (r *removals) remove(ctx context.Context, obj bucket.Object, failed func(error)) {
	if r.remover == nil {
		return
	}
	// The ack's context ends with the pipeline; what was acked is deleted still.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	r.slots <- struct{}{}
	go func() {
		defer func() { <-r.slots }()
		defer cancel()
		if err := r.removeNow(ctx, obj); err != nil {
			failed(err)
		}
	}()
}

func (r *removals) removeNow(ctx context.Context, obj bucket.Object) error {
	now, err := r.remover.Head(ctx, obj.Key)
	if errors.Is(err, bucket.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("checking the version before deleting: %w", err)
	}
	if !now.SameVersion(obj) {
		return nil // a newer version was uploaded: it is not ours to delete
	}
	return r.remover.Delete(ctx, obj.Key)
}

// wait returns when no deletion is under way: it takes every slot, and gives
// them back.
func (r *removals) wait(ctx context.Context) error {
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
