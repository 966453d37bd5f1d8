package endpoint

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// The types of what is answered.
const (
	typeXML    = "application/xml"
	typeJSON   = "application/json"
	typeObject = "application/octet-stream"
)

// exchange is the requests on one connection, one after the other, and their
// answers.
type exchange struct {
	server *Server
	conn   net.Conn
	in     *bufio.Reader
	req    request
	out    []byte // of the answer, reused
	asked  []byte // of the request, where it matters; reused
}

// next serves one request, and reports whether the connection goes on.
func (x *exchange) next() bool {
	if x.req.read(x.in) != nil {
		return false // the end, or HTTP that this server does not support
	}
	if !x.route() {
		return false
	}
	return !x.req.close
}

// route answers the request, and reports whether the answer went out.
func (x *exchange) route() bool {
	switch x.req.path {
	case "/stats":
		return x.answerStats()
	case "/sink":
		return x.sink()
	}
	if !x.readBody() {
		return false
	}
	bucket, key, k := x.classify()
	s := x.server
	if s.stats.isDown(k) {
		return s.o.DownStatus > 0 && x.refuse(s.o.DownStatus, "ServiceUnavailable", "Down for the moment.")
	}
	if !s.stats.begin(k, s.o.MaxInFlight) {
		return x.refuse(http.StatusTooManyRequests, "SlowDown", "Please reduce your request rate.")
	}
	defer s.stats.end()
	if !s.pause(s.o.Latency) {
		return false
	}
	switch k {
	case kindList:
		if x.req.method == http.MethodPost {
			return x.restPage(bucket)
		}
		return x.list(bucket)
	case kindGet, kindHead:
		return x.object(bucket, key)
	case kindOther:
	}
	return x.other()
}

// classify returns the kind of the request, its bucket and, for an object, its key.
func (x *exchange) classify() (bucket int, key string, k kind) {
	path, paged := strings.CutPrefix(x.req.path, restList)
	path = strings.TrimPrefix(path, restRead)
	name, key, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	bucket, ok := x.server.bucket(name)
	if !ok {
		return 0, "", kindOther
	}
	switch {
	case paged && key == "" && x.req.method == http.MethodPost:
		return bucket, "", kindList
	case key != "" && x.req.method == http.MethodGet:
		return bucket, key, kindGet
	case key != "" && x.req.method == http.MethodHead:
		return bucket, key, kindHead
	case key == "" && x.req.method == http.MethodGet && !x.req.query.Has("location"):
		return bucket, "", kindList
	}
	return bucket, key, kindOther
}

// other answers what clients ask before they begin.
func (x *exchange) other() bool {
	name, key, _ := strings.Cut(strings.TrimPrefix(x.req.path, "/"), "/")
	_, known := x.server.bucket(name)
	switch {
	case name == "" && x.req.method == http.MethodGet:
		return x.listBuckets()
	case known && key == "" && x.req.method == http.MethodHead:
		return x.send(append(appendHead(x.out[:0], http.StatusOK, typeXML, 0), "\r\n"...))
	case known && key == "" && x.req.query.Has("location"):
		return x.document(http.StatusOK, typeXML,
			[]byte(`<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></LocationConstraint>`))
	case !known:
		return x.refuse(http.StatusNotFound, "NoSuchBucket", "There is no such bucket.")
	}
	return x.refuse(http.StatusNotImplemented, "NotImplemented", "Only reading is implemented.")
}

func (x *exchange) refuse(status int, code, message string) bool {
	if status != http.StatusTooManyRequests {
		x.server.stats.refused()
	}
	return x.document(status, typeXML,
		[]byte("<Error><Code>"+code+"</Code><Message>"+message+"</Message></Error>"))
}

// answerStats answers with the stats; DELETE resets them.
func (x *exchange) answerStats() bool {
	if x.req.method == http.MethodDelete {
		x.server.stats.reset()
	}
	b, err := json.Marshal(x.server.Stats())
	if err != nil {
		return false
	}
	return x.document(http.StatusOK, typeJSON, b)
}

// sink receives a message, and stalls as long as the options say.
func (x *exchange) sink() bool {
	s := x.server
	if _, err := io.CopyN(io.Discard, x.in, x.req.length); err != nil {
		return false
	}
	if s.o.Stall > 0 && !s.pause(s.untilStallEnds()) {
		return false
	}
	s.stats.message(x.req.name, x.req.length)
	return x.document(http.StatusOK, typeJSON, []byte("{}"))
}

func (x *exchange) document(status int, contentType string, body []byte) bool {
	b := append(appendHead(x.out[:0], status, contentType, int64(len(body))), "\r\n"...)
	if x.req.method != http.MethodHead {
		b = append(b, body...)
	}
	return x.send(b)
}

// send writes what was appended to the exchange's buffer, and keeps the buffer.
func (x *exchange) send(b []byte) bool {
	x.out = b
	_, err := x.conn.Write(b)
	return err == nil
}

// appendETag adds a header.
func appendETag(b []byte, etag string) []byte {
	b = append(b, "ETag: \""...)
	b = append(b, etag...)
	return append(b, "\"\r\n"...)
}

func appendContentRange(b []byte, from, to, size int64) []byte {
	b = append(b, "Content-Range: bytes "...)
	b = strconv.AppendInt(b, from, 10)
	b = append(b, '-')
	b = strconv.AppendInt(b, to-1, 10)
	b = append(b, '/')
	b = strconv.AppendInt(b, size, 10)
	return append(b, "\r\n"...)
}
