package s3bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
)

// toTheEnd is the length of a read that has no end of its own.
const toTheEnd = -1

// opReading is the gerund of a GET's errors.
const opReading = "reading"

// Open makes one GET of the object, from offset to its end, and never retries
// it. The content's Object is the version that the server sent; compare its
// ETag and Size with those of the first part before joining two parts, because
// the server ignores If-Match. The caller closes Body.
func (c *Client) Open(ctx context.Context, key string, offset int64) (*bucket.Content, error) {
	return c.get(ctx, key, offset, toTheEnd)
}

// OpenRange is like [Client.Open] but ends after length bytes, or at the end of
// the object. The length must be positive.
func (c *Client) OpenRange(ctx context.Context, key string, offset, length int64) (*bucket.Content, error) {
	if length <= 0 {
		return nil, &bucket.Error{Op: opReading, Key: key, Kind: bucket.ErrInvalid, Err: fmt.Errorf("a range of %d bytes", length)}
	}
	return c.get(ctx, key, offset, length)
}

func (c *Client) get(ctx context.Context, key string, offset, length int64) (*bucket.Content, error) {
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

// rangeHeader is "" for a whole object: a range that starts at 0 is refused for
// an empty object.
func rangeHeader(offset, length int64) string {
	switch {
	case length != toTheEnd:
		return "bytes=" + strconv.FormatInt(offset, 10) + "-" + strconv.FormatInt(offset+length-1, 10)
	case offset > 0:
		return "bytes=" + strconv.FormatInt(offset, 10) + "-"
	}
	return ""
}

// contentOf makes a content of a response to a GET from offset.
func contentOf(a *answer, key string, offset, length int64) (*bucket.Content, error) {
	b := &body{op: opReading, key: key, answer: a}
	size, err := b.expect(offset, length)
	if err != nil {
		if ctxErr := a.watch.caller.Err(); ctxErr != nil {
			return nil, ctxErr
		}
		if _, ok := errors.AsType[*bucket.Error](err); ok {
			return nil, err
		}
		return nil, &bucket.Error{Op: opReading, Key: key, Kind: bucket.ErrUnavailable, Status: a.StatusCode, Err: err}
	}
	return &bucket.Content{
		Object: bucket.Object{
			Key:          key,
			ETag:         trimETag(a.Header.Get("Etag")),
			Size:         size,
			LastModified: httpTime(a.Header),
		},
		ContentType:  a.Header.Get("Content-Type"),
		CacheControl: a.Header.Get("Cache-Control"),
		UserMetadata: userMetadata(a.Header),
		MissingMeta:  missingMeta(a.Header),
		Offset:       offset,
		Partial:      a.StatusCode == http.StatusPartialContent,
		Body:         b,
	}, nil
}

// expect sets how many bytes are due, and returns the size of the whole object.
func (b *body) expect(offset, length int64) (size int64, err error) {
	a := b.answer
	if a.StatusCode == http.StatusPartialContent {
		from, to, size, err := parseContentRange(a.Header.Get("Content-Range"))
		if err != nil {
			return 0, err
		}
		last := size - 1
		if length != toTheEnd {
			last = min(last, offset+length-1)
		}
		if from != offset || to != last {
			return 0, fmt.Errorf("asked for the bytes from %d to %d, got %q", offset, last, a.Header.Get("Content-Range"))
		}
		b.due = to - from + 1
		if a.ContentLength >= 0 && a.ContentLength != b.due {
			return 0, fmt.Errorf("Content-Length %d does not fit Content-Range %q", a.ContentLength, a.Header.Get("Content-Range"))
		}
		return size, nil
	}
	if a.ContentLength < 0 {
		return 0, errors.New("the answer has no Content-Length, so a cut could not be told from the end: a proxy rewrites responses")
	}
	if offset > a.ContentLength {
		return 0, &bucket.Error{Op: b.op, Key: b.key, Kind: bucket.ErrRange, Status: a.StatusCode}
	}
	// A whole object although a part was asked for: skip to it.
	b.due = a.ContentLength
	if offset > 0 {
		if _, err := io.CopyN(io.Discard, b, offset); err != nil {
			return 0, err
		}
	}
	if length != toTheEnd {
		b.due = min(b.due, length)
	}
	return a.ContentLength, nil
}

// parseContentRange reads "bytes 0-4/11".
func parseContentRange(s string) (from, to, size int64, err error) {
	rest, ok := strings.CutPrefix(s, "bytes ")
	span, total, ok2 := strings.Cut(rest, "/")
	first, last, ok3 := strings.Cut(span, "-")
	from, err1 := strconv.ParseInt(first, 10, 64)
	to, err2 := strconv.ParseInt(last, 10, 64)
	size, err3 := strconv.ParseInt(total, 10, 64)
	if !ok || !ok2 || !ok3 || errors.Join(err1, err2, err3) != nil || from < 0 || to < from || size <= to {
		return 0, 0, 0, fmt.Errorf("unusable Content-Range %q", s)
	}
	return from, to, size, nil
}

// trimETag removes the quotes, and the weakness mark that a proxy adds when it
// touches a response: the same version must have the same ETag everywhere.
func trimETag(s string) string {
	return strings.Trim(strings.TrimPrefix(s, "W/"), `"`)
}

// httpTime is the Last-Modified header, zero where there is none.
func httpTime(h http.Header) time.Time {
	t, err := http.ParseTime(h.Get("Last-Modified"))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
