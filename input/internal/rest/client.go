package rest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/input/internal/wire"
)

// Client reads one bucket. It is safe for concurrent use.
type Client struct {
	caller *plane.Caller
	bucket string
	base   url.URL // of the REST API; its paths never end in a slash
	nonce  atomic.Int64
}

var _ plane.Client = (*Client)(nil)

// New checks the endpoint and returns a client; no request is made. The endpoint is
// the address of the REST API, such as https://<ref>.supabase.co/storage/v1, or that
// of the S3 protocol, which is the same with /s3 at its end.
func New(o plane.Options) (*Client, error) {
	caller, err := plane.NewCaller(o, refusal)
	if err != nil {
		return nil, err
	}
	base, err := plane.BaseURL(strings.TrimSuffix(strings.TrimRight(o.Endpoint, "/"), "/s3"))
	if err != nil {
		return nil, err
	}
	c := &Client{caller: caller, bucket: o.Bucket, base: base}
	c.nonce.Store(time.Now().UnixNano())
	return c, nil
}

// Close drops the idle connections. The client can still be used.
func (c *Client) Close() { c.caller.Close() }

// request is what one call wants.
type request struct {
	op     string // the gerund of the errors
	method string
	// path follows the base, and names the route: it needs no escaping.
	path string
	// bucket says that the bucket's name follows the path, and key, unless empty,
	// that of the object.
	bucket bool
	key    string
	query  string
	body   []byte // JSON
	// about is the object of the errors, "" for a request about the bucket.
	about     string
	byteRange string
	// anonymous leaves the keys away.
	anonymous bool
}

// as is the request as its plane sees it.
func (c *Client) as(r request) plane.Request {
	return plane.Request{
		Op: r.op, Key: r.about, Anonymous: r.anonymous,
		Build: func(ctx context.Context, cred object.Credentials) (*http.Request, error) {
			return c.build(ctx, r, cred), nil
		},
	}
}

// build makes the request by hand: parsing a URL for every object would cost more
// than the rest of it.
func (c *Client) build(ctx context.Context, r request, cred object.Credentials) *http.Request {
	u := c.base
	path, raw := r.path, r.path
	if r.bucket {
		path, raw = path+"/"+c.bucket, raw+"/"+plane.EscapePath(c.bucket)
	}
	if r.key != "" {
		path, raw = path+"/"+r.key, raw+"/"+plane.EscapePath(r.key)
	}
	u.Path, u.RawPath, u.RawQuery = u.Path+path, u.RawPath+raw, r.query
	req := (&http.Request{
		Method:     r.method,
		URL:        &u,
		Host:       u.Host,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     make(http.Header, 6),
	}).WithContext(ctx)
	req.Header["User-Agent"] = userAgentHeader
	req.Header["Accept-Encoding"] = identityHeader
	if r.body != nil {
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(r.body)), int64(len(r.body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.body)), nil }
		req.Header["Content-Type"] = jsonHeader
	}
	if r.byteRange != "" {
		req.Header["Range"] = []string{r.byteRange}
	}
	authorize(req.Header, cred)
	return req
}

// authorize adds the keys. A key that is no JWT goes into apikey alone: as a Bearer
// no server accepts it.
func authorize(h http.Header, cred object.Credentials) {
	if cred.APIKey != "" {
		h["Apikey"] = []string{cred.APIKey}
	}
	if cred.SessionToken != "" {
		h["Authorization"] = []string{"Bearer " + cred.SessionToken}
	}
}

// The constant header values, shared by all requests and never written to.
var (
	userAgentHeader = []string{wire.UserAgent}
	identityHeader  = []string{"identity"}
	jsonHeader      = []string{"application/json"}
)

// fresh is a query that no request had before, so that a cache between here and the
// server, which may hold the version before, has no answer to it.
func (c *Client) fresh() string {
	return "cacheNonce=" + strconv.FormatInt(c.nonce.Add(1), 36)
}
