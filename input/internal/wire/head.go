package wire

import (
	"bytes"
	"strconv"
)

// head is what the head of an answer says of its end.
type head struct {
	toHEAD, http10 bool
	status         int
	length         int64 // of the body, or one of the following
}

const (
	unknown   = -1 // only the end of the connection ends it
	inChunks  = -2
	senseless = -3 // the transport refuses it
)

var (
	contentLength    = []byte("Content-Length:")
	transferEncoding = []byte("Transfer-Encoding:")
	chunked          = []byte("chunked")
)

// begin reads the first line. A status that makes no sense is 101, after which
// anything may come: the transport refuses it.
func (h *head) begin(line []byte) {
	*h = head{toHEAD: h.toHEAD, http10: bytes.HasPrefix(line, []byte("HTTP/1.0")), status: 101, length: unknown}
	_, code, _ := bytes.Cut(line, []byte(" "))
	code, _, _ = bytes.Cut(bytes.TrimLeft(code, " "), []byte(" "))
	if n, err := strconv.Atoi(string(code)); err == nil && len(code) == 3 {
		h.status = n
	}
}

// field reads another line.
func (h *head) field(line []byte) {
	switch {
	case is(line, transferEncoding) && !h.http10:
		h.length = senseless
		if bytes.EqualFold(bytes.TrimSpace(line[len(transferEncoding):]), chunked) {
			h.length = inChunks
		}
	case is(line, contentLength) && h.length != inChunks:
		n, err := strconv.ParseInt(string(bytes.TrimSpace(line[len(contentLength):])), 10, 63)
		if err != nil || n < 0 || h.length != unknown && h.length != n {
			n = senseless
		}
		h.length = n
	}
}

// body is how long the body is, or how that is to be found out.
func (h *head) body() int64 {
	switch {
	case h.toHEAD, h.status == 204, h.status == 304:
		return 0
	case h.status == 101:
		return unknown
	}
	return h.length
}

// interim reports whether another head follows, as after an early hint.
func (h *head) interim() bool { return h.status >= 100 && h.status < 200 && h.status != 101 }

// is reports whether a line begins with a name, in capitals or not.
func is(line, name []byte) bool {
	return len(line) >= len(name) && line[len(name)-1] == ':' && bytes.EqualFold(line[:len(name)], name)
}

// chunkSize reads the line before a chunk.
func chunkSize(line []byte) int64 {
	line, _, _ = bytes.Cut(line, []byte(";"))
	n, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 63)
	if err != nil || n < 0 {
		return senseless
	}
	return n
}
