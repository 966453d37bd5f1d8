package s3bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

const (
	opListing = "listing"
	// pageKeys is the most that the server gives.
	pageKeys = 1000
	// maxPage bounds the memory that one answer may take: a thousand keys of
	// 1024 bytes, every byte of them escaped, take a quarter of it.
	maxPage = 32 << 20
)

// Page lists up to a thousand objects with the prefix whose keys are greater
// than after, in byte order; more says whether the listing goes on behind the
// last of them. The page is retried under the client's policy, and there is an
// object on it whenever there is more. Only keys with U+FFFD, which stand for
// rows whose names the API cannot express, may come out of order.
func (c *Client) Page(ctx context.Context, prefix, after string) (objs []bucket.Object, more bool, err error) {
	l := lister{client: c, cursor: cursor{prefix: prefix, after: after, last: after}}
	for more = true; more && len(l.page.objects) == 0; {
		err := c.retrying(ctx, opListing, func(ctx context.Context) error { return l.fetch(ctx, pageKeys) })
		if err == nil {
			more, err = l.cursor.advance(&l.page)
		}
		if err != nil {
			return nil, false, err
		}
	}
	return l.page.objects, more, nil
}

// Probe asks for a single key under prefix, to see whether the host, the
// credentials, the region and the bucket are right. It reports the first object
// and whether there is one.
func (c *Client) Probe(ctx context.Context, prefix string, policy retry.Policy) (bucket.Object, bool, error) {
	l := lister{client: c, cursor: cursor{prefix: prefix}}
	err := policy.Do(ctx, func(ctx context.Context) error { return l.fetch(ctx, 1) }, bucket.Transient, c.retryHook(opListing))
	if err != nil || len(l.page.objects) == 0 {
		return bucket.Object{}, false, err
	}
	return l.page.objects[0], true, nil
}

// lister fetches one page, and those after it as long as they are empty.
type lister struct {
	client *Client
	cursor cursor
	page   page
}

// answers hold lists while they are decoded, which copies what it keeps: to
// grow a buffer for each anew would take as long as the decoding.
var answers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxKeptAnswer is the largest buffer that waits for the next list. A thousand
// keys of common length take half of it.
const maxKeptAnswer = 1 << 20

// fetch makes one list request and decodes the whole page.
func (l *lister) fetch(ctx context.Context, maxKeys int) error {
	c := l.client
	start := time.Now()
	if err := l.ask(ctx, request{op: opListing, method: http.MethodGet, query: l.cursor.query(maxKeys)}); err != nil {
		return err
	}
	if c.o.OnListPage != nil {
		c.o.OnListPage(time.Since(start), len(l.page.objects))
	}
	return nil
}

// ask makes the request and decodes its answer.
func (l *lister) ask(ctx context.Context, r request) error {
	a, err := l.client.do(ctx, r)
	if err != nil {
		return err
	}
	defer a.close()
	buf := answers.Get().(*bytes.Buffer)
	defer func() {
		if buf.Cap() <= maxKeptAnswer {
			answers.Put(buf)
		}
	}()
	if err := readList(buf, a); err != nil {
		return err
	}
	if err := l.page.decode(buf.Bytes()); err != nil {
		return listDecodeError(err, buf.Bytes(), a)
	}
	return nil
}

// readList reads the answer to a list request into buf.
func readList(buf *bytes.Buffer, a *answer) error {
	buf.Reset()
	b := &body{op: opListing, answer: a, due: a.ContentLength}
	if _, err := buf.ReadFrom(io.LimitReader(b, maxPage+1)); err != nil {
		return err
	}
	if buf.Len() > maxPage {
		return &bucket.Error{Op: opListing, Kind: bucket.ErrInvalid, Status: a.StatusCode, Err: errPageTooLarge}
	}
	return nil
}

var errPageTooLarge = fmt.Errorf("the answer is larger than %d bytes", maxPage)

// listDecodeError tells an answer that is no listing from a listing that
// arrived damaged, which may be better the next time.
func listDecodeError(err error, doc []byte, a *answer) error {
	e := &bucket.Error{Op: opListing, Kind: bucket.ErrUnavailable, Status: a.StatusCode}
	code, message, isError := decodeError(doc)
	switch {
	case isError:
		e.Code, e.Message = code, redact(message, a.cred)
	case len(doc) == 0:
		e.Err = errors.New("the answer is empty")
	case errors.Is(err, errEncodedKeys):
		e.Kind, e.Err = bucket.ErrInvalid, err
	case errors.Is(err, errNotAList), errors.Is(err, errNotXML):
		e.Kind = bucket.ErrInvalid
		e.Err = foreign(doc, a.Header, a.cred)
	default:
		e.Err = err
	}
	return e
}
