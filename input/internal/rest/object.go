package rest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
)

// Open makes one GET of the object, from offset to its end, and never retries it.
// The content's Object is what the answer says it is: compare its ETag and Size
// with the listed ones, because caches and gateways answer for the server. The
// caller closes Body.
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
	content, err := c.caller.Read(ctx, c.as(request{
		op: plane.OpReading, method: http.MethodGet, path: "/object/authenticated", bucket: true, key: key, about: key,
		query: c.fresh(), byteRange: s.Header(),
	}), s)
	if err != nil {
		return nil, c.beyond(ctx, key, s, err)
	}
	content.StaleFor, content.MissingMeta = staleFor, object.NoMeta
	return content, nil
}

// staleFor is how long a CDN may serve the version before: Supabase says up to a
// minute after an overwrite. The rest is for what is slower.
const staleFor = 90 * time.Second

// beyond is the error of a range that begins after the end of the object. Storage
// on an S3 store answers such a range with HTTP 500, as it does when it fails, so
// that the listing decides.
func (c *Client) beyond(ctx context.Context, key string, s plane.Span, err error) error {
	e, ok := errors.AsType[*object.Error](err)
	if !ok || e.Status != http.StatusInternalServerError || s.Header() == "" {
		return err
	}
	now, listed, listErr := c.Listed(ctx, key)
	if listErr != nil || !listed || now.Size > s.Offset {
		return err
	}
	e.Kind = object.ErrRange
	return e
}

// Listed asks the listing for one key, once. It returns the listed version of the
// object, and whether there is one. The listing is the API's own answer and no cache
// keeps it, so it decides when a GET disagrees with it.
func (c *Client) Listed(ctx context.Context, key string) (object.Object, bool, error) {
	p, err := c.page(ctx, key, "", 1)
	if err != nil || len(p.objects) == 0 || p.objects[0].Key != key {
		return object.Object{}, false, err
	}
	o := p.objects[0]
	if o.Odd != "" {
		return o, false, &object.Error{Op: plane.OpListing, Key: key, Kind: object.ErrUnavailable, Err: errors.New("it shows " + o.Odd)}
	}
	return o, true, nil
}

// Delete removes the object. A missing object is no error. The API answers with the
// rows that it deleted; where the object is not among them, the listing decides.
func (c *Client) Delete(ctx context.Context, key string) error {
	body, err := json.Marshal(map[string][]string{"prefixes": {key}})
	if err != nil {
		return err
	}
	r := request{op: plane.OpDeleting, method: http.MethodDelete, path: "/object", bucket: true, body: body, about: key}
	return c.caller.Remove(ctx, key, c.Listed, func(ctx context.Context) (deleted bool, err error) {
		var rows []struct{ Name string }
		err = c.ask(ctx, r, &rows)
		return len(rows) == 1 && rows[0].Name == key, err
	})
}
