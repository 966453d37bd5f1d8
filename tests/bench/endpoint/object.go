package endpoint

import (
	"net/http"
	"time"
)

// together is the largest body that is sent in one write with its headers.
const together = 64 << 10

// object answers a GET or a HEAD of an object.
func (x *exchange) object(bucket int, key string) bool {
	s := x.server
	i, ok := s.keys.index(key)
	if !ok {
		return x.refuse(http.StatusNotFound, "NoSuchKey", "The object does not exist.")
	}
	i += bucket * s.o.perBucket()
	size := s.sizes.size(i)
	from, to, whole, ok := parseRange(x.req.byteRange, size)
	if !ok {
		return x.refuse(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The range is not within the object.")
	}
	status := http.StatusPartialContent
	if whole {
		status = http.StatusOK
	}
	b := appendHead(x.out[:0], status, typeObject, to-from)
	b = appendETag(b, s.sizes.etag(i))
	b = append(b, "Last-Modified: "...)
	b = modified.AppendFormat(b, http.TimeFormat)
	b = append(b, "\r\nAccept-Ranges: bytes\r\n"...)
	if !whole {
		b = appendContentRange(b, from, to, size)
	}
	b = append(b, "\r\n"...)
	if x.req.method == http.MethodHead {
		return x.send(b)
	}
	s.stats.ranged(sentRange{i, from, to})
	sent, ok := x.body(b, from, to)
	s.stats.sentBytes(i, sent)
	return ok
}

// body sends the headers and the bytes from one offset to another, no faster than
// the options allow, and reports how many bytes were sent.
func (x *exchange) body(head []byte, from, to int64) (sent int64, ok bool) {
	s := x.server
	if rate := s.o.BytesPerSecond; rate > 0 {
		if !x.send(head) {
			return 0, false
		}
		return x.paced(from, to, rate)
	}
	if to-from <= together {
		for at := from; at < to; {
			piece := s.piece(at, to)
			head = append(head, piece...)
			at += int64(len(piece))
		}
		if !x.send(head) {
			return 0, false
		}
		return to - from, true
	}
	if !x.send(head) {
		return 0, false
	}
	return x.pour(from, to)
}

// pour writes as fast as the client reads.
func (x *exchange) pour(from, to int64) (sent int64, ok bool) {
	for at := from; at < to; {
		n, err := x.conn.Write(x.server.piece(at, to))
		at, sent = at+int64(n), sent+int64(n)
		if err != nil {
			return sent, false
		}
	}
	return sent, true
}

// tick is how much of a second a paced answer sends at a time.
const tick = 5 * time.Millisecond

// paced sends a tick's worth of bytes at the end of each tick. If a slow client loses
// time, paced does not catch up: a wire has a bandwidth, not a quota.
func (x *exchange) paced(from, to, rate int64) (sent int64, ok bool) {
	step := max(rate*int64(tick)/int64(time.Second), 1)
	due := time.Now()
	for at := from; at < to; {
		n := min(step, to-at)
		due = due.Add(time.Duration(float64(n) / float64(rate) * float64(time.Second)))
		if late := -time.Until(due); late > 10*tick {
			due = due.Add(late)
		} else if !x.server.pause(-late) {
			return sent, false
		}
		m, ok := x.pour(at, at+n)
		at, sent = at+m, sent+m
		if !ok {
			return sent, false
		}
	}
	return sent, true
}

// piece is content from an offset on, up to the end of the block.
func (s *Server) piece(at, to int64) []byte {
	start := at % blockBytes
	return s.block[start:min(start+to-at, blockBytes)]
}

// untilStallEnds is how long a message that arrives now has to wait.
func (s *Server) untilStallEnds() time.Duration {
	return time.Until(s.stats.stalled().Add(s.o.Stall))
}
