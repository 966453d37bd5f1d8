package plane

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// OpReading is the Op of errors of a GET.
const OpReading = "reading"

// Span is which bytes of an object a GET asks for.
type Span struct {
	// Offset is the first byte.
	Offset int64
	length int64
}

// toTheEnd is the length of a read to the end of the object.
const toTheEnd = -1

// From is the span from offset to the end of the object.
func From(offset int64) Span { return Span{offset, toTheEnd} }

// Between is the span of length bytes from offset. The length must be positive.
func Between(key string, offset, length int64) (Span, error) {
	if length <= 0 {
		return Span{}, &object.Error{Op: OpReading, Key: key, Kind: object.ErrInvalid, Err: fmt.Errorf("a range of %d bytes", length)}
	}
	return Span{offset, length}, nil
}

// Header is the value of the Range header. It is "" for a whole object: the server
// refuses a range that starts at 0 if the object is empty.
func (s Span) Header() string {
	switch {
	case s.length != toTheEnd:
		return "bytes=" + strconv.FormatInt(s.Offset, 10) + "-" + strconv.FormatInt(s.Offset+s.length-1, 10)
	case s.Offset > 0:
		return "bytes=" + strconv.FormatInt(s.Offset, 10) + "-"
	}
	return ""
}

// Read makes one GET of an object, and never retries it. The content's Object is
// what the answer says it is. The caller closes its Body.
func (c *Caller) Read(ctx context.Context, r Request, s Span) (*object.Content, error) {
	start := time.Now()
	a, err := c.Do(ctx, r)
	if err != nil {
		return nil, err
	}
	if c.o.OnFirstByte != nil {
		c.o.OnFirstByte(time.Since(start))
	}
	content, err := contentOf(a, r.Key, s)
	if err != nil {
		a.Close()
		return nil, err
	}
	return content, nil
}

// contentOf makes a Content from the answer to a GET of a span.
func contentOf(a *Answer, key string, s Span) (*object.Content, error) {
	b := &body{op: OpReading, key: key, answer: a}
	size, err := b.expect(s)
	if err != nil {
		return nil, &object.Error{Op: OpReading, Key: key, Kind: object.ErrUnavailable, Status: a.StatusCode, Err: err}
	}
	partial, encoding := a.StatusCode == http.StatusPartialContent, contentEncoding(a.Header)
	if partial && encoding != "" && a.ContentLength < 0 {
		// Somebody on the way has encoded the range: what arrives is not the bytes that
		// Content-Range tells of, and they are not as many.
		size = object.UnknownSize
	}
	offset := s.Offset
	if !partial {
		offset = 0 // whatever was requested
	}
	return &object.Content{
		Object: object.Object{
			Key:          key,
			ETag:         strongETag(a.Header.Get("Etag")),
			Size:         size,
			LastModified: httpTime(a.Header),
		},
		Encoding:     encoding,
		EndsItself:   slices.Contains(a.TransferEncoding, "chunked"),
		ContentType:  a.Header.Get("Content-Type"),
		CacheControl: a.Header.Get("Cache-Control"),
		UserMetadata: userMetadata(a.Header),
		MissingMeta:  missingMeta(a.Header),
		Offset:       offset,
		Partial:      partial,
		Body:         b,
	}, nil
}

// expect sets how many bytes are due, and returns the size of the whole object.
// An answer with the status 200 is the whole object, even if a range was
// requested: an endpoint may not support ranges.
func (b *body) expect(s Span) (size int64, err error) {
	a := b.answer
	if a.StatusCode != http.StatusPartialContent {
		b.due = a.ContentLength
		if a.ContentLength < 0 {
			b.due = unknownLength
			return object.UnknownSize, nil
		}
		return a.ContentLength, nil
	}
	from, to, size, err := parseContentRange(a.Header.Get("Content-Range"))
	if err != nil {
		return 0, err
	}
	last := size - 1
	if s.length != toTheEnd {
		last = min(last, s.Offset+s.length-1)
	}
	if from != s.Offset || to > last {
		return 0, fmt.Errorf("asked for the bytes from %d to %d, got %q", s.Offset, last, foreign.Text(a.Header.Get("Content-Range"), foreign.Short, a.Secrets()...))
	}
	b.due = to - from + 1
	if a.ContentLength >= 0 && a.ContentLength != b.due {
		return 0, fmt.Errorf("Content-Length %d does not fit Content-Range %q", a.ContentLength, foreign.Text(a.Header.Get("Content-Range"), foreign.Short, a.Secrets()...))
	}
	return size, nil
}

// parseContentRange reads "bytes 0-4/11".
func parseContentRange(s string) (from, to, size int64, err error) {
	rest, ok := strings.CutPrefix(s, "bytes ")
	bounds, total, ok2 := strings.Cut(rest, "/")
	first, last, ok3 := strings.Cut(bounds, "-")
	from, err1 := strconv.ParseInt(first, 10, 64)
	to, err2 := strconv.ParseInt(last, 10, 64)
	size, err3 := strconv.ParseInt(total, 10, 64)
	if !ok || !ok2 || !ok3 || errors.Join(err1, err2, err3) != nil || from < 0 || to < from || size <= to {
		return 0, 0, 0, fmt.Errorf("unusable Content-Range %q", foreign.Text(s, foreign.Short))
	}
	return from, to, size, nil
}

// TrimETag removes the quotes, and the "W/" that a proxy adds when it changes a
// response: the same version must have the same ETag everywhere.
func TrimETag(s string) string {
	return strings.Trim(strings.TrimPrefix(s, "W/"), `"`)
}

// strongETag is the ETag of an answer, or "" if it is weak: the proxy that made it
// weak may have changed the bytes.
func strongETag(s string) string {
	if strings.HasPrefix(s, "W/") {
		return ""
	}
	return TrimETag(s)
}

// contentEncoding is "" for an answer that is not encoded.
func contentEncoding(h http.Header) string {
	if e := strings.ToLower(strings.TrimSpace(h.Get("Content-Encoding"))); e != "identity" {
		return e
	}
	return ""
}

// httpTime is the Last-Modified header, or zero if there is none.
func httpTime(h http.Header) time.Time {
	t, err := http.ParseTime(h.Get("Last-Modified"))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
