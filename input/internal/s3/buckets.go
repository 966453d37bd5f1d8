package s3

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
)

const opBuckets = "listing the buckets"

// mostBuckets bounds a list that does not end: ten times the quota of buckets that an
// account of AWS begins with.
const mostBuckets = 100_000

// Buckets names the buckets that the role may see, in the server's order: all of
// them for a role that bypasses row level security, and without a policy on
// storage.buckets none for others. Each request is retried under the client's policy.
func (c *Client) Buckets(ctx context.Context) (names []string, err error) {
	token := ""
	for {
		var page []string
		var next string
		err = c.caller.Retrying(ctx, opBuckets, func(ctx context.Context) error {
			page, next, err = c.bucketPage(ctx, token)
			return err
		})
		if err != nil {
			return nil, err
		}
		names = append(names, page...)
		switch {
		case next == "":
			return names, nil
		case next == token, len(page) == 0, len(names) > mostBuckets:
			return nil, &object.Error{Op: opBuckets, Kind: object.ErrUnavailable, Err: errBucketsEndless}
		}
		token = next
	}
}

var errBucketsEndless = errors.New("the list of buckets does not end")

// bucketPage asks for one page. Supabase gives all buckets at once; stores that give
// pages say how to go on.
func (c *Client) bucketPage(ctx context.Context, token string) (names []string, next string, err error) {
	r := request{op: opBuckets, method: http.MethodGet, service: true}
	if token != "" {
		r.query = url.Values{"continuation-token": {token}}
	}
	err = c.caller.Document(ctx, c.as(r), func(a *plane.Answer, doc []byte) (err error) {
		if names, next, err = decodeBuckets(doc); err != nil {
			return &object.Error{
				Op: opBuckets, Kind: object.ErrUnavailable, Status: a.StatusCode,
				Err: foreign.NewAnswer(object.ErrNotS3, a.Response, doc, a.Secrets()...),
			}
		}
		return nil
	})
	return names, next, err
}

// decodeBuckets reads the names in a ListAllMyBucketsResult, and how to go on, "" at
// the end.
func decodeBuckets(doc []byte) (names []string, next string, err error) {
	s := xmlScanner{b: doc}
	root, ok, err := s.next()
	if err != nil || !ok || root.closing || string(root.name) != "ListAllMyBucketsResult" {
		return nil, "", errNotAList
	}
	if root.empty {
		return nil, "", nil
	}
	for {
		tag, ok, err := s.next()
		switch {
		case err != nil:
			return nil, "", err
		case !ok:
			return nil, "", errXMLCut
		case tag.closing && string(tag.name) == "ListAllMyBucketsResult":
			return names, next, nil
		case tag.closing && string(tag.name) == "Name": // only a bucket has one
			names = append(names, tag.text())
		case tag.closing && string(tag.name) == "ContinuationToken":
			next = tag.text()
		}
	}
}
