package emulator

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Transport answers requests in memory. There are no sockets, so that it works
// in a testing/synctest bubble; every request has a goroutine that ends with
// its answer. Host and scheme of the URL do not matter.
func (s *Server) Transport() http.RoundTripper { return transport{s} }

type transport struct{ h http.Handler }

// RoundTrip hands req to the server and returns as soon as the header of the
// answer is known. A cancelled context ends the request at any point.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(req.Context())
	served := req.Clone(ctx)
	served.RequestURI = req.URL.RequestURI()
	served.RemoteAddr = "emulator"
	if served.Host == "" {
		served.Host = req.URL.Host
	}
	if served.Body == nil {
		served.Body = http.NoBody
	}
	a := newAnswer(req, cancel)
	stop := context.AfterFunc(ctx, func() { a.body.fail(context.Cause(ctx)) })
	go func() {
		defer stop()
		defer served.Body.Close()
		defer func() { a.finish(ctx, recover()) }()
		t.h.ServeHTTP(a, served)
	}()
	select {
	case <-a.ready:
		if !a.refused {
			return a.response, nil
		}
	case <-req.Context().Done():
	}
	cancel()
	if req.Context().Err() != nil {
		return nil, context.Cause(req.Context())
	}
	return nil, io.EOF // what a client sees if the server hangs up
}

// answer is the http.ResponseWriter of one request. The handler's goroutine
// writes; the client's takes the response once ready is closed.
type answer struct {
	header   http.Header
	ready    chan struct{}
	response *http.Response
	// refused says that the handler hung up before the header.
	refused bool
	body    *pipe
}

func newAnswer(req *http.Request, cancel context.CancelFunc) *answer {
	a := &answer{header: http.Header{}, ready: make(chan struct{}), body: &pipe{cancel: cancel}}
	a.body.changed.L = &a.body.mu
	a.response = &http.Response{
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req, Body: a.body,
	}
	return a
}

// Header returns the header that WriteHeader sends.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader sends the header. As over a socket, further calls change nothing.
func (a *answer) WriteHeader(status int) {
	if a.response.Header != nil {
		return
	}
	h := a.header.Clone()
	if h.Get("Date") == "" {
		h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	}
	r := a.response
	r.Header = h
	r.StatusCode = status
	r.Status = strconv.Itoa(status) + " " + http.StatusText(status)
	r.ContentLength = -1
	if n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64); err == nil {
		r.ContentLength = n
		a.body.expect = n
	}
	if r.ContentLength < 0 {
		a.body.expect = -1
	}
	bodiless := r.Request.Method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified
	if bodiless {
		a.body.expect = 0
	}
	close(a.ready)
}

// Write sends p to the client. It waits while the client is more than a buffer
// behind.
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.write(p)
}

// Flush sends the header. Nothing else is held back.
func (a *answer) Flush() { a.WriteHeader(http.StatusOK) }

// SetWriteDeadline cuts the body once the deadline has passed, as a socket does for
// further writes. A deadline in the future is not kept.
func (a *answer) SetWriteDeadline(at time.Time) error {
	if !at.IsZero() && !at.After(time.Now()) {
		a.body.fail(io.ErrUnexpectedEOF)
	}
	return nil
}

// finish ends the answer when the handler has returned, or has panicked with p to
// cut it short. If ctx has ended, the client left first, and nothing was cut.
func (a *answer) finish(ctx context.Context, p any) {
	if err, ok := p.(error); p != nil && !(ok && errors.Is(err, http.ErrAbortHandler)) {
		panic(p)
	}
	if p == nil {
		a.WriteHeader(http.StatusOK)
		a.body.end()
		return
	}
	if a.response.Header == nil {
		a.refused = true
		close(a.ready)
	}
	if ctx.Err() != nil {
		a.body.fail(context.Cause(ctx))
		return
	}
	a.body.fail(io.ErrUnexpectedEOF)
}

// pipeBuffer is how many bytes a handler may be ahead of its client: about what
// sockets buffer.
const pipeBuffer = 64 << 10

// pipe carries a body from the handler to the client.
type pipe struct {
	cancel context.CancelFunc
	// expect is the Content-Length, -1 without one. Set before the client sees
	// the pipe.
	expect int64

	mu      sync.Mutex
	changed sync.Cond
	buf     []byte
	sent    int64
	err     error // what the reader gets after buf; nil while the handler writes
	closed  bool
}

func (p *pipe) write(b []byte) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(b) > 0 {
		for p.err == nil && !p.closed && len(p.buf) >= pipeBuffer {
			p.changed.Wait()
		}
		if p.closed || p.err != nil {
			return n, io.ErrClosedPipe
		}
		k := min(len(b), pipeBuffer-len(p.buf))
		p.buf = append(p.buf, b[:k]...)
		b, n = b[k:], n+k
		p.sent += int64(k)
		p.changed.Broadcast()
	}
	return n, nil
}

// Read yields what was written. A body that is shorter than its Content-Length
// ends in io.ErrUnexpectedEOF, as it does over a socket.
func (p *pipe) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.buf) == 0 && p.err == nil && !p.closed {
		p.changed.Wait()
	}
	switch {
	case p.closed:
		return 0, http.ErrBodyReadAfterClose
	case len(p.buf) == 0:
		p.cancel() // the exchange is over: release the request's context
		return 0, p.err
	}
	n := copy(b, p.buf)
	rest := copy(p.buf, p.buf[n:])
	p.buf = p.buf[:rest]
	p.changed.Broadcast()
	return n, nil
}

// Close tells the handler that the client has left.
func (p *pipe) Close() error {
	p.mu.Lock()
	p.closed = true
	p.buf = nil
	p.changed.Broadcast()
	p.mu.Unlock()
	p.cancel()
	return nil
}

// end marks the body as complete.
func (p *pipe) end() {
	err := io.EOF
	if p.expect >= 0 && p.sent < p.expect {
		err = io.ErrUnexpectedEOF
	}
	p.fail(err)
}

// fail lets the reader get err once it has read what was sent. Only the first call
// counts.
func (p *pipe) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
		p.changed.Broadcast()
	}
}
