package s3

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/wire"
)

// Options say where the bucket is and how patient the client is.
type Options struct {
	// Endpoint is the base URL that the bucket's name is appended to, such as
	// https://<ref>.supabase.co/storage/v1/s3. A trailing slash is harmless.
	Endpoint string
	// Region is the region that requests are signed for, unless the credentials
	// name another one.
	Region string
	// Bucket is the bucket's name.
	Bucket string
	// Credentials is asked before every request, so it must be cheap.
	Credentials func(context.Context) (object.Credentials, error)
	// Renew is called when the server has refused the credentials. If it reports
	// true, the request is made again with what Credentials returns then. An error
	// replaces the refusal. Nil if the credentials never change.
	Renew func(ctx context.Context, rejected object.Credentials) (renewed bool, err error)
	// RenewalHelps reports whether Renew may help against a refusal; nil means
	// always.
	RenewalHelps func(error) bool

	// TLS is the configuration of the client's own transport, nil for the
	// system's defaults.
	TLS *tls.Config
	// Transport replaces the client's own transport, and with it TLS,
	// ConnectTimeout and MaxConns. Nil is the usual case.
	Transport http.RoundTripper

	// ConnectTimeout bounds dialling a connection, and separately its TLS
	// handshake. Zero is no limit.
	ConnectTimeout time.Duration
	// ResponseTimeout bounds the wait for the response's headers, once the
	// request is sent. Zero is no limit.
	ResponseTimeout time.Duration
	// IdleTimeout is how long Read waits for the next bytes of a body. The time
	// between reads does not count. Zero is no limit.
	IdleTimeout time.Duration
	// MaxConns is the number of idle connections that are kept, at least 16. It
	// should be the number of simultaneous downloads and listers.
	MaxConns int
	// Retry is for listing and DELETE. GET is never retried here, since only its
	// caller knows how much of the body it has.
	Retry retry.Policy
	// Gate holds all requests back for as long as the endpoint asks for
	// (Retry-After). Clients of one endpoint share one; nil makes a new one.
	Gate *retry.Gate

	// Hold is called before each attempt that is retried here, and returns once the
	// endpoint may be asked. Its error ends the attempts. Nil never waits.
	Hold func(ctx context.Context) error

	// OnRetry is called for every failure that is followed by another attempt.
	// Like the other hooks it may be nil and must be safe for concurrent use.
	OnRetry func(op string, err error)
	// OnListPage is called with how long a listed page took and how many keys it
	// had.
	OnListPage func(d time.Duration, keys int)
	// OnFirstByte is called with how long the headers of a GET took.
	OnFirstByte func(d time.Duration)
}

// Client reads one bucket. It is safe for concurrent use.
type Client struct {
	o         Options
	base      url.URL // of the bucket; its paths never end in a slash
	transport http.RoundTripper
	signer    signer
	// headerLimit is how long the headers of an answer may take; zero if the
	// transport enforces that limit.
	headerLimit time.Duration
}

// New checks the endpoint and returns a client; no request is made.
func New(o Options) (*Client, error) {
	base, err := bucketURL(o.Endpoint, o.Bucket)
	if err != nil {
		return nil, err
	}
	if o.Credentials == nil {
		return nil, errors.New("building the bucket client: no credentials")
	}
	if o.Gate == nil {
		o.Gate = new(retry.Gate)
	}
	c := &Client{o: o, base: base, transport: o.Transport, headerLimit: o.ResponseTimeout}
	if c.transport == nil {
		c.transport, c.headerLimit = newTransport(o), 0
	}
	return c, nil
}

// minIdleConns is far above Go's default of 2 per host, with which most
// requests would dial.
const minIdleConns = 16

func newTransport(o Options) *http.Transport {
	t := wire.New(o.TLS, o.ConnectTimeout, max(o.MaxConns, minIdleConns))
	t.ResponseHeaderTimeout = o.ResponseTimeout
	return t
}

// Close drops the idle connections. The client can still be used.
func (c *Client) Close() {
	if t, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// bucketURL parses the endpoint and appends the bucket's name. The default port
// is dropped, because the signature covers the host as it is sent.
func bucketURL(endpoint, name string) (url.URL, error) {
	if name == "" {
		return url.URL{}, errors.New("building the bucket client: no bucket name")
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return url.URL{}, fmt.Errorf("parsing the endpoint: %w", err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return url.URL{}, fmt.Errorf("endpoint %q: want http:// or https:// and a host", u.Redacted())
	}
	host := u.Host
	switch {
	case u.Scheme == "http":
		host = strings.TrimSuffix(host, ":80")
	case u.Scheme == "https":
		host = strings.TrimSuffix(host, ":443")
	}
	return url.URL{
		Scheme:  u.Scheme,
		Host:    host,
		Path:    strings.TrimRight(u.Path, "/") + "/" + name,
		RawPath: strings.TrimRight(u.EscapedPath(), "/") + "/" + escapePath(name),
	}, nil
}
