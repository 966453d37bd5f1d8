package s3

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/wire"
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

// fewAtATime bounds how many calls of dial are under way.
func fewAtATime(dial wire.DialFunc) wire.DialFunc {
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

// newTransport is tuned for many concurrent requests to a single host. One
// connection per download, since it is HTTP/1.1: with HTTP/2 all bodies would
// share one connection's window, stall together on a lost packet, and die
// together.
func newTransport(o Options) *http.Transport {
	dialer := &net.Dialer{Timeout: o.ConnectTimeout}
	t := wire.New(o.TLS, o.ConnectTimeout, fewAtATime(dialer.DialContext))
	t.ResponseHeaderTimeout = o.ResponseTimeout
	t.IdleConnTimeout = idleConnTimeout
	t.MaxIdleConnsPerHost = max(o.MaxConns, minIdleConns)
	return t
}
