package s3

import (
	"context"
	"iter"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// Range is a part of a bucket for [Client.List].
type Range struct{ Prefix, After string }

// List goes from page to page as the listing room does, for tests of what many
// pages make together.
func (c *Client) List(ctx context.Context, r Range) iter.Seq2[object.Object, error] {
	return func(yield func(object.Object, error) bool) {
		for after, more := r.After, true; more; {
			objs, m, err := c.Page(ctx, r.Prefix, after)
			if err != nil {
				yield(object.Object{}, err)
				return
			}
			for _, o := range objs {
				if !unplaced(o.Key) {
					after = o.Key
				}
				if !yield(o, nil) {
					return
				}
			}
			more = m
		}
	}
}
