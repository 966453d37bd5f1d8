package emulator

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// told is an answer before it goes out.
type told struct {
	status int
	header http.Header
	body   []byte
	// chunked leaves Content-Length out.
	chunked bool
	// cut ends the connection after so many bytes of the body; -1 does not.
	cut int
	// beyond is sent behind the end that Content-Length names.
	beyond []byte
	// every is the pause before each byte after the first.
	every time.Duration
}

func answerOf(status int, contentType string, body []byte) *told {
	t := &told{status: status, header: http.Header{}, body: body, cut: -1}
	if contentType != "" {
		t.header.Set("Content-Type", contentType)
	}
	return t
}

// lie tells the lie of the fault, and reports whether the request is answered.
func (x *exchange) lie() bool {
	l := x.fault.Lie
	if l <= LieNone || l >= numLies {
		return false
	}
	kind := &lieKinds[l]
	if kind.instead != nil {
		x.tell(kind.instead(x))
		return true
	}
	if !x.reads() {
		return false
	}
	t := x.truth()
	if t.status >= 300 || !kind.twist(x, t) {
		x.sendTold(t)
		return true
	}
	x.tell(t)
	return true
}

// tell sends a lie, and counts it first: a client that has its answer finds it
// counted.
func (x *exchange) tell(t *told) {
	if x.fault.onLie != nil {
		x.fault.onLie(x.fault.Lie)
	}
	x.sendTold(t)
}

// reads reports whether the request changes nothing, so that its true answer
// can be had and thrown away.
func (x *exchange) reads() bool {
	switch x.req.Op {
	case OpList, OpListV1, OpListV2, OpGet, OpHead, OpRESTGet, OpRESTHead, OpRESTInfo:
		return true
	}
	return false
}

// truth is the answer that the request deserves. It is held in memory.
func (x *exchange) truth() *told { return x.truthOf(func(*exchange) {}) }

// truthOf is the true answer to the request as change makes it.
func (x *exchange) truthOf(change func(*exchange)) *told {
	w := &capture{header: http.Header{}}
	inner := *x
	inner.w, inner.fault = w, Fault{}
	change(&inner)
	if err := inner.serve(); err != nil {
		inner.fail(err)
	}
	w.WriteHeader(http.StatusOK)
	if w.status < 300 {
		x.caller, x.vouched = inner.caller, true
	}
	return &told{status: w.status, header: w.header, body: w.body.Bytes(), cut: -1}
}

// capture is a http.ResponseWriter that keeps what it gets.
type capture struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (c *capture) Header() http.Header { return c.header }

func (c *capture) WriteHeader(status int) {
	if c.status == 0 {
		c.status = status
	}
}

func (c *capture) Write(p []byte) (int, error) {
	c.WriteHeader(http.StatusOK)
	return c.body.Write(p)
}

// sendTold sends an answer as it is. A Content-Length that is set already, as
// that of a HEAD is, stays.
func (x *exchange) sendTold(t *told) {
	h := x.w.Header()
	maps.Copy(h, t.header)
	switch {
	case t.chunked:
		h.Del("Content-Length")
	case x.r.Method != http.MethodHead:
		h.Set("Content-Length", strconv.Itoa(len(t.body)))
	}
	if len(t.beyond) > 0 && x.sendBeyond(t) {
		return
	}
	x.w.WriteHeader(t.status)
	if x.r.Method == http.MethodHead {
		return
	}
	whole := bytes.NewReader(t.body)
	if t.chunked || t.cut >= 0 {
		x.flush() // or net/http counts the bytes of a short body and says how many there are
	}
	switch {
	case t.cut >= 0:
		x.copyPlain(whole, int64(t.cut))
		x.flush()
		panic(http.ErrAbortHandler)
	case t.every > 0:
		x.trickleOut(t.body, t.every)
	default:
		x.copyPlain(whole, whole.Size())
	}
}

func (x *exchange) trickleOut(body []byte, every time.Duration) {
	for i := range body {
		if i > 0 {
			x.sleep(every)
		}
		x.copyPlain(bytes.NewReader(body[i:i+1]), 1)
		x.flush()
	}
}

// sendBeyond writes the answer past net/http, which keeps to Content-Length. It
// reports whether it could: in memory there is no connection.
func (x *exchange) sendBeyond(t *told) bool {
	conn, buffered, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		return false
	}
	defer conn.Close()
	_, _ = fmt.Fprintf(buffered, "HTTP/1.1 %d %s\r\n", t.status, http.StatusText(t.status))
	_ = x.w.Header().Write(buffered) // the client has left: nothing to do, here and below
	_, _ = io.WriteString(buffered, "\r\n")
	_, _ = buffered.Write(t.body)
	_, _ = buffered.Write(t.beyond)
	_ = buffered.Flush()
	return true
}
