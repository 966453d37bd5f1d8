package rest

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

const opBuckets = "listing the buckets"

// Buckets names the buckets that the role may see, in the order of their names: all
// of them for a role that bypasses row level security, and without a policy on
// storage.buckets none for others. It is retried under the client's policy.
func (c *Client) Buckets(ctx context.Context) (names []string, err error) {
	const page = 100
	for offset := 0; ; offset += page {
		var rows []struct{ ID string }
		r := request{
			op: opBuckets, method: http.MethodGet, path: "/bucket",
			query: "limit=" + strconv.Itoa(page) + "&offset=" + strconv.Itoa(offset) + "&sortColumn=id&sortOrder=asc",
		}
		err := c.caller.Retrying(ctx, opBuckets, func(ctx context.Context) error { return c.ask(ctx, r, &rows) })
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			names = append(names, row.ID)
		}
		if len(rows) < page {
			return names, nil
		}
	}
}

// Answers makes one request without credentials, and without retries, to see
// whether a storage server is at the endpoint: nil if it answered at all, be it with
// a refusal.
func (c *Client) Answers(ctx context.Context) error {
	var rows []struct{}
	err := c.ask(ctx, request{op: "asking without credentials", method: http.MethodGet, path: "/bucket", anonymous: true}, &rows)
	if object.Transient(err) {
		return err
	}
	return nil
}

// UserMetadata asks for the object's own metadata, which this plane does not send
// with the content: one more request for each object. Values that are no text come
// as JSON. Nil if there are none. It is retried under the client's policy.
func (c *Client) UserMetadata(ctx context.Context, key string) (map[string]string, error) {
	var info struct {
		Metadata map[string]any `json:"metadata"`
	}
	r := request{op: "asking for metadata", method: http.MethodGet, path: "/object/info", bucket: true, key: key, query: c.fresh()}
	err := c.caller.Retrying(ctx, r.op, func(ctx context.Context) error { return c.ask(ctx, r, &info) })
	if err != nil || len(info.Metadata) == 0 {
		return nil, err
	}
	meta := make(map[string]string, len(info.Metadata))
	for name, value := range info.Metadata {
		meta[name] = fmt.Sprint(value)
	}
	return meta, nil
}
