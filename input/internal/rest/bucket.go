package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
)

const (
	opBuckets  = "listing the buckets"
	opAsking   = "asking without credentials"
	opMetadata = "asking for metadata"
)

// bucketsPage is how many buckets are asked for at a time.
const bucketsPage = 100

// mostBuckets bounds a list that does not end. It is a hundred times what the Dashboard
// of Supabase shows.
const mostBuckets = 100_000

// relistings is how often the list is read again from its start, because a bucket came
// or went while it was read.
const relistings = 5

// Buckets names the buckets that the role may see, in the order of their names: all
// of them for a role that bypasses row level security, and without a policy on
// storage.buckets none for others. Each request is retried under the client's policy.
func (c *Client) Buckets(ctx context.Context) (names []string, err error) {
	for range relistings {
		names, err = c.listBuckets(ctx)
		if !errors.Is(err, errBucketsMoved) {
			break
		}
	}
	return names, err
}

var (
	errBucketsMoved   = errors.New("the list of buckets changed each time while it was read")
	errBucketsEndless = errors.New("the list of buckets does not end")
)

// listBuckets reads the list once. Pages go by the place in the list, and a bucket that
// goes in the meantime moves the others: so each page begins with the last bucket of the
// page before, and where it does not, the list is no list.
func (c *Client) listBuckets(ctx context.Context) (names []string, err error) {
	for {
		rows, err := c.bucketPage(ctx, max(len(names)-1, 0))
		switch {
		case err != nil:
			return nil, err
		case len(names) == 0 && len(rows) != bucketsPage:
			return rows, nil // fewer, or all at once from a server that knows no pages
		case len(names) == 0:
			names = rows
			continue
		case slices.Equal(rows, names):
			return names, nil // such a server, with a page of buckets
		case len(rows) == 0 || rows[0] != names[len(names)-1]:
			return nil, &object.Error{Op: opBuckets, Kind: object.ErrUnavailable, Err: errBucketsMoved}
		}
		names = append(names, rows[1:]...)
		switch {
		case len(rows) < bucketsPage:
			return names, nil
		case len(names) > mostBuckets || rows[0] == rows[len(rows)-1]:
			return nil, &object.Error{Op: opBuckets, Kind: object.ErrUnavailable, Err: errBucketsEndless}
		}
	}
}

// bucketPage asks for the buckets from a place in the list on.
func (c *Client) bucketPage(ctx context.Context, offset int) (names []string, err error) {
	var rows []struct {
		ID string `json:"id"`
	}
	r := request{
		op: opBuckets, method: http.MethodGet, path: "/bucket",
		query: "limit=" + strconv.Itoa(bucketsPage) + "&offset=" + strconv.Itoa(offset) + "&sortColumn=id&sortOrder=asc",
	}
	err = c.caller.Retrying(ctx, opBuckets, func(ctx context.Context) error { return c.ask(ctx, r, &rows) })
	for _, row := range rows {
		names = append(names, row.ID)
	}
	return names, err
}

// Answers makes one request without credentials, and without retries, to see
// whether Storage is at the endpoint: nil if it answered at all, or the gateway that
// checks its keys, be it with a refusal. It is an error that the server says to
// serve no such project.
func (c *Client) Answers(ctx context.Context) error {
	err := c.ask(ctx, request{op: opAsking, method: http.MethodGet, path: "/bucket", anonymous: true}, &[]struct{}{})
	e, refused := errors.AsType[*object.Error](err)
	if !refused || errors.Is(err, object.ErrForeign) || object.Transient(err) || e.Code == "TenantNotFound" || e.Status == http.StatusNotFound {
		return err
	}
	return nil
}

// UserMetadata asks for the object's own metadata, which this plane does not send
// with the content: one more request for each object. Names are in lower case, as
// over the S3 protocol, and values that are no text come as JSON. Nil if there are
// none. The ETag is that of the version that the metadata is of, as a listing shows
// it. It is retried under the client's policy.
func (c *Client) UserMetadata(ctx context.Context, key string) (metadata map[string]string, etag string, err error) {
	var info struct {
		Name     string                     `json:"name"`
		ETag     string                     `json:"etag"`
		Metadata map[string]json.RawMessage `json:"metadata"`
	}
	r := request{op: opMetadata, method: http.MethodGet, path: "/object/info", bucket: true, key: key, about: key, query: c.fresh()}
	err = c.caller.Retrying(ctx, opMetadata, func(ctx context.Context) error { return c.ask(ctx, r, &info) })
	switch {
	case err != nil:
		return nil, "", err
	case info.Name != key: // a gateway that merges slashes asks for another object
		return nil, "", &object.Error{Op: opMetadata, Key: key, Kind: object.ErrMismatch, Err: fmt.Errorf("the answer is about %s", foreign.Key(info.Name))}
	}
	etag = plane.TrimETag(info.ETag)
	if len(info.Metadata) == 0 {
		return nil, etag, nil
	}
	meta := make(map[string]string, len(info.Metadata))
	for _, name := range slices.Sorted(maps.Keys(info.Metadata)) {
		value := textOf(info.Metadata[name])
		name = strings.ToLower(name)
		if before, twice := meta[name]; twice {
			value = before + "," + value // as a header that comes twice
		}
		meta[name] = value
	}
	return meta, etag, nil
}

// textOf is a value as text.
func textOf(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil && value[0] == '"' {
		return text
	}
	var compact bytes.Buffer
	if json.Compact(&compact, value) != nil {
		return string(value)
	}
	return compact.String()
}
