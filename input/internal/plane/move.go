package plane

import "context"

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
