package rest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// Page lists up to a thousand objects with the prefix whose keys are greater
// than after, in byte order. More says whether the listing goes on after the last
// of them; the page is never empty then. The page is retried under the client's
// policy.
func (c *Client) Page(ctx context.Context, prefix, after string) (objs []object.Object, more bool, err error) {
	var p page
	err = c.caller.Retrying(ctx, plane.OpListing, func(ctx context.Context) (err error) {
		p, err = c.page(ctx, prefix, after, plane.PageKeys)
		return err
	})
	return p.objects, p.more, err
}

// Probe asks for a single key under prefix, to see whether the host, the
// credentials and the bucket are right. It returns the first object, and whether
// there is one.
func (c *Client) Probe(ctx context.Context, prefix string, policy retry.Policy) (object.Object, bool, error) {
	var p page
	err := policy.Do(ctx, func(ctx context.Context) (err error) {
		p, err = c.page(ctx, prefix, "", 1)
		return err
	}, object.Transient, c.caller.RetryHook(plane.OpListing))
	if err != nil || len(p.objects) == 0 {
		return object.Object{}, false, err
	}
	return p.objects[0], true, nil
}

// query is the body of a request for a page.
type query struct {
	Prefix string `json:"prefix,omitempty"`
	Limit  int    `json:"limit"`
	Cursor string `json:"cursor,omitempty"`
}

// page makes one request.
func (c *Client) page(ctx context.Context, prefix, after string, limit int) (p page, err error) {
	q := query{Prefix: prefix, Limit: limit}
	if after != "" {
		q.Cursor = base64.StdEncoding.EncodeToString([]byte("l:" + after))
	}
	body, err := json.Marshal(q)
	if err != nil {
		return page{}, err
	}
	r := request{op: plane.OpListing, method: http.MethodPost, path: "/object/list-v2", bucket: true, body: body}
	err = c.caller.List(ctx, c.as(r), func(a *plane.Answer, doc []byte) (int, error) {
		if err := p.decode(doc); err != nil {
			return 0, notAPage(err, doc, a)
		}
		return len(p.objects), p.check(prefix, after)
	})
	return p, err
}

// check makes sure that the page is what was asked for.
func (p *page) check(prefix, after string) error {
	if err := plane.Below(p.objects, prefix, placed); err != nil {
		return err
	}
	_, err := plane.Follow(p.objects, after, placed)
	if err == nil && p.more && len(p.objects) == 0 {
		err = errors.New("the listing goes on, but a page of it is empty")
	}
	if err != nil {
		return &object.Error{Op: plane.OpListing, Kind: object.ErrUnavailable, Err: err}
	}
	return nil
}

// placed says that no key may be out of order: JSON can carry every one.
func placed(string) bool { return false }
