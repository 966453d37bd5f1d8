package s3

import (
	"context"
	"net/http"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
)

const opBuckets = "listing the buckets"

// Buckets names the buckets that the role may see, in the server's order: all of
// them for a role that bypasses row level security, and without a policy on
// storage.buckets none for others. It is retried under the client's policy.
func (c *Client) Buckets(ctx context.Context) (names []string, err error) {
	r := request{op: opBuckets, method: http.MethodGet, service: true}
	err = c.caller.Retrying(ctx, opBuckets, func(ctx context.Context) error {
		return c.caller.Document(ctx, c.as(r), func(a *plane.Answer, doc []byte) (err error) {
			if names, err = decodeBuckets(doc); err != nil {
				return &object.Error{
					Op: opBuckets, Kind: object.ErrUnavailable, Status: a.StatusCode,
					Err: foreign.NewAnswer(object.ErrNotS3, a.Response, doc, a.Secrets()...),
				}
			}
			return nil
		})
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
