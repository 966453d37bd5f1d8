package plane

import (
	"context"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// OpMoving and OpCopying are the Ops of errors of a move: over the Storage API it is
// one request, with S3 access keys the copy is its first half.
const (
	OpMoving  = "moving"
	OpCopying = "copying"
)

// Held makes one request, once Hold lets it.
func (c *Caller) Held(ctx context.Context, f func(context.Context) error) error {
	if c.o.Hold != nil {
		if err := c.o.Hold(ctx); err != nil {
			return err
		}
	}
	return f(ctx)
}

// Moved is what one request of a move did.
type Moved struct {
	// Whole says that the object was moved; otherwise it was copied, and its source is
	// still to be deleted.
	Whole bool
	// ETag is that of the copy, as the answer says; "" where it does not.
	ETag string
}

// Mover moves objects within the bucket.
type Mover interface {
	// Move makes one request that moves, or copies, the version of an object to another
	// key, and never retries it. It says nothing of what is there now: ask the listing.
	Move(ctx context.Context, from object.Object, to string) (Moved, error)
}
