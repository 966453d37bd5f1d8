package s3

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
)

// Listed asks the listing for one key, once. It returns the listed version of the
// object, and whether there is one. The listing is the API's own signed answer, so
// it decides when a GET disagrees with it.
func (c *Client) Listed(ctx context.Context, key string) (object.Object, bool, error) {
	l := lister{client: c, cursor: cursor{prefix: key}}
	for more := true; more; {
		if err := l.fetch(ctx, 1); err != nil {
			return object.Object{}, false, err
		}
		if _, err := plane.Follow(l.page.objects, "", unplaced); err != nil {
			return object.Object{}, false, plane.Misled(err) // nothing has vanished that may come later
		}
		// The key itself comes before all longer keys that begin with it.
		for _, o := range l.page.objects {
			if o.Key == key && o.Odd != "" {
				return o, false, &object.Error{Op: plane.OpListing, Key: key, Kind: object.ErrUnavailable, Err: errors.New("it shows " + o.Odd)}
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
	return c.caller.Remove(ctx, key, c.Listed, func(ctx context.Context) (done bool, err error) {
		a, err := c.caller.Do(ctx, c.as(request{op: plane.OpDeleting, method: http.MethodDelete, key: key}))
		if err != nil {
			return false, err
		}
		a.Close()
		return a.StatusCode == http.StatusNoContent, nil
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
	r := request{op: "asking for the region", method: http.MethodGet, query: url.Values{"location": {""}}, region: universalRegion}
	region := ""
	err := c.caller.Document(ctx, c.as(r), func(_ *plane.Answer, doc []byte) error {
		region = decodeLocation(doc)
		return nil
	})
	if errors.Is(err, object.ErrNoBucket) || errors.Is(err, object.ErrDenied) {
		return universalRegion, nil // the signature was good enough for this answer
	}
	if err != nil {
		return "", err
	}
	return cmp.Or(region, universalRegion), nil
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
