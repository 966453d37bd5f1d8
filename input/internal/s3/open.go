package s3

import (
	"context"
	"net/http"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
)

// Open makes one GET of the object, from offset to its end, and never retries
// it. The content's Object is what the answer says it is: compare its ETag and
// Size with the listed ones, because gateways answer for the server, and the
// server ignores If-Match. An endpoint without range support sends the object from
// its first byte; the content's Offset shows that. The caller closes Body.
func (c *Client) Open(ctx context.Context, key string, offset int64) (*object.Content, error) {
	return c.get(ctx, key, plane.From(offset))
}

// OpenRange is like [Client.Open] but ends after length bytes, or at the end of
// the object. The length must be positive.
func (c *Client) OpenRange(ctx context.Context, key string, offset, length int64) (*object.Content, error) {
	s, err := plane.Between(key, offset, length)
	if err != nil {
		return nil, err
	}
	return c.get(ctx, key, s)
}

func (c *Client) get(ctx context.Context, key string, s plane.Span) (*object.Content, error) {
	return c.caller.Read(ctx, c.as(request{op: plane.OpReading, method: http.MethodGet, key: key, byteRange: s.Header()}), s)
}
