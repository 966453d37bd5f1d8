package emulator

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// object finds the row that the request names, for a caller that may see it.
// A bucket that does not exist is an object that does not exist.
func (x *exchange) object() (*row, error) {
	if !validBucket(x.req.Bucket) {
		return nil, failBucketName
	}
	if !validKey(x.req.Key) {
		return nil, failInvalidKey(x.req.Key)
	}
	b, ok := x.s.store.bucket(x.req.Bucket)
	if !ok {
		return nil, failNoKey
	}
	return x.visible(b)
}

// visible is the row of the request's key, for a caller that may see it.
func (x *exchange) visible(b rows) (*row, error) {
	r, err := b.get(x.req.Key)
	if err != nil {
		return nil, err
	}
	if r == nil || !x.mayRead(x.req.Bucket)(x.req.Key) {
		return nil, failNoKey
	}
	if x.stale && r.before != nil {
		return r.before, nil
	}
	return r, nil
}

// getObject answers GetObject. If-Match, If-Unmodified-Since, versionId and
// partNumber are ignored, as the server ignores them.
func (x *exchange) getObject() error {
	r, err := x.object()
	if err != nil {
		return err
	}
	since, ok := modifiedSince(x.r.Header)
	if !ok {
		return failInternal // the server turns it into a date before all else
	}
	if r.content == nil {
		return x.missingBlob()
	}
	x.objectHeader(r, r.blobETag(), r.written)
	x.overrideHeader()
	return x.sendObject(r, since)
}

// overrideHeader replaces the object's own headers by those in the query.
func (x *exchange) overrideHeader() {
	if len(x.req.Query) == 0 {
		return
	}
	for _, name := range []string{"Content-Type", "Content-Disposition", "Content-Encoding", "Content-Language", "Cache-Control"} {
		if v := x.req.Query.Get("response-" + strings.ToLower(name)); v != "" {
			x.w.Header().Set(name, v)
		}
	}
}

// sendObject answers with the content, whole or a range of it, or with 304.
func (x *exchange) sendObject(r *row, since time.Time) error {
	if x.notModified(r, since) {
		x.send(http.StatusNotModified, nil, 0, 0)
		return nil
	}
	size := r.content.length()
	spec := x.r.Header.Get("Range")
	if spec == "" {
		x.send(http.StatusOK, r.content, 0, size)
		return nil
	}
	off, n, ok := parseRange(spec, size)
	if !ok {
		clear(x.w.Header())
		return x.noRange(r, spec)
	}
	x.w.Header().Set("Content-Range", "bytes "+strconv.FormatInt(off, 10)+"-"+
		strconv.FormatInt(off+n-1, 10)+"/"+strconv.FormatInt(size, 10))
	x.send(http.StatusPartialContent, r.content, off, n)
	return nil
}

// noRange is the answer to a range that cannot be satisfied.
// Behind REST, a store of its own ignores what it can not read and fails otherwise.
func (x *exchange) noRange(r *row, spec string) error {
	switch {
	case !x.s.s3Backend:
		return failRange
	case x.surface != surfaceREST:
		return failS3Range
	case !oneRange.MatchString(spec):
		x.restHeader(r)
		x.send(http.StatusOK, r.content, 0, r.content.length())
		return nil
	}
	return failInternal
}

// oneRange is the form of a single range.
var oneRange = regexp.MustCompile(`^bytes=([0-9]+-[0-9]*|-[0-9]+)$`)

// headObject answers HeadObject from the row alone: it does not notice a missing
// blob, and ignores conditions.
func (x *exchange) headObject() error {
	r, err := x.object()
	if err != nil {
		return err
	}
	x.objectHeader(r, r.listedETag(), r.updated)
	x.w.Header().Set("Created-At", time.UnixMicro(r.created).UTC().
		Format("Mon Jan 02 2006 15:04:05 GMT-0700 (Coordinated Universal Time)"))
	x.send(http.StatusOK, nil, 0, r.listedSize())
	return nil
}

func (x *exchange) objectHeader(r *row, etag string, modified int64) {
	h := x.w.Header()
	h.Set("Cache-Control", r.attrs.cacheControl)
	h.Set("Content-Type", r.attrs.contentType)
	h.Set("Last-Modified", httpTime(modified))
	x.setETag(etag)
	missing := 0
	for name, v := range r.attrs.user {
		value, text := v.(string)
		if !text || !plainASCII(name) || !plainASCII(value) {
			missing++
			continue
		}
		h.Set("X-Amz-Meta-"+name, value)
	}
	if missing > 0 {
		h.Set("X-Amz-Missing-Meta", strconv.Itoa(missing))
	}
}

func plainASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// notModified checks the two conditions that the server knows. The blob's time has
// a fraction of a second and the header does not, so the time that a GET showed is
// earlier than the blob's.
func (x *exchange) notModified(r *row, since time.Time) bool {
	if tag := x.r.Header.Get("If-None-Match"); tag != "" && tag == `"`+r.blobETag()+`"` {
		return true
	}
	return !since.IsZero() && r.written <= since.UnixMicro()
}

// modifiedSince reads If-Modified-Since, in the form of HTTP or of ISO 8601; zero
// if the header is missing. ok is false for an invalid date.
func modifiedSince(h http.Header) (since time.Time, ok bool) {
	s := h.Get("If-Modified-Since")
	if s == "" {
		return time.Time{}, true
	}
	since, err := http.ParseTime(s)
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if err != nil {
			since, err = time.Parse(layout, s)
		}
	}
	return since, err == nil
}

// missingBlob is the answer for a row whose blob is gone. It depends on where
// the blobs are.
func (x *exchange) missingBlob() error {
	if x.s.s3Backend {
		return failS3Missing
	}
	return failInternal
}

// parseRange reads "bytes=a-b", "bytes=a-" and "bytes=-n" for content of size
// bytes. Any other range, and any range of an empty object, cannot be satisfied.
func parseRange(spec string, size int64) (off, n int64, ok bool) {
	spec, ok = strings.CutPrefix(spec, "bytes=")
	from, to, dash := strings.Cut(spec, "-")
	if !ok || !dash || !digits(from) || !digits(to) {
		return 0, 0, false
	}
	if from == "" {
		last, err := strconv.ParseInt(to, 10, 64)
		if err != nil || last <= 0 || size == 0 {
			return 0, 0, false
		}
		last = min(last, size)
		return size - last, last, true
	}
	off, err := strconv.ParseInt(from, 10, 64)
	if err != nil || off < 0 || off >= size {
		return 0, 0, false
	}
	end := size - 1
	if to != "" {
		if end, err = strconv.ParseInt(to, 10, 64); err != nil || end < off {
			return 0, 0, false
		}
		end = min(end, size-1)
	}
	return off, end - off + 1, true
}

// digits reports whether s consists only of digits, without a sign.
func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// rangeStart is the first byte that a Range header names, or 0.
func rangeStart(spec string) int64 {
	from, _, _ := strings.Cut(strings.TrimPrefix(spec, "bytes="), "-")
	n, err := strconv.ParseInt(from, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
