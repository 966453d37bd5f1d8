package s3

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// Page lists up to a thousand objects with the prefix whose keys are greater
// than after, in byte order. More says whether the listing goes on after the last
// of them; the page is never empty then. The page is retried under the client's
// policy. Only keys with U+FFFD may come out of order: they stand for rows whose
// names the API cannot express.
func (c *Client) Page(ctx context.Context, prefix, after string) (objs []object.Object, more bool, err error) {
	l := lister{client: c, cursor: cursor{prefix: prefix, after: after, last: after}}
	for more = true; more && len(l.page.objects) == 0; {
		err := c.caller.RetryingPage(ctx, func(ctx context.Context) (err error) {
			if err = l.fetch(ctx, plane.PageKeys); err == nil {
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
	err := policy.Do(ctx, func(ctx context.Context) error { return l.fetch(ctx, 1) }, object.Transient, c.caller.RetryHook(plane.OpListing))
	if err != nil || len(l.page.objects) == 0 {
		return object.Object{}, false, err
	}
	return l.page.objects[0], true, nil
}

// lister fetches one page, and further pages as long as they are empty.
type lister struct {
	client *Client
	cursor cursor
	page   page
}

// fetch makes one list request and decodes the whole page.
func (l *lister) fetch(ctx context.Context, maxKeys int) error {
	return l.ask(ctx, request{op: plane.OpListing, method: http.MethodGet, query: l.cursor.query(maxKeys)}, maxKeys)
}

// ask makes the request and decodes its answer.
func (l *lister) ask(ctx context.Context, r request, maxKeys int) error {
	return l.client.caller.List(ctx, l.client.as(r), maxKeys, func(a *plane.Answer, doc []byte) (int, error) {
		if err := l.page.decode(doc, maxKeys); err != nil {
			return 0, listDecodeError(err, doc, a)
		}
		l.page.objects = plane.Tidy(l.page.objects, !l.page.truncated, unplaced)
		return len(l.page.objects), l.check()
	})
}

// check makes sure that the page is for the requested bucket and prefix: a cache may
// answer with another page. The server repeats a prefix with control characters in
// another form, so such a prefix is not compared.
func (l *lister) check() error {
	if name := l.page.bucket; name != "" && name != l.client.bucket {
		return plane.OfAnother("the answer is for the bucket %s, not for %s", foreign.Key(name), foreign.Key(l.client.bucket))
	}
	asked := l.cursor.prefix
	seen := l.page.prefix
	if seen != nil && *seen != asked && !strings.ContainsFunc(asked, func(c rune) bool { return c < ' ' || c == utf8.RuneError }) {
		return plane.OfAnother("the answer is for the prefix %s, not for %s", foreign.Key(*seen), foreign.Key(asked))
	}
	return plane.Below(l.page.objects, asked, unplaced)
}

// listDecodeError is the error for an answer that could not be decoded. The next
// answer may be better: the listing arrived damaged, or a proxy wrote the page. A
// wrong address is not assumed here: a run probes the address first, and the code
// that probes checks for it.
func listDecodeError(err error, doc []byte, a *plane.Answer) error {
	e := &object.Error{Op: plane.OpListing, Kind: object.ErrUnavailable, Status: a.StatusCode}
	secrets := a.Secrets()
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
