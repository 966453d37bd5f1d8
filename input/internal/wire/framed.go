package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"net"
	"sync/atomic"
)

// What the reader and the writer of a connection both know.
const (
	idle      int32 = iota // no request is unanswered
	asked                  // a request was written
	askedHEAD              // the same, and its answer has no body
	answering              // its answer has begun
	opaque                 // a tunnel or TLS: everything that comes is wanted
	spoilt                 // bytes came that nobody asked for
)

// part is what comes next of an answer, after the bytes that are due.
type part int

const (
	nothing  part = iota // the answer is over
	status               // the first line of a head
	fields               // the lines of a head, up to the empty one
	size                 // the line before a chunk
	trailers             // the lines after the last chunk, up to the empty one
)

const (
	// readAhead is the size of the buffer, in bytes, which is that of net/http: a
	// head and a small body come with one call to the system.
	readAhead = 4 << 10
	// endless is due where only the end of the connection ends an answer. No
	// length that is accepted is more than half of it, so that sums do not overflow.
	endless = math.MaxInt64
)

// framed is a connection that follows the framing of HTTP/1.1, and ends where
// bytes come that belong to no answer. One goroutine reads and one writes, as a
// transport does.
type framed struct {
	net.Conn
	in    *bufio.Reader
	state atomic.Int32

	// What follows belongs to the reader.
	due  int64 // how many bytes may pass before the framing is looked at again
	next part  // what follows them
	long bool  // the rest of a line follows that is longer than the buffer
	full bool  // the last read had no room for more
	head head
}

func frame(conn net.Conn) *framed {
	c := &framed{Conn: conn}
	c.in = bufio.NewReaderSize(source{c}, readAhead)
	return c
}

// source is what the buffer reads from.
type source struct{ *framed }

// Read implements io.Reader.
func (s source) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	s.full = n == len(p)
	return n, err
}

var errSpoilt = errors.New("the connection brought bytes that nobody asked for")

// Write implements io.Writer. The first bytes of a request tell what its answer
// may be like.
func (c *framed) Write(p []byte) (int, error) {
	now := c.state.Load()
	if now == spoilt || now == idle && len(p) > 0 && !c.state.CompareAndSwap(idle, asking(p)) {
		return 0, errSpoilt // nothing was written, so the transport uses another connection
	}
	return c.Conn.Write(p)
}

// asking is the state that a request begins.
func asking(p []byte) int32 {
	const tlsHandshake = 0x16
	switch {
	case bytes.HasPrefix(p, []byte("HEAD ")):
		return askedHEAD
	case p[0] == tlsHandshake, bytes.HasPrefix(p, []byte("CONNECT ")):
		return opaque
	}
	return asked
}

// Read implements io.Reader.
func (c *framed) Read(p []byte) (int, error) {
	if c.due == 0 {
		if err := c.look(); err != nil {
			return 0, err
		}
	}
	if int64(len(p)) >= c.due {
		p = p[:c.due]
		if c.next == nothing && len(p) >= readAhead {
			// A large read goes past the buffer. Without its last byte, what follows
			// the answer comes into the buffer together with that byte.
			p = p[:c.due-1]
		}
	}
	n, err := c.in.Read(p)
	if c.due -= int64(n); c.due > 0 || c.next != nothing {
		return n, err
	}
	if c.in.Buffered() > 0 || c.full { // or it can't be known
		c.state.Store(spoilt)
		return n, io.EOF // the transport then does not keep the connection
	}
	c.state.Store(idle)
	return n, err
}

// look finds out how many bytes may pass: whole lines, with the body or chunk
// that they announce. Where there are none yet it waits.
func (c *framed) look() error {
	if c.next == nothing {
		if _, err := c.in.Peek(1); err != nil {
			return err
		}
		if !c.begin() {
			return io.EOF
		}
	}
	for c.due == 0 {
		seen, _ := c.in.Peek(c.in.Buffered())
		c.takeLines(seen)
		switch {
		case c.due > 0:
		case len(seen) == readAhead: // what matters of a line is at its beginning
			c.take(seen)
			c.due, c.long = readAhead, true
		default:
			if _, err := c.in.Peek(len(seen) + 1); err != nil && len(seen) == 0 {
				return err
			} else if err != nil {
				c.due = int64(len(seen)) // the transport says what is wrong
			}
		}
	}
	return nil
}

// begin reports whether what comes was asked for.
func (c *framed) begin() bool {
	// A request may be written at this moment.
	for now := c.state.Load(); ; now = c.state.Load() {
		switch {
		case now == asked || now == askedHEAD:
			c.state.Store(answering)
			c.next, c.head.toHEAD = status, now == askedHEAD
			return true
		case now == opaque:
			c.due = endless
			return true
		case now == spoilt || c.state.CompareAndSwap(idle, spoilt):
			return false
		}
	}
}

// takeLines reads the whole lines there are, up to a body.
func (c *framed) takeLines(seen []byte) {
	for c.next != nothing && c.due < int64(len(seen)) {
		line := seen[c.due:]
		end := bytes.IndexByte(line, '\n')
		if end < 0 {
			return
		}
		c.due += int64(end + 1)
		c.take(bytes.TrimSuffix(line[:end], []byte("\r")))
		c.long = false
	}
}

// take reads a line, and adds to what is due the body or chunk that it announces.
func (c *framed) take(line []byte) {
	announced := int64(0)
	switch {
	case c.long: // it was read already
	case c.next == status:
		c.head.begin(line)
		c.next = fields
	case c.next == fields && len(line) > 0:
		c.head.field(line)
	case c.next == fields && c.head.interim():
		c.next = status
	case c.next == fields:
		c.next = nothing
		if announced = c.head.body(); announced == inChunks {
			announced, c.next = 0, size
		}
	case c.next == size:
		if announced = chunkSize(line); announced == 0 {
			c.next = trailers
		} else if announced > 0 {
			announced += int64(len("\r\n"))
		}
	case c.next == trailers && len(line) == 0:
		c.next = nothing
	}
	if announced < 0 {
		c.next, c.due = nothing, endless
		return
	}
	c.due += announced
}
