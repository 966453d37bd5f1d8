package emulator

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
)

// etagChange is what becomes of an ETag header.
type etagChange func(h http.Header)

func keepETag(http.Header)       {}
func dropETag(h http.Header)     { h.Del("ETag") }
func weakenETag(h http.Header)   { h.Set("ETag", "W/"+h.Get("ETag")) }
func unquoteETag(h http.Header)  { h.Set("ETag", strings.Trim(h.Get("ETag"), `"`)) }
func hasETag(h http.Header) bool { return h.Get("ETag") != "" }

func changedETag(change etagChange) func(*exchange, *told) bool {
	return func(_ *exchange, t *told) bool {
		if !hasETag(t.header) {
			return false
		}
		change(t.header)
		return true
	}
}

// gzipped compresses what was to be sent, a range too.
func gzipped(change etagChange, chunked bool) func(*exchange, *told) bool {
	return func(_ *exchange, t *told) bool {
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

// row is the row of the request's key, past all policies; nil where there is
// none with content.
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

// whole is all of the object's content; nil where there is none.
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

func staleVersion(x *exchange, t *told) bool {
	r := x.row()
	if r == nil || r.before == nil || r.before.content == nil {
		return false
	}
	old := x.truthOf(func(inner *exchange) { inner.stale = true })
	if old.status >= 300 {
		return false // a range that the version before does not have
	}
	*t = *old
	return true
}

// neighbour is the content of another object of the bucket, the next in the
// order of keys that has any; a page of HTML where there is none.
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

func otherBytes(x *exchange, t *told) bool {
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

func otherObject(x *exchange, t *told) bool {
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

func flippedByte(_ *exchange, t *told) bool {
	if len(t.body) == 0 {
		return false
	}
	t.body = bytes.Clone(t.body)
	t.body[len(t.body)/2] ^= 1
	return true
}

func cutBody(chunked bool) func(*exchange, *told) bool {
	return func(_ *exchange, t *told) bool {
		if len(t.body) == 0 {
			return false
		}
		t.chunked, t.cut = chunked, len(t.body)/2
		return true
	}
}

func chunkedBody(_ *exchange, t *told) bool {
	t.chunked = true
	return true
}

func longBody(_ *exchange, t *told) bool {
	t.chunked = true
	t.body = append(bytes.Clone(t.body), pageOf("upstream closed")...)
	return true
}

func shortBody(_ *exchange, t *told) bool {
	if len(t.body) == 0 {
		return false
	}
	t.chunked = true
	t.body = t.body[:len(t.body)/2]
	return true
}

func extraBytes(_ *exchange, t *told) bool {
	t.beyond = pageOf("upstream closed")
	return true
}

func trickle(x *exchange, t *told) bool {
	if len(t.body) < 2 {
		return false
	}
	t.every = cmp.Or(x.fault.Trickle, DefaultTrickle)
	return true
}

func noLength(_ *exchange, t *told) bool {
	t.chunked = true
	return true
}

// asked is the range that the request asks for, of content of size bytes.
func (x *exchange) asked(size int) (off, n int, ok bool) {
	from, length, ok := parseRange(x.r.Header.Get("Range"), int64(size))
	return int(from), int(length), ok
}

func (t *told) contentRange(off, n, total int) {
	t.header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", off, off+n-1, total))
}

func rangeLonger(x *exchange, t *told) bool {
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

func rangeToEnd(x *exchange, t *told) bool {
	all := x.whole()
	off, n, ok := x.asked(len(all))
	if !ok || off+n == len(all) {
		return false
	}
	t.body = all[off:]
	t.contentRange(off, len(t.body), len(all))
	return true
}

func rangeElsewhere(x *exchange, t *told) bool {
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

func rangeTotal(x *exchange, t *told) bool {
	all := x.whole()
	off, n, ok := x.asked(len(all))
	if !ok {
		return false
	}
	t.contentRange(off, n, 2*len(all)+1)
	return true
}

func rangeIgnored(x *exchange, t *told) bool {
	all := x.whole()
	if _, _, ok := x.asked(len(all)); !ok {
		return false
	}
	t.status, t.body = http.StatusOK, all
	t.header.Del("Content-Range")
	return true
}
