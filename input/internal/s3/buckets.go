package s3

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

const opBuckets = "listing the buckets"

// Buckets names the buckets that the role may see, in the server's order: all of
// them for a role that bypasses row level security, and without a policy on
// storage.buckets none for others. It is retried under the client's policy.
func (c *Client) Buckets(ctx context.Context) (names []string, err error) {
	err = c.retrying(ctx, opBuckets, func(ctx context.Context) error {
		a, err := c.do(ctx, request{op: opBuckets, method: http.MethodGet, service: true})
		if err != nil {
			return err
		}
		defer a.close()
		var doc bytes.Buffer
		b := &body{op: opBuckets, answer: a, due: a.ContentLength}
		if _, err := io.Copy(&doc, io.LimitReader(b, maxPage)); err != nil {
			return err
		}
		if names, err = decodeBuckets(doc.Bytes()); err != nil {
			return &object.Error{
				Op: opBuckets, Kind: object.ErrUnavailable, Status: a.StatusCode,
				Err: foreign.NewAnswer(object.ErrNotS3, a.Response, doc.Bytes(), a.cred.Secrets()...),
			}
		}
		return nil
	})
	return names, err
}

// decodeBuckets reads the names in a ListAllMyBucketsResult.
func decodeBuckets(doc []byte) (names []string, err error) {
	s := xmlScanner{b: doc}
	root, ok, err := s.next()
	if err != nil || !ok || root.closing || string(root.name) != "ListAllMyBucketsResult" {
		return nil, errNotAList
	}
	if root.empty {
		return nil, nil
	}
	for {
		tag, ok, err := s.next()
		switch {
		case err != nil:
			return nil, err
		case !ok:
			return nil, errXMLCut
		case tag.closing && string(tag.name) == "ListAllMyBucketsResult":
			return names, nil
		case tag.closing && string(tag.name) == "Name": // only a bucket has one
			names = append(names, tag.text())
		}
	}
}
