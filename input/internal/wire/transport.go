package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
)

// MaxHead is how large the headers of an answer may be, in bytes. S3 allows 2 KB
// of metadata, Supabase does not limit it; 256 requests at a time with Go's own
// limit of 10 MB each would be the memory of a whole machine.
const MaxHead = 256 << 10

// UserAgent is what every client calls itself. It is never signed.
const UserAgent = "supabase_storage (Redpanda Connect input)"

const (
	// keepIdle is less than the 61 s after which the Storage server closes a
	// connection, so that a request seldom meets one that is just being closed.
	keepIdle = 55 * time.Second
	// maxDials is how many connections one transport opens at a time. A window of
	// downloads that opens would otherwise dial a hundred at once, which servers and
	// the queues in front of them handle badly; and most requests that wait for a
	// connection get one that another request has finished with.
	maxDials = 16
	// maxSessions is how many hosts' TLS sessions are remembered. An input that polls each
	// minute opens a new connection for each poll, because keepIdle is shorter. Resuming a
	// TLS session saves sending and verifying the server's certificates. An organization has a host for each project, and each session takes a few kilobytes.
	maxSessions = 4096
)

// dialFunc is the type of http.Transport.DialContext.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// fewAtATime bounds how many calls of dial run at the same time.
func fewAtATime(dial dialFunc) dialFunc {
	places := make(chan struct{}, maxDials)
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		defer func() { <-places }()
		return dial(ctx, network, address)
	}
}

// New returns a transport for HTTP/1.1 that asks for no compression and keeps
// so many idle connections to a host; it keeps none for 0. Conf is nil for the
// system's defaults. Connect bounds the dialling of a connection, and once more its
// TLS handshake; zero is no limit.
//
// It is HTTP/1.1, with a connection for each request: with HTTP/2 all bodies would
// share one connection's window, stall together on a lost packet, and die
// together.
func New(conf *tls.Config, connect time.Duration, idle int) *http.Transport {
	if conf == nil {
		conf = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	conf = conf.Clone()
	if conf.ClientSessionCache == nil {
		conf.ClientSessionCache = tls.NewLRUClientSessionCache(maxSessions)
	}
	dial := fewAtATime((&net.Dialer{Timeout: connect}).DialContext)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	t := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		OnProxyConnectResponse: proxyAnswered,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return frame(conn), nil
		},
		TLSClientConfig:     conf,
		TLSHandshakeTimeout: connect,
		Protocols:           protocols,
		// Otherwise Go asks for gzip by itself, and what arrives is then no
		// longer what Content-Length announced.
		DisableCompression:     true,
		DisableKeepAlives:      idle == 0,
		MaxIdleConnsPerHost:    idle,
		IdleConnTimeout:        keepIdle,
		MaxResponseHeaderBytes: MaxHead,
	}
	// Used where there is no proxy.
	t.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return shakeHands(ctx, conn, t.TLSClientConfig, address, connect)
	}
	return t
}

var errHandshakeTimeout = errors.New("the TLS handshake took too long")

// shakeHands begins TLS on a connection, as the transport would.
func shakeHands(ctx context.Context, conn net.Conn, conf *tls.Config, address string, limit time.Duration) (net.Conn, error) {
	conf = conf.Clone()
	if conf.ServerName == "" {
		conf.ServerName, _, _ = net.SplitHostPort(address) // the transport always gives a port
	}
	conf.NextProtos = []string{"http/1.1"}
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, errHandshakeTimeout)
		defer cancel()
	}
	trace := httptrace.ContextClientTrace(ctx)
	if trace != nil && trace.TLSHandshakeStart != nil {
		trace.TLSHandshakeStart()
	}
	secure := tls.Client(conn, conf)
	err := secure.HandshakeContext(ctx)
	if trace != nil && trace.TLSHandshakeDone != nil {
		trace.TLSHandshakeDone(secure.ConnectionState(), err)
	}
	if err == nil {
		return frame(secure), nil
	}
	_ = conn.Close()
	if errors.Is(context.Cause(ctx), errHandshakeTimeout) {
		err = errHandshakeTimeout
	}
	return nil, err
}

// proxyAnswered makes an error of a proxy that does not open a tunnel. The
// transport's own would be the status text alone.
func proxyAnswered(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return &foreign.ProxyRefusal{Status: resp.StatusCode, Host: proxy.Host}
}
