package wire

import (
	"bytes"
	"strconv"
)

// framing is how long an answer is.
type framing struct {
	length  int64 // of the body; below 0 where only the end of the connection ends it
	chunked bool
	interim bool // it is a 1xx, after which the answer itself comes
}

// endOfHead is where the empty line of a head ends, of which the first bytes
// have been looked at before; -1 where there is none yet.
func endOfHead(head []byte, seen int) int {
	for i := max(seen-2, 0); i < len(head); i++ {
		if head[i] != '\n' {
			continue
		}
		rest := head[i+1:]
		switch {
		case bytes.HasPrefix(rest, []byte("\n")):
			return i + 2
		case bytes.HasPrefix(rest, []byte("\r\n")):
			return i + 3
		}
	}
	return -1
}

// readHead finds out how the answer with a head ends. Whatever is doubtful has no
// known length: the transport refuses it, or reads to the end of the
// connection.
func readHead(head []byte, toHEAD bool) framing {
	unknown := framing{length: -1}
	line, fields, _ := bytes.Cut(head, []byte("\n"))
	parts := bytes.Fields(line)
	if len(parts) < 2 {
		return unknown
	}
	status, err := strconv.Atoi(string(parts[1]))
	switch {
	case err != nil, status == 101:
		return unknown
	case status >= 100 && status < 200:
		return framing{interim: true}
	case toHEAD, status == 204, status == 304:
		return framing{}
	}
	out := unknown
	for line := range bytes.Lines(fields) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			if !bytes.EqualFold(value, []byte("chunked")) {
				return unknown
			}
			out.chunked = true
		case bytes.EqualFold(name, []byte("Content-Length")):
			n, err := strconv.ParseInt(string(value), 10, 64)
			if err != nil || n < 0 || out.length >= 0 && out.length != n {
				return unknown
			}
			out.length = n
		}
	}
	return out
}

// chunkScanner finds the end of a body in chunks.
type chunkScanner struct {
	data     int64 // bytes still to come of a chunk, its line break included
	line     []byte
	trailers bool // the last chunk has come
}

// maxChunkLine bounds the line before a chunk and each trailer. net/http has the
// same limit for the former.
const maxChunkLine = 4096

// scan follows b and returns how much of it belongs to the body, and whether the
// body ends there. A body that makes no sense goes on: the transport ends it.
func (s *chunkScanner) scan(b []byte) (n int, done bool) {
	for n < len(b) {
		if s.data > 0 {
			skip := min(s.data, int64(len(b)-n))
			s.data -= skip
			n += int(skip)
			continue
		}
		end := bytes.IndexByte(b[n:], '\n')
		if end < 0 {
			if len(s.line) < maxChunkLine {
				s.line = append(s.line, b[n:]...)
			}
			return len(b), false
		}
		line := bytes.TrimSpace(append(s.line, b[n:n+end]...))
		s.line = s.line[:0]
		n += end + 1
		switch {
		case s.trailers && len(line) == 0:
			return n, true
		case s.trailers:
		default:
			size, _, _ := bytes.Cut(line, []byte(";"))
			length, err := strconv.ParseInt(string(bytes.TrimSpace(size)), 16, 63)
			if err != nil || length < 0 {
				continue
			}
			s.trailers = length == 0
			if length > 0 {
				s.data = length + int64(len("\r\n"))
			}
		}
	}
	return n, false
}
