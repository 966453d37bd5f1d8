package s3bucket

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// idleConnTimeout is below the server's keep-alive of 61 s, so that a request
// seldom meets a connection that the server is just closing.
const idleConnTimeout = 55 * time.Second

// minIdleConns is far above Go's default of 2 per host, with which most
// requests would dial.
const minIdleConns = 16

// maxDials is how many connections may be in the making at a time. A window that
// opens would otherwise dial a hundred at once, which servers and the queues
// before them take badly; and most requests that wait for a connection get one
// that another request has done with.
const maxDials = 16

// dialFunc is the type of http.Transport.DialContext.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// fewAtATime bounds how many calls of dial are under way.
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

// newTransport is tuned for many concurrent requests to a single host.
func newTransport(o Options) *http.Transport {
	dialer := &net.Dialer{Timeout: o.ConnectTimeout}
	// One connection per download: with HTTP/2 all bodies would share one
	// connection's window, stall together on a lost packet, and die together.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	tlsConfig := o.TLS
	if tlsConfig == nil {
		tlsConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           fewAtATime(dialer.DialContext),
		TLSClientConfig:       tlsConfig.Clone(),
		TLSHandshakeTimeout:   o.ConnectTimeout,
		ResponseHeaderTimeout: o.ResponseTimeout,
		IdleConnTimeout:       idleConnTimeout,
		MaxIdleConnsPerHost:   max(o.MaxConns, minIdleConns),
		Protocols:             protocols,
		// Otherwise Go asks for gzip by itself, and what arrives is then no
		// longer what Content-Length announced.
		DisableCompression: true,
	}
}
