package s3bucket

import (
	"context"
	"iter"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
)

// Range is a part of a bucket for [Client.List].
type Range struct{ Prefix, After string }

// List goes from page to page as the listing room does, for tests of what many
// pages make together.
func (c *Client) List(ctx context.Context, r Range) iter.Seq2[bucket.Object, error] {
	return func(yield func(bucket.Object, error) bool) {
		for after, more := r.After, true; more; {
			objs, m, err := c.Page(ctx, r.Prefix, after)
			if err != nil {
				yield(bucket.Object{}, err)
				return
			}
			for _, o := range objs {
				if !displaced(o.Key) {
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
