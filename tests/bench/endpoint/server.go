package endpoint

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Server is a running endpoint.
type Server struct {
	o        Options
	keys     naming
	block    []byte // bodies repeat it
	sizes    *sizes
	stats    *recorder
	listener net.Listener

	// closing is closed when all waiting must end.
	closing chan struct{}
	group   sync.WaitGroup
	mu      sync.Mutex
	conns   map[net.Conn]struct{} // nil once the server is closed
}

// blockBytes is the number of bytes after which the content of an object repeats.
const blockBytes = 1 << 20

// modified is the LastModified of all objects.
var modified = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// Start serves on addr, by default "127.0.0.1:0", until Close.
func Start(o Options, addr string) (*Server, error) {
	s, err := newServer(o)
	if err != nil {
		return nil, fmt.Errorf("starting the endpoint: %w", err)
	}
	if s.listener, err = new(net.ListenConfig).Listen(context.Background(), "tcp", cmp.Or(addr, "127.0.0.1:0")); err != nil {
		return nil, fmt.Errorf("starting the endpoint: %w", err)
	}
	s.group.Go(s.accept)
	return s, nil
}

// newServer makes a server that does not listen.
func newServer(o Options) (*Server, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	keys, err := newNaming(cmp.Or(o.Shape, Flat), o.perBucket())
	if err != nil {
		return nil, err
	}
	s := &Server{
		o: o, keys: keys, block: block(), sizes: newSizes(o.Objects, o.Size, o.MaxSize),
		closing: make(chan struct{}), conns: map[net.Conn]struct{}{},
	}
	s.sizes.sum(s.block)
	s.stats = newRecorder(o.Objects, s.sizes, o.DownAfter, o.Down)
	return s, nil
}

// URL is the endpoint's address, without a slash at its end.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Stats is what was seen since the start, or the last reset.
func (s *Server) Stats() Stats { return s.stats.snapshot() }

// Close cuts all connections and waits until nothing is being served.
func (s *Server) Close() error {
	err := s.listener.Close()
	s.cut()
	return err
}

// cut ends all that is being served, and serves nothing more.
func (s *Server) cut() {
	s.mu.Lock()
	if s.conns != nil {
		close(s.closing)
	}
	for c := range s.conns {
		_ = c.Close()
	}
	s.conns = nil
	s.mu.Unlock()
	s.group.Wait()
}

func (s *Server) accept() {
	for {
		c, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// Out of file descriptors, most likely: the client sees it as well.
			s.pause(10 * time.Millisecond)
			continue
		}
		s.take(c)
	}
}

// take serves one connection until it ends.
func (s *Server) take(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		_ = c.Close()
		return
	}
	s.conns[c] = struct{}{}
	s.stats.connected()
	s.group.Go(func() { s.serve(c) })
}

func (s *Server) serve(c net.Conn) {
	defer func() {
		_ = c.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.conns, c)
	}()
	x := &exchange{server: s, conn: c, in: bufio.NewReaderSize(c, 8<<10)}
	for x.next() {
	}
}

// pause waits, and reports whether the server is still open.
func (s *Server) pause(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.closing:
		return false
	}
}

// block is bytes that do not compress.
func block() []byte {
	b := make([]byte, 0, blockBytes)
	for i := uint64(1); len(b) < blockBytes; i++ {
		x := scatter(i * 0x9e3779b97f4a7c15)
		for shift := 0; shift < 64; shift += 8 {
			b = append(b, byte(x>>shift))
		}
	}
	return b
}
