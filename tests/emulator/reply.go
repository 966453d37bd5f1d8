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

// reply is an answer before it is sent.
type reply struct {
	status int
	header http.Header
	body   []byte
	// chunked leaves Content-Length out.
	chunked bool
	// cut ends the connection after so many bytes of the body; -1 does not.
	cut int
	// beyond is sent after the end that Content-Length announces.
	beyond []byte
	// every is the pause before each byte after the first.
	every time.Duration
}

func answerOf(status int, contentType string, body []byte) *reply {
	t := &reply{status: status, header: http.Header{}, body: body, cut: -1}
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
		x.sendReply(t)
		return true
	}
	x.tell(t)
	return true
}

// tell counts a lie and then sends it, so that it is counted when the client has the
// answer.
func (x *exchange) tell(t *reply) {
	if x.fault.onLie != nil {
		x.fault.onLie(x.fault.Lie)
	}
	x.sendReply(t)
}

// reads reports whether the request changes nothing, so that its true answer can be
// made and thrown away.
func (x *exchange) reads() bool {
	switch x.req.Op {
	case OpList, OpListV1, OpListV2, OpGet, OpHead, OpRESTGet, OpRESTHead, OpRESTInfo:
		return true
	}
	return false
}

// truth is the honest answer to the request, in memory.
func (x *exchange) truth() *reply { return x.truthOf(func(*exchange) {}) }

// truthOf is the honest answer to the request after change has changed it.
func (x *exchange) truthOf(change func(*exchange)) *reply {
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
	return &reply{status: w.status, header: w.header, body: w.body.Bytes(), cut: -1}
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

// sendReply sends a reply as it is. It keeps a Content-Length that is already set,
// as for HEAD.
func (x *exchange) sendReply(t *reply) {
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
		x.flush() // otherwise net/http adds a Content-Length to a short body
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

// sendBeyond writes the answer to the connection itself, because net/http sends no
// more than Content-Length. It reports false in memory, where there is no
// connection.
func (x *exchange) sendBeyond(t *reply) bool {
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
