package main

import (
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// site is an HTTP server on loopback that knows its connections, so that requests
// of a killed process can be distinguished from those of the next process.
type site struct {
	handler  http.Handler
	server   *http.Server
	listener net.Listener
	active   atomic.Int64 // requests under way
	opened   atomic.Int64 // connections so far

	mu sync.Mutex
	// open are the connections by the address of the client.
	open map[string]bool
}

func openSite(ctx context.Context, h http.Handler) (*site, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &site{handler: h, listener: l, open: map[string]bool{}}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute, ConnState: s.note}
	go func() { _ = s.server.Serve(l) }() // ends with close
	return s, nil
}

func (s *site) url() string  { return "http://" + s.listener.Addr().String() }
func (s *site) close() error { return s.server.Close() }

// ServeHTTP counts the request while it is under way.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.active.Add(1)
	defer s.active.Add(-1)
	s.handler.ServeHTTP(w, r)
}

func (s *site) note(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateNew:
		s.opened.Add(1)
		s.open[c.RemoteAddr().String()] = true
	case http.StateClosed, http.StateHijacked:
		delete(s.open, c.RemoteAddr().String())
	}
}

// drain returns when everything that an ended process sent has been answered.
// Connections are accepted in order: once drain's own connection is accepted, all
// earlier ones are, and each is closed after its last request.
func (s *site) drain(ctx context.Context) error {
	ours, err := new(net.Dialer).DialContext(ctx, "tcp", s.listener.Addr().String())
	if err != nil {
		return err
	}
	defer ours.Close()
	own := ours.LocalAddr().String()
	var before []string
	return waitFor(ctx, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		if before == nil {
			if !s.open[own] {
				return false
			}
			for addr := range s.open {
				if addr != own {
					before = append(before, addr)
				}
			}
		}
		return !slices.ContainsFunc(before, func(addr string) bool { return s.open[addr] })
	})
}

// lookEvery is how often a wait checks its state.
const lookEvery = 5 * time.Millisecond

// waitFor returns when the state is reached, or the cause why ctx ended.
func waitFor(ctx context.Context, reached func() bool) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for !reached() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
