package s3

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

// toTheEnd is the length of a read to the end of the object.
const toTheEnd = -1

// opReading is the Op of errors of a GET.
const opReading = "reading"

// Open makes one GET of the object, from offset to its end, and never retries
// it. The content's Object is what the answer says it is: compare its ETag and
// Size with the listed ones, because gateways answer for the server, and the
// server ignores If-Match. An endpoint without range support sends the object from
// its first byte; the content's Offset shows that. The caller closes Body.
func (c *Client) Open(ctx context.Context, key string, offset int64) (*object.Content, error) {
	return c.get(ctx, key, offset, toTheEnd)
}

// OpenRange is like [Client.Open] but ends after length bytes, or at the end of
// the object. The length must be positive.
func (c *Client) OpenRange(ctx context.Context, key string, offset, length int64) (*object.Content, error) {
	if length <= 0 {
		return nil, &object.Error{Op: opReading, Key: key, Kind: object.ErrInvalid, Err: fmt.Errorf("a range of %d bytes", length)}
	}
	return c.get(ctx, key, offset, length)
}

func (c *Client) get(ctx context.Context, key string, offset, length int64) (*object.Content, error) {
	start := time.Now()
	a, err := c.do(ctx, request{op: opReading, method: http.MethodGet, key: key, byteRange: rangeHeader(offset, length)})
	if err != nil {
		return nil, err
	}
	if c.o.OnFirstByte != nil {
		c.o.OnFirstByte(time.Since(start))
	}
	content, err := contentOf(a, key, offset, length)
	if err != nil {
		a.close()
		return nil, err
	}
	return content, nil
}

// rangeHeader is "" for a whole object: the server refuses a range that starts at
// 0 if the object is empty.
func rangeHeader(offset, length int64) string {
	switch {
	case length != toTheEnd:
		return "bytes=" + strconv.FormatInt(offset, 10) + "-" + strconv.FormatInt(offset+length-1, 10)
	case offset > 0:
		return "bytes=" + strconv.FormatInt(offset, 10) + "-"
	}
	return ""
}

// contentOf makes a Content from the answer to a GET from offset.
func contentOf(a *answer, key string, offset, length int64) (*object.Content, error) {
	b := &body{op: opReading, key: key, answer: a}
	size, err := b.expect(offset, length)
	if err != nil {
		return nil, &object.Error{Op: opReading, Key: key, Kind: object.ErrUnavailable, Status: a.StatusCode, Err: err}
	}
	partial := a.StatusCode == http.StatusPartialContent
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
		Encoding:     contentEncoding(a.Header),
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
func (b *body) expect(offset, length int64) (size int64, err error) {
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
	if length != toTheEnd {
		last = min(last, offset+length-1)
	}
	if from != offset || to > last {
		return 0, fmt.Errorf("asked for the bytes from %d to %d, got %q", offset, last, foreign.Text(a.Header.Get("Content-Range"), foreign.Short, a.cred.Secrets()...))
	}
	b.due = to - from + 1
	if a.ContentLength >= 0 && a.ContentLength != b.due {
		return 0, fmt.Errorf("Content-Length %d does not fit Content-Range %q", a.ContentLength, foreign.Text(a.Header.Get("Content-Range"), foreign.Short, a.cred.Secrets()...))
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

// trimETag removes the quotes, and the "W/" that a proxy adds when it changes a
// response: the same version must have the same ETag everywhere.
func trimETag(s string) string {
	return strings.Trim(strings.TrimPrefix(s, "W/"), `"`)
}

// strongETag is the ETag of an answer, or "" if it is weak: the proxy that made it
// weak may have changed the bytes.
func strongETag(s string) string {
	if strings.HasPrefix(s, "W/") {
		return ""
	}
	return trimETag(s)
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
