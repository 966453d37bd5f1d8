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
)

const (
	opBuckets  = "listing the buckets"
	opAsking   = "asking without credentials"
	opMetadata = "asking for metadata"
)

// bucketsPage is how many buckets are asked for at a time.
const bucketsPage = 100

// Buckets names the buckets that the role may see, in the order of their names: all
// of them for a role that bypasses row level security, and without a policy on
// storage.buckets none for others. Each request is retried under the client's policy.
func (c *Client) Buckets(ctx context.Context) (names []string, err error) {
	for {
		var rows []struct {
			ID string `json:"id"`
		}
		r := request{
			op: opBuckets, method: http.MethodGet, path: "/bucket",
			query: "limit=" + strconv.Itoa(bucketsPage) + "&offset=" + strconv.Itoa(len(names)) + "&sortColumn=id&sortOrder=asc",
		}
		if err := c.caller.Retrying(ctx, opBuckets, func(ctx context.Context) error { return c.ask(ctx, r, &rows) }); err != nil {
			return nil, err
		}
		if len(rows) > 0 && slices.Contains(names, rows[0].ID) {
			return names, nil // an old server, which gives all of them every time
		}
		for _, row := range rows {
			names = append(names, row.ID)
		}
		if len(rows) < bucketsPage {
			return names, nil
		}
	}
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
// none. It is retried under the client's policy.
func (c *Client) UserMetadata(ctx context.Context, key string) (map[string]string, error) {
	var info struct {
		Name     string                     `json:"name"`
		Metadata map[string]json.RawMessage `json:"metadata"`
	}
	r := request{op: opMetadata, method: http.MethodGet, path: "/object/info", bucket: true, key: key, about: key, query: c.fresh()}
	err := c.caller.Retrying(ctx, opMetadata, func(ctx context.Context) error { return c.ask(ctx, r, &info) })
	switch {
	case err != nil:
		return nil, err
	case info.Name != key: // a gateway that merges slashes asks for another object
		return nil, &object.Error{Op: opMetadata, Key: key, Kind: object.ErrMismatch, Err: fmt.Errorf("the answer is about %s", foreign.Key(info.Name))}
	case len(info.Metadata) == 0:
		return nil, nil
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
	return meta, nil
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
