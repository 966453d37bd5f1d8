package endpoint

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// request is the part of an HTTP/1.1 request that matters here. net/http would use
// several times the CPU of everything else.
type request struct {
	method string
	path   string // unescaped
	query  url.Values
	// byteRange, name and token are the headers Range and Bench-Key.
	byteRange, name string
	length          int64 // of the body
	close           bool  // the connection, after the answer
}

var errRequest = errors.New("not a request that is served here")

// read reads the next request up to its body. The error is io.EOF when the
// connection ended between two requests.
func (q *request) read(r *bufio.Reader) error {
	line, err := readLine(r)
	if err != nil {
		return err
	}
	method, rest, ok := bytes.Cut(line, []byte(" "))
	target, proto, ok2 := bytes.Cut(rest, []byte(" "))
	if !ok || !ok2 || string(proto) != "HTTP/1.1" {
		return errRequest
	}
	*q = request{method: knownMethod(method)}
	path, query, _ := strings.Cut(string(target), "?")
	if q.path, err = unescape(path); err != nil {
		return err
	}
	if query != "" {
		if q.query, err = url.ParseQuery(query); err != nil {
			return err
		}
	}
	for {
		line, err := readLine(r)
		switch {
		case errors.Is(err, io.EOF):
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		case len(line) == 0:
			return nil
		}
		if err := q.header(line); err != nil {
			return err
		}
	}
}

func (q *request) header(line []byte) error {
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok {
		return errRequest
	}
	value = bytes.TrimSpace(value)
	switch {
	case is(name, "Range"):
		q.byteRange = string(value)
	case is(name, "Bench-Key"):
		q.name = string(value)
	case is(name, "Connection"):
		q.close = is(value, "close")
	case is(name, "Content-Length"):
		n, err := strconv.ParseInt(string(value), 10, 64)
		if err != nil || n < 0 {
			return errRequest
		}
		q.length = n
	case is(name, "Transfer-Encoding"), is(name, "Expect"):
		return errRequest
	}
	return nil
}

func is(b []byte, name string) bool {
	return len(b) == len(name) && strings.EqualFold(string(b), name)
}

// readLine reads a line without its end. It is overwritten by the next one.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		if errors.Is(err, io.EOF) && len(line) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return bytes.TrimRight(line, "\r\n"), nil
}

// knownMethod saves a string for each request.
func knownMethod(b []byte) string {
	switch string(b) {
	case http.MethodGet:
		return http.MethodGet
	case http.MethodHead:
		return http.MethodHead
	}
	return string(b)
}

func unescape(path string) (string, error) {
	if !strings.Contains(path, "%") {
		return path, nil
	}
	return url.PathUnescape(path)
}

// appendHead starts an answer. The caller adds further headers and an empty
// line.
func appendHead(b []byte, status int, contentType string, length int64) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(status)...)
	b = append(b, "\r\nContent-Type: "...)
	b = append(b, contentType...)
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, length, 10)
	return append(b, "\r\n"...)
}

// parseRange reads a Range header for an object of the given size: one range, as
// in bytes=0-9, bytes=10- or bytes=-5. It returns the range with its end beyond
// the last byte; whole says that there is no such header.
func parseRange(header string, size int64) (from, to int64, whole, ok bool) {
	if header == "" {
		return 0, size, true, true
	}
	spec, ok := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(spec, "-")
	if !ok || !dash {
		return 0, size, true, true // servers ignore a unit that they do not know
	}
	if first == "" {
		n, err := strconv.ParseInt(last, 10, 64)
		return max(size-n, 0), size, false, err == nil && n > 0 && size > 0
	}
	from, err := strconv.ParseInt(first, 10, 64)
	if err != nil || from >= size {
		return 0, 0, false, false
	}
	if last == "" {
		return from, size, false, true
	}
	to, err = strconv.ParseInt(last, 10, 64)
	return from, min(to+1, size), false, err == nil && to >= from
}
