package s3bucket

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
)

const (
	opInspecting = "inspecting"
	opDeleting   = "deleting"
)

// Head returns the object's current version without its content. Where
// the content is missing from the store, the server still answers: only a GET
// tells.
func (c *Client) Head(ctx context.Context, key string) (bucket.Object, error) {
	var o bucket.Object
	err := c.retrying(ctx, opInspecting, func(ctx context.Context) (err error) {
		before, _ := c.o.Credentials(ctx) // the HEAD tells what is wrong with them
		o, err = c.head(ctx, key)
		if !errors.Is(err, bucket.ErrDenied) {
			return err
		}
		renewed, reason := c.whyDenied(ctx, key, before)
		if renewed {
			o, err = c.head(ctx, key)
			return err
		}
		return cmp.Or(reason, err)
	})
	return o, err
}

func (c *Client) head(ctx context.Context, key string) (bucket.Object, error) {
	a, err := c.do(ctx, request{op: opInspecting, method: http.MethodHead, key: key})
	if err != nil {
		return bucket.Object{}, err
	}
	defer a.close()
	return bucket.Object{Key: key, ETag: trimETag(a.Header.Get("Etag")), Size: max(a.ContentLength, 0), LastModified: httpTime(a.Header)}, nil
}

// whyDenied finds out why a HEAD was forbidden. Its answer has no body, so that
// an expired token looks like an object one may not see; a GET of one byte has
// one. It may renew the credentials, and then reports that they are no longer
// those from before the HEAD. The reason is nil where it is the object alone.
func (c *Client) whyDenied(ctx context.Context, key string, before bucket.Credentials) (renewed bool, reason error) {
	a, err := c.do(ctx, request{op: opInspecting, method: http.MethodGet, key: key, byteRange: "bytes=0-0"})
	if err == nil {
		a.close()
		return !a.cred.SameKeys(before), nil
	}
	if errors.Is(err, bucket.ErrCredentials) || bucket.Transient(err) || ctx.Err() != nil {
		return false, err
	}
	return false, nil
}

// Delete removes the object. An object that is not there is no error.
func (c *Client) Delete(ctx context.Context, key string) error {
	return c.retrying(ctx, opDeleting, func(ctx context.Context) error {
		a, err := c.do(ctx, request{op: opDeleting, method: http.MethodDelete, key: key})
		if errors.Is(err, bucket.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		a.close()
		return nil
	})
}

// universalRegion is accepted by Supabase whatever the server's own region is,
// unless it was set up to insist.
const universalRegion = "us-east-1"

// Region asks which region the server is in, with a request that is signed for
// one that Supabase always accepts: a wrong region alone does not make it fail.
// A nil error therefore means that key and secret are right. Where the server
// does not tell its region to this role, the one that it has just accepted is
// returned.
func (c *Client) Region(ctx context.Context) (string, error) {
	const op = "asking for the region"
	a, err := c.do(ctx, request{op: op, method: http.MethodGet, query: url.Values{"location": {""}}, region: universalRegion})
	if errors.Is(err, bucket.ErrNoBucket) || errors.Is(err, bucket.ErrDenied) {
		return universalRegion, nil // the signature was good enough for this answer
	}
	if err != nil {
		return "", err
	}
	defer a.close()
	var doc bytes.Buffer
	b := &body{op: op, answer: a, due: a.ContentLength}
	if _, err := io.Copy(&doc, io.LimitReader(b, maxErrorDocument)); err != nil {
		return "", err
	}
	return cmp.Or(decodeLocation(doc.Bytes()), universalRegion), nil
}

// decodeLocation reads a LocationConstraint, "" where it is none.
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
