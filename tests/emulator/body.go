package emulator

import (
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// send answers with n bytes of c from off on, changed as the fault says. Every
// answer goes through it, listings and errors too, so each can be cut and slowed.
func (x *exchange) send(status int, c content, off, n int64) {
	head := x.r.Method == http.MethodHead
	if status != http.StatusNoContent {
		x.w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
	}
	if x.fault.CleanCutAfter != 0 && !head {
		x.w.Header().Del("Content-Length")
	}
	if head || n == 0 || c == nil {
		x.w.WriteHeader(status)
		return
	}
	if b, ok := c.(blob); ok && !x.fault.shapesBody() {
		x.w.WriteHeader(status)
		_, _ = x.w.Write(b[off : off+n]) // the client has left: nothing to do
		return
	}
	r, err := c.open(off, n)
	if err != nil {
		// A file that was overwritten or deleted since its row was read: the
		// server answers the same.
		clear(x.w.Header())
		x.fail(failInternal)
		return
	}
	defer r.Close()
	x.w.WriteHeader(status)
	x.stream(r, n)
}

func (f *Fault) shapesBody() bool {
	return f.CutAfter != 0 || f.CutFraction != 0 || f.CleanCutAfter != 0 || f.StallAfter != 0 ||
		f.BytesPerSecond != 0 || f.OverwriteMid != nil
}

// stream copies n bytes of r to the client, and cuts, stalls or overwrites as the
// fault says.
func (x *exchange) stream(r io.Reader, n int64) {
	f := &x.fault
	cut, clean, stall, half := offset(f.CutAfter, n), offset(f.CleanCutAfter, n), offset(f.StallAfter, n), n/2
	if f.CutFraction > 0 {
		cut = min(cut, int64(f.CutFraction*float64(n)))
	}
	if f.OverwriteMid == nil {
		half = n
	}
	for pos := int64(0); ; {
		next := min(cut, clean, stall, n)
		if pos < half {
			next = min(next, half)
		}
		x.copy(r, next-pos)
		pos = next
		if pos == half && half < n {
			x.flush()
			f.OverwriteMid()
			half = n
		}
		switch {
		case pos == n:
			return
		case pos == clean:
			x.flush() // otherwise net/http would add a Content-Length
			return
		case pos == cut:
			x.flush()
			panic(http.ErrAbortHandler)
		case pos == stall:
			x.flush()
			<-x.r.Context().Done()
			panic(http.ErrAbortHandler)
		}
	}
}

// offset translates the offsets of a Fault: an offset that is off becomes one
// behind the end.
func offset(at, n int64) int64 {
	switch {
	case at < 0:
		return 0
	case at == 0:
		return n + 1
	}
	return at
}

// copy sends n bytes, at the fault's pace.
func (x *exchange) copy(r io.Reader, n int64) {
	pace := x.fault.BytesPerSecond
	if pace <= 0 {
		x.copyPlain(r, n)
		return
	}
	// A tenth of a second at a time: smooth enough, and few timers.
	step := max(pace/10, 1)
	for n > 0 {
		k := min(step, n)
		x.sleep(time.Duration(float64(k) / float64(pace) * float64(time.Second)))
		x.copyPlain(r, k)
		x.flush()
		n -= k
	}
}

// copyPlain sends n bytes. If the blob fails or the client has left, the
// connection ends, so that a short body never looks complete.
func (x *exchange) copyPlain(r io.Reader, n int64) {
	buf := buffers.Get().(*[copyBuffer]byte)
	defer buffers.Put(buf)
	for n > 0 {
		part := buf[:min(n, copyBuffer)]
		if _, err := io.ReadFull(r, part); err != nil {
			panic(http.ErrAbortHandler)
		}
		if _, err := x.w.Write(part); err != nil {
			panic(http.ErrAbortHandler)
		}
		n -= int64(len(part))
	}
}

// copyBuffer is larger than io.Copy's, so that a body of gigabytes costs fewer
// calls.
const copyBuffer = 128 << 10

var buffers = sync.Pool{New: func() any { return new([copyBuffer]byte) }}

func (x *exchange) flush() {
	_ = http.NewResponseController(x.w).Flush() // the client has left: nothing to do
}
