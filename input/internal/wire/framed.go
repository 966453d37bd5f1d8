package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
)

// phase is what a framed connection expects to read.
type phase int

const (
	idle    phase = iota // nothing: no request is unanswered
	inHead               // the head of an answer
	inBody               // a body whose length is known
	inChunk              // a body in chunks
	opaque               // anything: it is not known where an answer ends
	spoilt               // nothing any more: something came that nobody asked for
)

// tailSize is how many of a body's last bytes are read with room for one more,
// which shows at once whether something follows.
const tailSize = 4 << 10

// framed is a connection that follows the framing of HTTP/1.1, and reports its
// end where bytes come that belong to no answer. One goroutine reads and one
// writes, as a transport does.
type framed struct {
	net.Conn

	mu     sync.Mutex
	phase  phase
	begun  bool // a request was written
	toHEAD bool // the request is a HEAD
	head   []byte
	due    int64 // of the body
	chunks chunkScanner
	tail   []byte
}

var errSpoilt = errors.New("the connection brought bytes that nobody asked for")

// Write implements io.Writer. The first bytes of a request tell what its answer
// may be like.
func (c *framed) Write(p []byte) (int, error) {
	if err := c.beforeWrite(p); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

func (c *framed) beforeWrite(p []byte) error {
	const tlsHandshake = 0x16
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.phase == spoilt:
		return errSpoilt // nothing was written, so that the request is made elsewhere
	case len(p) == 0 || c.phase != idle:
		return nil
	case !c.begun && (p[0] == tlsHandshake || bytes.HasPrefix(p, []byte("CONNECT "))):
		c.phase = opaque
	default:
		c.phase, c.toHEAD, c.head = inHead, bytes.HasPrefix(p, []byte("HEAD ")), c.head[:0]
	}
	c.begun = true
	return nil
}

// Read implements io.Reader.
func (c *framed) Read(p []byte) (int, error) {
	c.mu.Lock()
	now, due := c.phase, c.due
	c.mu.Unlock()
	switch {
	case now == spoilt:
		return 0, io.EOF
	case now == inBody && due < tailSize && int64(len(p)) >= due:
		return c.readTail(p)
	case now == inBody && int64(len(p)) >= due:
		p = p[:due-tailSize+1]
	}
	n, err := c.Conn.Read(p)
	return c.account(p[:n], err)
}

// readTail reads the last bytes of a body, and sees whether more follows.
func (c *framed) readTail(p []byte) (int, error) {
	if c.tail == nil {
		c.tail = make([]byte, tailSize)
	}
	n, err := c.Conn.Read(c.tail[:c.due+1])
	kept, err := c.account(c.tail[:n], err)
	return copy(p, c.tail[:kept]), err
}

// account follows what was read, and cuts off what nobody asked for.
func (c *framed) account(read []byte, err error) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := 0
	for kept < len(read) && c.phase != spoilt {
		kept += c.step(read[kept:])
	}
	if c.phase == spoilt {
		err = nil
		if kept == 0 {
			err = io.EOF
		}
	}
	return kept, err
}

// step follows some of b, and returns how much.
func (c *framed) step(b []byte) int {
	switch c.phase {
	case inHead:
		return c.takeHead(b)
	case inBody:
		n := min(int64(len(b)), c.due)
		if c.due -= n; c.due == 0 {
			c.phase = idle
		}
		return int(n)
	case inChunk:
		n, done := c.chunks.scan(b)
		if done {
			c.phase = idle
		}
		return n
	case opaque:
		return len(b)
	default:
		c.phase = spoilt
		return 0
	}
}

// takeHead adds to the head, and looks at it once it is complete.
func (c *framed) takeHead(b []byte) int {
	before := len(c.head)
	c.head = append(c.head, b...)
	end := endOfHead(c.head, before)
	if end < 0 {
		if len(c.head) > MaxHead {
			c.phase, c.head = opaque, nil // the transport gives it up
		}
		return len(b)
	}
	answer := readHead(c.head[:end], c.toHEAD)
	c.head = c.head[:0]
	switch {
	case answer.interim: // another head follows
	case answer.chunked:
		c.phase, c.chunks = inChunk, chunkScanner{}
	case answer.length < 0:
		c.phase = opaque
	case answer.length == 0:
		c.phase = idle
	default:
		c.phase, c.due = inBody, answer.length
	}
	return end - before
}
