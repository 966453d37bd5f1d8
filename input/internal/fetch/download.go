package fetch

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// Download is one version of an object, ready to be read once.
type Download struct {
	// Content is the version as it is listed, with what the answer tells of it.
	object.Content
	// Whole is the content, where it was read whole for a claim that prefers it
	// so, else nil. It belongs to the claim; Body is then at its end.
	Whole []byte
	// URL opens the object without keys, where [References] has it signed. It is a
	// secret.
	URL  string
	body *body // nil for what has no content here

	began  time.Time     // of its first request
	opened time.Duration // until the answer began
}

// Err is why the download can't be read to its end; nil while all is well. Once
// it is not nil, nothing that was read since may be handed on: a scanner may
// have mistaken the broken end for that of its last record.
func (d *Download) Err() error {
	if d.body == nil {
		return nil
	}
	return d.body.failure()
}

// try makes one attempt at an object: open, accept, read, hand on.
func (r *Run) try(ctx context.Context, a *attempt) error {
	if r.opts.References != nil {
		return r.refer(ctx, a)
	}
	if err := r.tooLarge(a); err != nil && !chooses(a.Claim) {
		return r.unlessChanged(ctx, a, err)
	}
	heldFirst := r.holds(a.Object)
	b := r.newBody(ctx, a.place, !heldFirst)
	defer b.Close()
	d := &Download{body: b, began: time.Now()}
	length := r.firstLength(a)
	if length < a.Size {
		r.splitEarly(a, d, length)
	}
	answer, until, err := r.open(b.ctx, a, length)
	if err != nil {
		return r.clarify(ctx, a, err)
	}
	b.begins(answer)
	d.opened = time.Since(d.began)
	a.place.Answered(d.opened)
	listed := a.Object
	doubtful, err := r.accept(ctx, a, answer)
	if err != nil {
		return err
	}
	if !doubtful && !wants(a.Claim, listedVersion(a.Object, answer), answer) {
		return errSettled
	}
	if err := r.tooLarge(a); err != nil {
		return err
	}
	if until == 0 || doubtful || a.Object != listed {
		d.Whole = nil
		b.dropAhead() // the parts of what is not to be read
	}
	d.Content = *answer
	d.Object, d.Body = listedVersion(a.Object, answer), b
	if until == 0 && !doubtful && answer.Size == d.Size {
		if r.ranges.answered(d.Size, d.opened); r.readsParts(a) && r.ranges.areCheap() {
			until = r.stretch(d.Size) // the rest of the answer is left, once
		}
	}
	if b.ahead == nil {
		b.begin(d.Object, answer.ETag, until)
	}
	holds := r.holds(d.Object)
	if heldFirst && !holds {
		a.Object = d.Object
		return &changedError{d.Object} // it is larger than it was, and begins again
	}
	if doubtful && !holds {
		return r.endOf(ctx, a, b, r.prove(a, b, answer))
	}
	if r.takesWhole(d.Size) && d.Whole == nil {
		d.Whole = make([]byte, d.Size)
	}
	if b.ahead == nil && b.until < d.Size {
		b.ahead = r.newAhead(b, min(b.until, partBytes), d.Whole)
	}
	return r.endOf(ctx, a, b, r.hand(ctx, a, d, holds, r.check(a, *answer, doubtful)))
}

// splitEarly begins the parts of an object that is held whole, except the first,
// together with its first request: on the word of the listing for what its version
// is.
func (r *Run) splitEarly(a *attempt, d *Download, length int64) {
	if !r.takesWhole(a.Size) || !r.ranges.seen.Load() || chooses(a.Claim) {
		return
	}
	d.Whole = make([]byte, a.Size)
	d.body.begin(a.Object, a.ETag, length)
	d.body.ahead = r.newAhead(d.body, length, d.Whole)
}

// tooLarge is an error for an object that no message can hold.
func (r *Run) tooLarge(a *attempt) error {
	if a.Size <= maxHeld || !r.room.budget.whole {
		return nil
	}
	return &object.Error{Op: "reading", Key: a.Key, Kind: object.ErrInvalid, Err: fmt.Errorf(
		"%d bytes are listed, and the scanner holds an object in memory whole: choose one that reads in pieces, such as chunker, or set max_object_size", a.Size)}
}

// endOf is the result of an attempt: where the body broke off, the reason for that.
func (r *Run) endOf(ctx context.Context, a *attempt, b *body, err error) error {
	if failure := b.failure(); failure != nil {
		return r.clarify(ctx, a, failure)
	}
	return err
}

// listedVersion is the version that an accepted answer holds. A row without
// metadata is listed without an ETag and with a size of 0: there the answer knows
// more. The listing's time has milliseconds and is the database's; a GET tells the
// blob store's.
func listedVersion(o object.Object, c *object.Content) object.Object {
	if o.ETag == "" && c.Size != object.UnknownSize {
		o.ETag, o.Size = c.ETag, c.Size
	}
	return o
}

// open makes the first request for an object, for so much of it, and says up to
// where its answer goes: 0 is the end of the object.
func (r *Run) open(ctx context.Context, a *attempt, length int64) (c *object.Content, until int64, err error) {
	if length < a.Size {
		c, err = r.opts.Source.OpenRange(ctx, a.Key, 0, length)
		if err == nil {
			r.ranges.heard(c.Partial)
		}
		switch {
		case err == nil && c.Partial:
			return c, length, nil
		case err == nil: // an endpoint that knows no ranges sends all of it
			return c, 0, nil
		case !errors.Is(err, object.ErrRange): // which is what an object has that is empty by now
			return nil, 0, err
		}
	}
	c, err = r.opts.Source.Open(ctx, a.Key, 0)
	return c, 0, err
}

// firstLength is how much of an object the first request asks for.
func (r *Run) firstLength(a *attempt) int64 {
	switch {
	case r.readsParts(a) && r.ranges.areCheap():
		return r.stretch(a.Size)
	case a.Size <= wholeBytes && r.takesWhole(a.Size) && r.mayRange(a) && r.ranges.splits():
		return r.member.share(a.Size)
	}
	return a.Size
}

// readsParts reports whether an object may be read in parts side by side: a large
// one, where it may be asked for in ranges.
func (r *Run) readsParts(a *attempt) bool { return a.Size > wholeBytes && r.mayRange(a) }

// mayRange reports whether an object may be asked for in ranges: not where only one
// request may be under way, or where an answer has to prove what it is.
func (r *Run) mayRange(a *attempt) bool {
	return r.opts.MaxDownloads != 1 && a.ETag != "" && !a.doubt.had
}

// stretch is how much of a large object its first answer is read for.
func (r *Run) stretch(size int64) int64 {
	if r.takesWhole(size) || r.member.mayReadAhead() {
		return partBytes
	}
	return stretchBytes
}

// takesWhole reports whether an object becomes a Download.Whole.
func (r *Run) takesWhole(size int64) bool {
	return r.opts.TakesWhole && size <= maxWhole
}

// holds reports whether a download is read whole before it is handed on. A small
// object is, so that no connection is kept waiting by a slow pipeline; but where
// the claim gathers the bytes itself a second copy would gain nothing, unless they
// have to be compared before.
func (r *Run) holds(o object.Object) bool {
	switch {
	case r.takesWhole(o.Size):
		return true
	case o.Size > wholeBytes:
		return false
	}
	return !r.opts.HoldsWhole || r.content.wants(o)
}

// hand passes a download on. What check says of the bytes counts before anything
// is handed on, or at the end of a body that is not held.
func (r *Run) hand(ctx context.Context, a *attempt, d *Download, holds bool, check func(sum) error) error {
	if !holds {
		if check != nil {
			d.body.checking = &checking{md5.New(), check}
		}
		return a.Claim.Deliver(ctx, d)
	}
	whole := d.Whole
	if whole == nil {
		whole = make([]byte, d.Size)
	}
	if err := r.readWhole(d, whole); err != nil {
		return err
	}
	if check != nil {
		if err := check(md5.Sum(whole)); err != nil {
			return err
		}
	}
	a.place.Read()
	if d.Whole != nil {
		whole = nil // it is there already
	}
	d.Body = io.NopCloser(bytes.NewReader(whole))
	return a.Claim.Deliver(ctx, d)
}

// readWhole reads a body that has to end where the bytes do. The first quarter of a
// small object tells how long all of it takes.
func (r *Run) readWhole(d *Download, whole []byte) error {
	first := int64(0)
	if minPart <= d.Size && d.Size <= wholeBytes {
		first = min(d.body.until, d.Size/4)
		if _, err := io.ReadFull(d.Body, whole[:first]); err != nil {
			return err
		}
		sending := time.Since(d.began) - d.opened - waitedFor(d.body.current)
		r.ranges.took(d.opened, sending*time.Duration(d.Size)/time.Duration(first))
	}
	if _, err := io.ReadFull(d.Body, whole[first:]); err != nil {
		return err
	}
	var more [1]byte
	if _, err := d.Body.Read(more[:]); !errors.Is(err, io.EOF) {
		return err
	}
	return d.Body.Close()
}
