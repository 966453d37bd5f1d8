package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// changedError says that the listing shows another version than the one that was
// to be read, so that another attempt has to begin with that.
type changedError struct{ now object.Object }

func (e *changedError) Error() string {
	return fmt.Sprintf("reading %q: it was overwritten after it was listed, and has %d bytes now", e.now.Key, e.now.Size)
}

// Unwrap makes it the kind of error that it is, where there were too many.
func (e *changedError) Unwrap() error { return object.ErrChanged }

// accept decides whether an answer is the object. It is where ETag and size are
// the listed ones, which is the rule and costs nothing. Otherwise the listing is
// asked for this one key: the answer may be a newer version, which a then
// becomes, or its content may have to prove what it is, of which doubtful tells.
func (r *Run) accept(ctx context.Context, a *attempt, c *object.Content) (doubtful bool, err error) {
	if answers(c, a.Object) && c.ETag == a.ETag && !unnamed(a.Object) || a.proved(c) {
		return false, nil
	}
	now, listed, err := r.opts.Source.Listed(ctx, a.Key)
	switch {
	case err != nil:
		return false, err
	case !listed:
		return false, vanished(a.Key)
	case now.SameVersion(a.Object) && a.stale.waits(c, a.ETag):
		return false, notYet(r.mismatch(a, c, ""))
	case now.SameVersion(a.Object):
		return r.doubt(a, c)
	case !answers(c, now) || c.ETag != now.ETag || unnamed(now):
		return false, &changedError{now}
	case !a.Claim.Changed(now):
		return false, errSettled
	case r.room.budget.chargeFor(now.Size) > a.charge:
		return false, &changedError{now}
	}
	a.Object = now
	return false, nil
}

// answers reports whether an answer may hold the bytes of a version: its size is
// the listed one. An answer that does not tell its size may, unless it is encoded:
// the number of its bytes then says nothing. A row without metadata is listed
// without an ETag and with a size of 0; of such a row the listing knows nothing.
func answers(c *object.Content, o object.Object) bool {
	switch c.Size {
	case o.Size:
		return true
	case object.UnknownSize:
		return c.Encoding == ""
	}
	return o.ETag == "" && o.Size == 0
}

// unnamed reports whether the listing shows a version by its size alone. An answer
// of that size is not yet the object: its own ETag, or a second answer, has to speak
// for the bytes.
func unnamed(o object.Object) bool { return o.ETag == "" && o.Size > 0 }

// doubt is for an answer that names another version than the listing, which
// shows the same as before.
func (r *Run) doubt(a *attempt, c *object.Content) (doubtful bool, err error) {
	if a.ETag == "" && a.Size == 0 { // a row without metadata: nothing to compare with
		if size := c.Size; size > a.Size && !a.Claim.Changed(c.Object) {
			return false, errSettled
		}
		return false, nil
	}
	if !answers(c, a.Object) || c.StaleFor > 0 && a.ETag != "" && !r.content.isMD5(a.ETag) { // a cache may well give the same answer twice
		return false, r.mismatch(a, c, "")
	}
	if c.Partial {
		a.doubt.had = true
		return false, r.mismatch(a, c, "the next attempt reads it whole, to see what it is")
	}
	return true, nil
}

// mismatch is the error of an answer that is not the object: what came, and what
// is listed.
func (r *Run) mismatch(a *attempt, c *object.Content, why string) *object.Error {
	var b strings.Builder
	b.WriteString("got ")
	if c.Size == object.UnknownSize {
		b.WriteString("an answer of unknown size")
	} else {
		fmt.Fprintf(&b, "%d bytes", c.Size)
	}
	if c.ContentType != "" {
		fmt.Fprintf(&b, " of %.80q", c.ContentType)
	}
	if c.Encoding != "" {
		fmt.Fprintf(&b, " encoded as %.20q", c.Encoding)
	}
	if c.ETag == "" {
		b.WriteString(" without a strong ETag")
	} else {
		fmt.Fprintf(&b, " with ETag %.80q", c.ETag)
	}
	fmt.Fprintf(&b, ", where %d bytes with ETag %.80q are listed", a.Size, a.ETag)
	if why != "" {
		b.WriteString(": " + why)
	}
	return &object.Error{Op: "reading", Key: a.Key, Kind: object.ErrMismatch, Err: errors.New(b.String())}
}

// notYet makes of what does not match an answer that is to be waited for.
func notYet(e *object.Error) error {
	e.Kind = object.ErrStale
	return e
}

func vanished(key string) error {
	return &object.Error{Op: "reading", Key: key, Kind: object.ErrNotFound, Err: errors.New("the listing no longer shows it")}
}

// clarify finds out what a failed request for a listed object means. A 404 is
// only a reason to ask the listing. A 403 belongs to the object until the probe
// shows that it belongs to the keys.
func (r *Run) clarify(ctx context.Context, a *attempt, err error) error {
	switch {
	case errors.Is(err, object.ErrNotFound):
		return r.clarifyMissing(ctx, a, err)
	case errors.Is(err, object.ErrCredentials), errors.Is(err, object.ErrDenied):
		return r.clarifyRefused(ctx, a, err)
	case strange(err):
		// As text: it is not of that kind any more.
		return &object.Error{Op: "reading", Key: a.Key, Kind: object.ErrMismatch, Err: errors.New(err.Error())}
	}
	return err
}

// strange reports whether an answer makes no sense: a GET of an object that the
// listing shows is nothing to redirect, to refuse as a method or a range, or to call
// not modified. Something on the way says so, and may be right the next time. What
// Storage calls invalid (400), and why, is a key that it never accepts.
func strange(err error) bool {
	e, ok := errors.AsType[*object.Error](err)
	if !ok || e.Status == http.StatusBadRequest && e.Code+e.Message != "" {
		return false
	}
	return e.Kind == object.ErrRange || e.Kind == object.ErrInvalid && e.Status != 0 //nolint:errorlint // a kind is no chain
}

func (r *Run) clarifyMissing(ctx context.Context, a *attempt, err error) error {
	why := err.Error()
	if strings.Contains("/"+a.Key, "//") {
		why += "; a gateway that merges slashes asks for another key than this one"
	}
	// As text: it is not an ErrNotFound any more.
	return r.unlessChanged(ctx, a, &object.Error{Op: "reading", Key: a.Key, Kind: object.ErrMissingContent, Err: errors.New(why)})
}

// unlessChanged is an error about a listed version, if that is still listed: the page
// that showed it may have been wrong, or it was overwritten or deleted since.
func (r *Run) unlessChanged(ctx context.Context, a *attempt, err error) error {
	now, listed, listErr := r.opts.Source.Listed(ctx, a.Key)
	switch {
	case listErr != nil:
		return listErr
	case !listed:
		return vanished(a.Key)
	case !now.SameVersion(a.Object):
		return &changedError{now}
	}
	return err
}

// errKeysRefused ends a run: no request can succeed.
var errKeysRefused = errors.New("the keys are refused")

func (r *Run) clarifyRefused(ctx context.Context, a *attempt, err error) error {
	probeErr := r.refusal.probe(ctx, r.opts.Source)
	switch {
	case probeErr == nil:
		return &object.Error{
			Op: "reading", Key: a.Key, Kind: object.ErrDenied,
			Err: errors.New("this object alone is refused, the keys are good: " + err.Error()), // not wrapped: it is no refusal of the keys
		}
	case errors.Is(probeErr, object.ErrCredentials), errors.Is(probeErr, object.ErrDenied):
		return fmt.Errorf("%w: %w", errKeysRefused, probeErr)
	}
	return probeErr
}

// probeGoodFor is how long a probe that passed speaks for the keys: when a firewall
// refuses a thousand objects, one request a second is enough.
const probeGoodFor = time.Second

// refusals shares probes among the objects that are refused.
type refusals struct {
	mu     sync.Mutex
	passed time.Time // when the last probe that passed began
}

// probe makes the request that a run began with, unless it has just passed.
func (p *refusals) probe(ctx context.Context, s Source) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	began := time.Now()
	if !p.passed.IsZero() && began.Sub(p.passed) < probeGoodFor {
		return nil
	}
	err := s.Probe(ctx)
	if err == nil {
		p.passed = began
	}
	return err
}
