package emulator

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// Listener serves a [Server] over HTTP.
type Listener struct {
	server *http.Server
	addr   net.Addr
	prefix string
	// done is closed when nothing is accepted any more.
	done chan struct{}
}

// keepAlive is how long the real server keeps an idle connection.
const keepAlive = 61 * time.Second

// Start listens on addr and serves until Close. An empty addr means "127.0.0.1:0";
// other machines can connect only if addr allows it.
func (s *Server) Start(addr string) (*Listener, error) { return start(addr, s, s.prefix) }

func start(addr string, h http.Handler, prefix string) (*Listener, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", cmp.Or(addr, "127.0.0.1:0"))
	if err != nil {
		return nil, fmt.Errorf("starting the emulator: %w", err)
	}
	n := &Listener{
		server: &http.Server{
			Handler: h, IdleTimeout: keepAlive, ReadHeaderTimeout: time.Minute,
			ErrorLog: log.New(io.Discard, "", 0),
		},
		addr: l.Addr(), prefix: prefix, done: make(chan struct{}),
	}
	go func() {
		defer close(n.done)
		_ = n.server.Serve(l) // always an error: that it was closed
	}()
	return n, nil
}

// URL is the project's address, such as http://127.0.0.1:54321, without a path.
func (l *Listener) URL() string { return "http://" + l.addr.String() }

// Endpoint is the S3 endpoint.
func (l *Listener) Endpoint() string { return l.URL() + l.prefix + "/s3" }

// Close stops listening, cuts all connections, and returns once no new request can
// arrive.
func (l *Listener) Close() error {
	err := l.server.Close()
	<-l.done
	return err
}
