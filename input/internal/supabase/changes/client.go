package changes

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/api"
)

// ErrUnsupported means that this server does not list by the time of change, or
// not for these credentials. It is a cause beneath an [object.Error], and asking
// again soon does not help.
var ErrUnsupported = errors.New("changes cannot be asked for")

// ErrNoToken is the ErrUnsupported of credentials without a JWT or an API key.
var ErrNoToken = errors.New("these credentials have no JWT and no API key, of which the REST API needs one")

// attempts bounds how often one request is made: a full listing is always a way
// out.
const attempts = 3

// Options say where the bucket is.
type Options struct {
	// Endpoint is that of the S3 protocol, with /s3 at its end, or that of the REST
	// API next to it, which ends with /storage/v1.
	Endpoint string
	// Bucket is the bucket's name.
	Bucket string
	// Credentials is asked before every request, so it must be cheap. Those without
	// a session token or an API key have no access to the REST API.
	Credentials func(context.Context) (object.Credentials, error)

	// TLS is the configuration of the client's own transport, nil for the
	// system's defaults.
	TLS *tls.Config
	// Transport replaces the client's own transport, and with it TLS and
	// ConnectTimeout. Nil is the usual case.
	Transport http.RoundTripper
	// ConnectTimeout bounds the dialling of one connection, and once more its
	// TLS handshake. Zero is no limit.
	ConnectTimeout time.Duration
	// Timeout bounds one request with its whole answer. Zero is no limit.
	Timeout time.Duration
	// Gate holds the requests back for as long as the server asks for
	// (Retry-After). The clients of one host share one; nil is one of its own.
	Gate *retry.Gate
	// Turn returns when a page may be asked for, once, until leave is called; nil is
	// always.
	Turn func(context.Context) (leave func(), err error)
	// Retry says how long the pauses between attempts are. Its MaxAttempts is
	// cut to a few.
	Retry retry.Policy

	// OnRetry hears of every failure that is followed by another attempt. Like
	// OnPage it may be nil.
	OnRetry func(err error)
	// OnPage hears how long a page took and how many rows it had.
	OnPage func(d time.Duration, rows int)
}

// Client asks for the changes of one bucket. It is safe for concurrent use.
type Client struct {
	o    Options
	path string
	api  *api.Client
}

// New checks the endpoint and returns a client; no request is made.
func New(o Options) (*Client, error) {
	base, ok := strings.CutSuffix(strings.TrimRight(o.Endpoint, "/"), "/s3")
	u, err := url.Parse(base)
	if !ok && !strings.HasSuffix(base, "/storage/v1") || err != nil || u.Host == "" {
		return nil, fmt.Errorf("%w: the endpoint ends neither with /s3 nor with /storage/v1, so the address of the REST API is not known", ErrUnsupported)
	}
	o.Retry.MaxAttempts = min(o.Retry.MaxAttempts, attempts)
	if o.Gate == nil {
		o.Gate = new(retry.Gate)
	}
	return &Client{o: o, path: "/object/list-v2/" + url.PathEscape(o.Bucket), api: api.New(api.Options{
		Base: base, Storage: true, TLS: o.TLS, Transport: o.Transport, MaxIdle: 1, // one request at a time
		ConnectTimeout: o.ConnectTimeout, Timeout: o.Timeout, Gate: o.Gate,
	})}, nil
}

// Close drops the idle connections. The client can still be used.
func (c *Client) Close() { c.api.Close() }

// Newest returns when the row with the prefix changed that changed last, by the
// server's clock, and zero where the role sees none.
func (c *Client) Newest(ctx context.Context, prefix string) (time.Time, error) {
	p, err := c.page(ctx, query{Prefix: prefix, Limit: 1, SortBy: &sortBy{"updated_at", "desc"}})
	if err != nil || len(p.objects) == 0 {
		return time.Time{}, err
	}
	return p.objects[0].LastModified, nil
}

// Since yields the objects with the prefix whose rows changed at since or
// later, by the server's clock, oldest first and up to 1000 at a time. Times are
// in milliseconds. An object that changes meanwhile may come twice, as two
// versions, but never twice at a time. The last element may be an error; without
// one, all were shown that were visible when Since was asked for them.
func (c *Client) Since(ctx context.Context, prefix string, since time.Time) iter.Seq2[[]object.Object, error] {
	return func(yield func([]object.Object, error) bool) {
		w := newWalk(since)
		for w.more {
			p, err := c.page(ctx, query{Prefix: prefix, Limit: pageRows, Cursor: w.cursor})
			var fresh []object.Object
			if err == nil {
				fresh, err = w.take(p)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if len(fresh) > 0 && !yield(fresh, nil) {
				return
			}
		}
	}
}
