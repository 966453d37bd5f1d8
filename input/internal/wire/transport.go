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

// DialFunc is the type of http.Transport.DialContext.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// New returns a transport for HTTP/1.1 that asks for no compression. Conf is nil
// for the system's defaults. Connect bounds the TLS handshake of a connection,
// and its dialling where dial is nil; zero is no limit.
func New(conf *tls.Config, connect time.Duration, dial DialFunc) *http.Transport {
	if conf == nil {
		conf = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if dial == nil {
		dial = (&net.Dialer{Timeout: connect}).DialContext
	}
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
		TLSClientConfig:     conf.Clone(),
		TLSHandshakeTimeout: connect,
		Protocols:           protocols,
		// Otherwise Go asks for gzip by itself, and what arrives is then no
		// longer what Content-Length announced.
		DisableCompression:     true,
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
