package plane

import (
	"context"
	"errors"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// OpDeleting is the Op of errors of a deletion.
const OpDeleting = "deleting"

// Remove runs remove under the client's policy. Where it is not sure that the object
// is gone, or was never there, the listing decides.
func (c *Caller) Remove(
	ctx context.Context, key string,
	listed func(context.Context, string) (object.Object, bool, error),
	remove func(context.Context) (sure bool, err error),
) error {
	return c.Retrying(ctx, OpDeleting, func(ctx context.Context) error {
		sure, err := remove(ctx)
		if sure || err != nil && !errors.Is(err, object.ErrNotFound) {
			return err
		}
		if _, there, err := listed(ctx, key); err != nil || !there {
			return err
		}
		return &object.Error{Op: OpDeleting, Key: key, Kind: object.ErrUnavailable, Message: "it is still listed"}
	})
}
