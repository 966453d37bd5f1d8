package plane

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

const (
	// OpListing is the Op of errors of a listing.
	OpListing = "listing"
	// PageKeys is the most keys that the server puts on a page.
	PageKeys = 1000
	// maxPage bounds the size of one answer. A key has at most 1024 bytes, each of
	// which may be escaped in six (&quot; or \u0022). The rest of an object's entry is
	// shorter than 1000 bytes. A thousand such entries are 7.2 MB.
	maxPage = 8 << 20
	// A page up to largePage need not wait for its turn: that is a thousand keys of
	// 700 bytes. At most maxLarge larger pages are in memory at a time, however many
	// listers there are.
	largePage = 1 << 20
	maxLarge  = 2
	// maxKeptBuffer is the largest buffer that is kept for the next list. It is twice
	// largePage, since a buffer doubles as it grows.
	maxKeptBuffer = 2 * largePage
)

// buffers hold documents while they are decoded. Decoding copies what it keeps, so
// the buffers can be reused; growing a new buffer each time would take as long as
// the decoding.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// large has a place for each large document that is in memory.
var large = make(chan struct{}, maxLarge)

// List makes one request for at most limit keys of a listing, and has decode read its
// answer and say how many keys there are.
func (c *Caller) List(ctx context.Context, r Request, limit int, decode func(a *Answer, doc []byte) (keys int, err error)) error {
	start, keys := time.Now(), 0
	err := c.Document(ctx, r, func(a *Answer, doc []byte) (err error) {
		keys, err = decode(a, doc)
		return err
	})
	if err == nil && c.o.OnListPage != nil && limit >= PageKeys { // fewer are looked for, not listed
		c.o.OnListPage(time.Since(start), keys)
	}
	return err
}

// fewMisled is how often a page is asked for that contradicts itself or the page
// before. A listing that changes meanwhile may look so once or twice; what lasts for
// more attempts does not pass.
const fewMisled = 4

// RetryingPage runs f, which asks for a page, under the client's policy, and fewer times
// where the pages can't be right.
func (c *Caller) RetryingPage(ctx context.Context, f func(context.Context) error) error {
	misled, last := 0, error(nil)
	err := c.retrying(ctx, OpListing, c.o.Turn, func(ctx context.Context) error {
		err := f(ctx)
		// Where it is only the cause, a cache may be to blame, and that passes.
		if e, ok := errors.AsType[*object.Error](err); ok && e.Kind == object.ErrMisled { //nolint:errorlint // its kind, not its cause
			if misled++; misled == fewMisled {
				last, err = err, nil
			}
		}
		return err
	})
	if last != nil {
		return last
	}
	return err
}

// Document makes one request and has decode read the whole answer, which is good
// until decode returns.
func (c *Caller) Document(ctx context.Context, r Request, decode func(a *Answer, doc []byte) error) error {
	a, err := c.Do(ctx, r)
	if err != nil {
		return err
	}
	defer a.Close()
	buf := buffers.Get().(*bytes.Buffer)
	defer func() {
		if buf.Cap() <= maxKeptBuffer {
			buffers.Put(buf)
		}
	}()
	isLarge, err := a.readAll(ctx, r, buf)
	if isLarge {
		defer func() { <-large }()
	}
	if err != nil {
		return err
	}
	return decode(a, buf.Bytes())
}

// readAll reads the answer into buf. It reports whether the document is large; then
// the caller frees its place in the channel large.
func (a *Answer) readAll(ctx context.Context, r Request, buf *bytes.Buffer) (isLarge bool, err error) {
	buf.Reset()
	if a.ContentLength > maxPage {
		return false, a.tooLarge(r)
	}
	b := &body{op: r.Op, key: r.Key, answer: a, due: a.ContentLength}
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
		return true, a.tooLarge(r)
	}
	return true, nil
}

// tooLarge is the error for a page that is larger than a thousand keys can be.
// Something else than the storage answers, which may pass, or the store sends
// more keys than requested.
func (a *Answer) tooLarge(r Request) error {
	return &object.Error{
		Op: r.Op, Key: r.Key, Kind: object.ErrUnavailable, Status: a.StatusCode,
		Err: fmt.Errorf("%w: a page of the listing exceeds %d bytes, which a thousand keys never do", object.ErrOversized, maxPage),
	}
}

var (
	// ErrGoesRound means that a page begins at or before the end of the one before.
	ErrGoesRound = errors.New("the server's listing goes round: a page did not get beyond the one before")
	errOutOfTurn = errors.New("the server's listing is not in the byte order of its keys")
)

// Tidy drops what repeats the entry before it. The entries of a page that nothing
// follows are all that is left, so their order does not matter: they are sorted. It
// changes objs.
func Tidy(objs []object.Object, complete bool, unplaced func(key string) bool) []object.Object {
	same := func(a, b object.Object) bool { return a.Key != "" && a.SameVersion(b) && a.Odd == b.Odd }
	objs = slices.CompactFunc(objs, same)
	if !complete {
		return objs
	}
	if _, err := Follow(objs, "", unplaced); err == nil {
		return objs
	}
	slices.SortStableFunc(objs, func(a, b object.Object) int { return strings.Compare(a.Key, b.Key) })
	return slices.CompactFunc(objs, same)
}

// Misled is the error of a listing that contradicts itself.
func Misled(err error) error {
	return &object.Error{Op: OpListing, Kind: object.ErrMisled, Err: err}
}

// OfAnother is the error of a page that is not what was asked for, most likely from
// a cache, which passes.
func OfAnother(format string, args ...any) error {
	return &object.Error{Op: OpListing, Kind: object.ErrUnavailable, Err: fmt.Errorf("%w: "+format, append([]any{object.ErrMisled}, args...)...)}
}

// Follow checks that the keys of a page rise from last, and returns the new last
// key. Keys that are unplaced may be anywhere.
func Follow(objs []object.Object, last string, unplaced func(key string) bool) (string, error) {
	for i := range objs {
		key := objs[i].Key
		switch {
		case unplaced(key):
		case key > last:
			last = key
		case i == 0:
			return "", ErrGoesRound
		default:
			return "", errOutOfTurn
		}
	}
	return last, nil
}

// Below checks that the keys of a page begin with a prefix: a cache may answer with
// a page for another prefix. Keys that are unplaced are not checked.
func Below(objs []object.Object, prefix string, unplaced func(key string) bool) error {
	for i := range objs {
		if key := objs[i].Key; !strings.HasPrefix(key, prefix) && !unplaced(key) {
			return OfAnother("it shows %s, which is not below the prefix %s", foreign.Key(key), foreign.Key(prefix))
		}
	}
	return nil
}
