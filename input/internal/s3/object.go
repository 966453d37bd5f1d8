package s3

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/api"
)

const opDeleting = "deleting"

// Listed asks the listing for one key, once. It returns the listed version of the
// object, and whether there is one. The listing is the API's own signed answer, so
// it decides when a GET disagrees with it.
func (c *Client) Listed(ctx context.Context, key string) (object.Object, bool, error) {
	l := lister{client: c, cursor: cursor{prefix: key}}
	for more := true; more; {
		if err := l.fetch(ctx, 1); err != nil {
			return object.Object{}, false, err
		}
		// The key itself comes before all longer keys that begin with it.
		for _, o := range l.page.objects {
			if o.Key == key && o.Odd != "" {
				return o, false, &object.Error{Op: opListing, Key: key, Kind: object.ErrUnavailable, Err: errors.New("it shows " + o.Odd)}
			}
			if o.Key == key {
				return o, true, nil
			}
			if !unplaced(o.Key) {
				return object.Object{}, false, nil
			}
		}
		var err error
		if more, err = l.cursor.advance(&l.page); err != nil {
			return object.Object{}, false, err
		}
	}
	return object.Object{}, false, nil
}

// Delete removes the object. A missing object is no error. The API answers with
// 204; any other answer is checked against the listing.
func (c *Client) Delete(ctx context.Context, key string) error {
	return c.retrying(ctx, opDeleting, func(ctx context.Context) error {
		a, err := c.do(ctx, request{op: opDeleting, method: http.MethodDelete, key: key})
		switch {
		case err == nil:
			status := a.StatusCode
			a.close()
			if status == http.StatusNoContent {
				return nil
			}
		case !errors.Is(err, object.ErrNotFound):
			return err
		}
		if _, listed, err := c.Listed(ctx, key); err != nil || !listed {
			return err
		}
		return &object.Error{Op: opDeleting, Key: key, Kind: object.ErrUnavailable, Message: "it is still listed"}
	})
}

// universalRegion is a region that Supabase accepts whatever its own region is,
// unless it is configured to insist on its own.
const universalRegion = "us-east-1"

// Region asks which region the server is in. The request is signed for a region
// that Supabase always accepts, so it does not fail because of a wrong region, and
// a nil error means that key and secret are right. If this role may not see the
// server's region, Region returns the region that the server has just accepted.
func (c *Client) Region(ctx context.Context) (string, error) {
	const op = "asking for the region"
	a, err := c.do(ctx, request{op: op, method: http.MethodGet, query: url.Values{"location": {""}}, region: universalRegion})
	if errors.Is(err, object.ErrNoBucket) || errors.Is(err, object.ErrDenied) {
		return universalRegion, nil // the signature was good enough for this answer
	}
	if err != nil {
		return "", err
	}
	defer a.close()
	var doc bytes.Buffer
	b := &body{op: op, answer: a, due: a.ContentLength}
	if _, err := io.Copy(&doc, io.LimitReader(b, api.MaxRefusal)); err != nil {
		return "", err
	}
	return cmp.Or(decodeLocation(doc.Bytes()), universalRegion), nil
}

// decodeLocation reads a LocationConstraint. Any other document gives "".
func decodeLocation(doc []byte) string {
	s := xmlScanner{b: doc}
	root, ok, err := s.next()
	if err != nil || !ok || root.empty || root.closing || string(root.name) != "LocationConstraint" {
		return ""
	}
	end, err := s.element()
	if err != nil {
		return ""
	}
	return foreign.Code(end.text()) // a region is a simple word
}
