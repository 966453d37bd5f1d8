package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

const (
	opListing = "listing"
	// pageKeys is the most keys that the server puts on a page.
	pageKeys = 1000
	// maxPage bounds the size of one answer. A key has at most 1024 bytes, each of
	// which may be an entity of six bytes (&quot;). The rest of an object's entry is
	// shorter than 500 bytes. A thousand such entries are 6.7 MB.
	maxPage = 8 << 20
	// A page up to largePage need not wait for its turn: that is a thousand keys of
	// 700 bytes. At most maxLarge larger pages are in memory at a time, however many
	// listers there are.
	largePage = 1 << 20
	maxLarge  = 2
)

// Page lists up to a thousand objects with the prefix whose keys are greater
// than after, in byte order. More says whether the listing goes on after the last
// of them; the page is never empty then. The page is retried under the client's
// policy. Only keys with U+FFFD may come out of order: they stand for rows whose
// names the API cannot express.
func (c *Client) Page(ctx context.Context, prefix, after string) (objs []object.Object, more bool, err error) {
	l := lister{client: c, cursor: cursor{prefix: prefix, after: after, last: after}}
	for more = true; more && len(l.page.objects) == 0; {
		err := c.retrying(ctx, opListing, func(ctx context.Context) (err error) {
			if err = l.fetch(ctx, pageKeys); err == nil {
				more, err = l.cursor.advance(&l.page)
			}
			return err
		})
		if err != nil {
			return nil, false, err
		}
	}
	return l.page.objects, more, nil
}

// Probe asks for a single key under prefix, to see whether the host, the
// credentials, the region and the bucket are right. It returns the first object,
// and whether there is one.
func (c *Client) Probe(ctx context.Context, prefix string, policy retry.Policy) (object.Object, bool, error) {
	l := lister{client: c, cursor: cursor{prefix: prefix}}
	err := policy.Do(ctx, func(ctx context.Context) error { return l.fetch(ctx, 1) }, object.Transient, c.retryHook(opListing))
	if err != nil || len(l.page.objects) == 0 {
		return object.Object{}, false, err
	}
	return l.page.objects[0], true, nil
}

// Probing is a client that probes by itself, below the prefix of a listing.
type Probing struct {
	*Client
	prefix string
}

// Probing returns the client for downloads, which know no prefix.
func (c *Client) Probing(prefix string) Probing { return Probing{c, prefix} }

// Probe makes one probe, without a second attempt.
func (p Probing) Probe(ctx context.Context) error {
	_, _, err := p.Client.Probe(ctx, p.prefix, retry.Once)
	return err
}

// lister fetches one page, and further pages as long as they are empty.
type lister struct {
	client *Client
	cursor cursor
	page   page
}

// buffers hold lists while they are decoded. Decoding copies what it keeps, so the
// buffers can be reused; growing a new buffer each time would take as long as the
// decoding.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxKeptBuffer is the largest buffer that is kept for the next list. It is twice
// largePage, since a buffer doubles as it grows.
const maxKeptBuffer = 2 * largePage

// large has a place for each large page that is in memory.
var large = make(chan struct{}, maxLarge)

// fetch makes one list request and decodes the whole page.
func (l *lister) fetch(ctx context.Context, maxKeys int) error {
	c := l.client
	start := time.Now()
	if err := l.ask(ctx, request{op: opListing, method: http.MethodGet, query: l.cursor.query(maxKeys)}, maxKeys); err != nil {
		return err
	}
	if c.o.OnListPage != nil {
		c.o.OnListPage(time.Since(start), len(l.page.objects))
	}
	return nil
}

// ask makes the request and decodes its answer.
func (l *lister) ask(ctx context.Context, r request, maxKeys int) error {
	a, err := l.client.do(ctx, r)
	if err != nil {
		return err
	}
	defer a.close()
	buf := buffers.Get().(*bytes.Buffer)
	defer func() {
		if buf.Cap() <= maxKeptBuffer {
			buffers.Put(buf)
		}
	}()
	isLarge, err := readList(ctx, buf, a)
	if isLarge {
		defer func() { <-large }()
	}
	if err != nil {
		return err
	}
	if err := l.page.decode(buf.Bytes(), maxKeys); err != nil {
		return listDecodeError(err, buf.Bytes(), a)
	}
	return l.checkPrefix()
}

// checkPrefix makes sure that the page is for the requested prefix: a cache may
// answer with a page for another prefix. The server repeats a prefix with control
// characters in another form, so such a prefix is not compared.
func (l *lister) checkPrefix() error {
	asked := l.cursor.prefix
	seen := l.page.prefix
	if seen != nil && *seen != asked && !strings.ContainsFunc(asked, func(c rune) bool { return c < ' ' || c == utf8.RuneError }) {
		return &object.Error{Op: opListing, Kind: object.ErrUnavailable, Err: fmt.Errorf("the answer is for the prefix %s, not for %s", foreign.Key(*seen), foreign.Key(asked))}
	}
	for i := range l.page.objects {
		if key := l.page.objects[i].Key; !strings.HasPrefix(key, asked) && !unplaced(key) && key != "" {
			return &object.Error{Op: opListing, Kind: object.ErrUnavailable, Err: fmt.Errorf("it shows %s, which is not below the prefix %s", foreign.Key(key), foreign.Key(asked))}
		}
	}
	return nil
}

// readList reads the answer to a list request into buf. It reports whether the
// page is large; then the caller frees its place in the channel large.
func readList(ctx context.Context, buf *bytes.Buffer, a *answer) (isLarge bool, err error) {
	buf.Reset()
	if a.ContentLength > maxPage {
		return false, tooLarge(a)
	}
	b := &body{op: opListing, answer: a, due: a.ContentLength}
	if _, err := buf.ReadFrom(io.LimitReader(b, largePage)); err != nil || buf.Len() < largePage {
		return false, err
	}
	select {
	case large <- struct{}{}:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	whole := int(a.ContentLength)
	if whole < 0 {
		whole = maxPage + 1
	}
	buf.Grow(whole - largePage + bytes.MinRead) // at once: each doubling would be garbage
	if _, err := buf.ReadFrom(io.LimitReader(b, maxPage+1-largePage)); err != nil {
		return true, err
	}
	if buf.Len() > maxPage {
		return true, tooLarge(a)
	}
	return true, nil
}

// tooLarge is the error for a page that is larger than a thousand keys can be.
// Something else than an S3 server answers, which may pass, or the store sends
// more keys than requested.
func tooLarge(a *answer) error {
	return &object.Error{
		Op: opListing, Kind: object.ErrUnavailable, Status: a.StatusCode,
		Err: fmt.Errorf("%w: a page of the listing exceeds %d bytes, which a thousand keys never do", object.ErrOversized, maxPage),
	}
}

// listDecodeError is the error for an answer that could not be decoded. The next
// answer may be better: the listing arrived damaged, or a proxy wrote the page. A
// wrong address is not assumed here: a run probes the address first, and the code
// that probes checks for it.
func listDecodeError(err error, doc []byte, a *answer) error {
	e := &object.Error{Op: opListing, Kind: object.ErrUnavailable, Status: a.StatusCode}
	secrets := a.cred.Secrets()
	code, message, isError := decodeError(doc)
	switch {
	case isError:
		e.Code, e.Message = foreign.CodeAndMessage(code, message, secrets...)
	case errors.Is(err, errEncodedKeys):
		e.Kind, e.Err = object.ErrInvalid, err
	case errors.Is(err, errNotAList), errors.Is(err, errNotXML), !bytes.Contains(doc, []byte("ListBucketResult")):
		code, message, _ = foreign.JSON(doc)
		e.Code, e.Message = foreign.CodeAndMessage(code, message, secrets...)
		e.Err = foreign.NewAnswer(object.ErrNotS3, a.Response, doc, secrets...)
	default:
		e.Err = err
	}
	return e
}
