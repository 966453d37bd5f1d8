package emulator

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
)

// etagChange changes the ETag header.
type etagChange func(h http.Header)

func keepETag(http.Header)       {}
func dropETag(h http.Header)     { h.Del("ETag") }
func weakenETag(h http.Header)   { h.Set("ETag", "W/"+h.Get("ETag")) }
func unquoteETag(h http.Header)  { h.Set("ETag", strings.Trim(h.Get("ETag"), `"`)) }
func hasETag(h http.Header) bool { return h.Get("ETag") != "" }

func changedETag(change etagChange) func(*exchange, *reply) bool {
	return func(_ *exchange, t *reply) bool {
		if !hasETag(t.header) {
			return false
		}
		change(t.header)
		return true
	}
}

// gzipped compresses the body, even if it is a range.
func gzipped(change etagChange, chunked bool) func(*exchange, *reply) bool {
	return func(_ *exchange, t *reply) bool {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write(t.body) // into a buffer: it can't fail
		_ = w.Close()
		t.body, t.chunked = b.Bytes(), chunked
		t.header.Set("Content-Encoding", "gzip")
		t.header.Set("Vary", "Accept-Encoding")
		if hasETag(t.header) {
			change(t.header)
		}
		return true
	}
}

// row is the row of the request's key, whatever the policies say; nil if there is
// no row with content.
func (x *exchange) row() *row {
	b, ok := x.s.store.bucket(x.req.Bucket)
	if !ok {
		return nil
	}
	r, err := b.get(x.req.Key)
	if err != nil || r == nil || r.content == nil {
		return nil
	}
	return r
}

// whole is the object's whole content; nil if there is none.
func (x *exchange) whole() []byte {
	r := x.row()
	if r == nil {
		return nil
	}
	body, err := readAll(r.content)
	if err != nil {
		return nil
	}
	return body
}

func staleVersion(x *exchange, t *reply) bool {
	r := x.row()
	if r == nil || r.before == nil || r.before.content == nil {
		return false
	}
	old := x.truthOf(func(inner *exchange) { inner.stale = true })
	if old.status >= 300 {
		return false // the version before is too short for the range
	}
	*t = *old
	return true
}

// neighbour is the content of the next object in key order that has content, or a
// page of HTML if there is none.
func (x *exchange) neighbour() []byte {
	b, _ := x.s.store.bucket(x.req.Bucket)
	for _, after := range []string{x.req.Key, ""} {
		for r, err := range b.scan("", after) {
			if err != nil {
				break
			}
			if r.key == x.req.Key || r.content == nil || r.content.length() == 0 {
				continue
			}
			if body, err := readAll(r.content); err == nil {
				return body
			}
		}
	}
	return pageOf("another object")
}

func otherBytes(x *exchange, t *reply) bool {
	if len(t.body) == 0 {
		return false
	}
	other := fit(x.neighbour(), len(t.body))
	if bytes.Equal(other, t.body) {
		return flippedByte(x, t)
	}
	t.body = other
	return true
}

func otherObject(x *exchange, t *reply) bool {
	if t.status != http.StatusOK {
		return false
	}
	other := x.neighbour()
	if len(other) == len(t.body) {
		other = append(bytes.Clone(other), '\n')
	}
	t.body = other
	return true
}

func flippedByte(_ *exchange, t *reply) bool {
	if len(t.body) == 0 {
		return false
	}
	t.body = bytes.Clone(t.body)
	t.body[len(t.body)/2] ^= 1
	return true
}

func cutBody(chunked bool) func(*exchange, *reply) bool {
	return func(_ *exchange, t *reply) bool {
		if len(t.body) == 0 {
			return false
		}
		t.chunked, t.cut = chunked, len(t.body)/2
		return true
	}
}

func chunkedBody(_ *exchange, t *reply) bool {
	t.chunked = true
	return true
}

func longBody(_ *exchange, t *reply) bool {
	t.chunked = true
	t.body = append(bytes.Clone(t.body), pageOf("upstream closed")...)
	return true
}

func shortBody(_ *exchange, t *reply) bool {
	if len(t.body) == 0 {
		return false
	}
	t.chunked = true
	t.body = t.body[:len(t.body)/2]
	return true
}

func extraBytes(_ *exchange, t *reply) bool {
	t.beyond = pageOf("upstream closed")
	return true
}

func trickle(x *exchange, t *reply) bool {
	if len(t.body) < 2 {
		return false
	}
	t.every = cmp.Or(x.fault.Trickle, DefaultTrickle)
	return true
}

func noLength(_ *exchange, t *reply) bool {
	t.chunked = true
	return true
}

// asked is the requested range of content of size bytes.
func (x *exchange) asked(size int) (off, n int, ok bool) {
	from, length, ok := parseRange(x.r.Header.Get("Range"), int64(size))
	return int(from), int(length), ok
}

func (t *reply) contentRange(off, n, total int) {
	t.header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", off, off+n-1, total))
}

func rangeLonger(x *exchange, t *reply) bool {
	all := x.whole()
	off, n, ok := x.asked(len(all))
	if !ok {
		return false
	}
	t.body = bytes.Clone(all[off:])
	if len(t.body) == n {
		t.body = append(t.body, all...) // it ends where it should: begin again
	}
	return true
}

func rangeToEnd(x *exchange, t *reply) bool {
	all := x.whole()
	off, n, ok := x.asked(len(all))
	if !ok || off+n == len(all) {
		return false
	}
	t.body = all[off:]
	t.contentRange(off, len(t.body), len(all))
	return true
}

func rangeElsewhere(x *exchange, t *reply) bool {
	all := x.whole()
	off, n, ok := x.asked(len(all))
	if !ok || n == len(all) {
		return false
	}
	elsewhere := 0
	if off == 0 {
		elsewhere = len(all) - n
	}
	t.body = all[elsewhere : elsewhere+n]
	t.contentRange(elsewhere, n, len(all))
	return true
}

func rangeTotal(x *exchange, t *reply) bool {
	all := x.whole()
	off, n, ok := x.asked(len(all))
	if !ok {
		return false
	}
	t.contentRange(off, n, 2*len(all)+1)
	return true
}

func rangeIgnored(x *exchange, t *reply) bool {
	all := x.whole()
	if _, _, ok := x.asked(len(all)); !ok {
		return false
	}
	t.status, t.body = http.StatusOK, all
	t.header.Del("Content-Range")
	return true
}
