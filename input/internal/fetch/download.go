package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
)

// Download is one version of an object, ready to be read once.
type Download struct {
	bucket.Content
	// Whole is the content, where it was read whole for a taker that prefers it
	// so, else nil. It belongs to the taker; Body is then at its end.
	Whole []byte
	body  *body

	began  time.Time     // of its first request
	opened time.Duration // until the answer began
}

// Err is why the download can't be read to its end; nil while all is well. Once
// it is not nil, nothing that was read since may be handed on: a scanner may
// have taken the broken end for a last record.
func (d *Download) Err() error { return d.body.failure() }

// grownError says that an object is not what its listing showed, so that another
// attempt has to begin under what it is now.
type grownError struct{ now bucket.Object }

func (e *grownError) Error() string {
	return fmt.Sprintf("reading %q: it changed to %d bytes after it was listed", e.now.Key, e.now.Size)
}

// Unwrap makes it the kind of error that it is, where there were too many.
func (e *grownError) Unwrap() error { return bucket.ErrChanged }

// try makes one attempt at an object: open, read, hand on.
func (r *run) try(ctx context.Context, a attempt) error {
	began := time.Now()
	if length := r.share(a.object); length < a.object.Size {
		return r.trySplit(ctx, a, length)
	}
	content, until, err := r.open(ctx, a.object)
	if err != nil {
		return r.clarify(ctx, a.object.Key, err)
	}
	b := r.newBody(ctx, content, until)
	defer b.Close()
	if r.room.budget.chargeFor(content.Size) > a.charge {
		return &grownError{now: content.Object}
	}
	d := &Download{Content: *content, body: b, began: began, opened: time.Since(began)}
	d.Body = b
	if content.LastModified.IsZero() || content.SameVersion(a.object) {
		// The listing's time has milliseconds and is the database's; a GET tells
		// the blob store's.
		d.LastModified = a.object.LastModified
	}
	r.readAhead(ctx, d)
	err = r.hand(ctx, d)
	if failure := d.Err(); failure != nil {
		return r.clarify(ctx, a.object.Key, failure)
	}
	return err
}

// share is how much of a small object each request asks for: all of it, but
// where the byte budget is scarce.
func (r *run) share(obj bucket.Object) int64 {
	if obj.Size > wholeBytes || obj.ETag == "" || r.opts.MaxDownloads == 1 || !r.takesWhole(obj.Size) || !r.worth.splits() {
		return obj.Size
	}
	return r.room.share(obj.Size)
}

// trySplit makes one attempt at a small object in parts that are asked for at
// once, as far as there are places, on the word of the listing for what its
// version is.
func (r *run) trySplit(ctx context.Context, a attempt, length int64) error {
	d := &Download{Content: bucket.Content{Object: a.object}, Whole: make([]byte, a.object.Size), began: time.Now()}
	b := &body{
		ctx: ctx, source: r.opts.Source, policy: r.opts.Retry, room: r.room,
		version: a.object, until: length,
	}
	defer b.Close()
	b.ahead = r.newAhead(ctx, a.object, 0, length, length, d.Whole)
	first, err := r.opts.Source.OpenRange(ctx, a.object.Key, 0, length)
	switch {
	case errors.Is(err, bucket.ErrRange): // it is empty by now
		return &grownError{now: bucket.Object{Key: a.object.Key, LastModified: a.object.LastModified}}
	case err != nil:
		return r.clarify(ctx, a.object.Key, err)
	}
	b.current = first.Body
	if !first.SameVersion(a.object) {
		return &grownError{now: first.Object}
	}
	if !first.Partial {
		r.worth.never()
	}
	d.body = b
	d.Content = *first
	d.Body, d.LastModified = b, a.object.LastModified
	err = r.hand(ctx, d)
	if failure := d.Err(); failure != nil {
		return r.clarify(ctx, a.object.Key, failure)
	}
	return err
}

// open makes the first request for an object, and says up to where its answer
// goes. A small object is one request. A large one is asked for piece by piece
// where other pieces may be read beside it; not so where only one request may be
// under way, nor where it has not paid.
func (r *run) open(ctx context.Context, obj bucket.Object) (c *bucket.Content, until int64, err error) {
	if length := r.firstStretch(obj.Size); length < obj.Size {
		c, err = r.opts.Source.OpenRange(ctx, obj.Key, 0, length)
		switch {
		case err == nil && c.Partial:
			return c, length, nil
		case err == nil: // an endpoint that knows no ranges
			_ = c.Body.Close()
			r.worth.never()
		case !errors.Is(err, bucket.ErrRange): // which is what an object has that is empty by now
			return nil, 0, err
		}
	}
	if c, err = r.opts.Source.Open(ctx, obj.Key, 0); err != nil {
		return nil, 0, err
	}
	return c, c.Size, nil
}

// firstStretch is how much of an object the first request asks for.
func (r *run) firstStretch(size int64) int64 {
	whole := r.takesWhole(size)
	switch {
	case r.opts.MaxDownloads == 1:
		return size
	case size <= wholeBytes || !r.worth.pays(size):
		return size
	case whole || r.room.mayReadAhead():
		return aheadBytes
	}
	return stretchBytes
}

// readAhead has parts read beside the body of an object that is larger than its
// first answer, or on trial where it is not known whether that pays.
func (r *run) readAhead(ctx context.Context, d *Download) {
	b := d.body
	if r.takesWhole(d.Size) {
		d.Whole = make([]byte, d.Size)
	}
	switch {
	case b.until < d.Size:
		b.ahead = r.newAhead(ctx, d.Object, d.opened, b.until, min(b.until, aheadBytes), d.Whole)
	case d.Size > wholeBytes && r.opts.MaxDownloads != 1 && r.worth.beginTrial():
		b.ahead = r.newAhead(ctx, d.Object, d.opened, b.until, aheadBytes, d.Whole)
	}
}

// takesWhole reports whether an object becomes a Download.Whole.
func (r *run) takesWhole(size int64) bool {
	return r.opts.TakesWhole && size <= maxWhole
}

// hand passes a download on. A small object is read whole before, so that no
// connection is kept waiting by a slow pipeline; but where the taker gathers the
// bytes itself a second copy would gain nothing.
func (r *run) hand(ctx context.Context, d *Download) error {
	whole := d.Whole
	switch {
	case whole != nil:
	case !r.opts.HoldsWhole && d.Size <= wholeBytes:
		whole = make([]byte, d.Size)
	default:
		return r.deliver(ctx, d)
	}
	if _, err := io.ReadFull(d.Body, whole); err != nil {
		return err
	}
	if err := d.Body.Close(); err != nil {
		return err
	}
	switch {
	case d.Size < 2*minPart || d.Size > wholeBytes:
	case d.body.ahead == nil:
		r.worth.wasWhole(d.Size, d.opened, time.Since(d.began))
	default:
		r.worth.wasSplit(d.Size, time.Since(d.began))
	}
	if d.Whole != nil {
		whole = nil // it is there already
	}
	d.Body = io.NopCloser(bytes.NewReader(whole))
	return r.deliver(ctx, d)
}

// clarify tells apart the two reasons for a 404 on a listed object: it is gone
// from the bucket, or its row is there and only its content is missing (which
// also happens for a moment while another version replaces it).
func (r *run) clarify(ctx context.Context, key string, err error) error {
	if !errors.Is(err, bucket.ErrNotFound) {
		return err
	}
	_, headErr := r.opts.Source.Head(ctx, key)
	if headErr == nil {
		return &bucket.Error{Op: "reading", Key: key, Kind: bucket.ErrMissingContent, Err: err}
	}
	return headErr
}
