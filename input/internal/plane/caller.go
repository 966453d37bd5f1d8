package plane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/api"
	"github.com/seed75cbcda6/supabase-storage/input/internal/wire"
)

// Caller makes the requests of one client. It is safe for concurrent use.
type Caller struct {
	o         Options
	refusal   Refusal
	transport http.RoundTripper
	// headerLimit is how long the headers of an answer may take; zero if the
	// transport enforces that limit.
	headerLimit time.Duration
}

// Refusal makes an error of an answer that is not 2xx, and of as much of its body
// as was read.
type Refusal func(r Request, resp *http.Response, doc []byte, cred object.Credentials) error

// NewCaller checks the options; no request is made.
func NewCaller(o Options, refusal Refusal) (*Caller, error) {
	switch {
	case o.Bucket == "" && !o.AllBuckets:
		return nil, errors.New("building the bucket client: no bucket name")
	case o.Credentials == nil:
		return nil, errors.New("building the bucket client: no credentials")
	}
	if o.Gate == nil {
		o.Gate = new(retry.Gate)
	}
	c := &Caller{o: o, refusal: refusal, transport: o.Transport, headerLimit: o.ResponseTimeout}
	if c.transport == nil {
		c.transport, c.headerLimit = newTransport(o), 0
	}
	return c, nil
}

// minIdleConns is far above Go's default of 2 per host, with which most
// requests would dial.
const minIdleConns = 16

func newTransport(o Options) *http.Transport {
	t := wire.New(o.TLS, o.ConnectTimeout, max(o.MaxConns, minIdleConns))
	t.ResponseHeaderTimeout = o.ResponseTimeout
	return t
}

// Close drops the idle connections. The client can still be used.
func (c *Caller) Close() {
	if t, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// Request is what one call wants.
type Request struct {
	// Op is the gerund of the errors, and Key the object that it is about, "" for a
	// request about the bucket.
	Op, Key string
	// Anonymous says that Build needs no credentials.
	Anonymous bool
	// Build makes the HTTP request. It is called for each attempt.
	Build func(ctx context.Context, cred object.Credentials) (*http.Request, error)
}

// Answer is a successful response whose body is still to be read under its
// watch. Its receiver calls Close.
type Answer struct {
	*http.Response
	watch *watch
	cred  object.Credentials // to keep them out of errors
}

// Close ends the request.
func (a *Answer) Close() {
	_ = a.Body.Close()
	a.watch.end()
}

// Secrets must not be shown of the answer, in case that it echoes what it was
// sent.
func (a *Answer) Secrets() []string { return a.cred.Secrets() }

// MaxRenewals bounds how often one request asks for other credentials. Renew
// ends it much sooner.
const MaxRenewals = 10

// Do makes one request, and makes it again where its credentials were refused
// and there are others. Any status but 2xx comes back as an error of package
// object; a caller's cancelled context comes back as that context's error.
// Redirects are not followed: the keys are for this host alone.
func (c *Caller) Do(ctx context.Context, r Request) (*Answer, error) {
	for renewals := 0; ; renewals++ {
		cred, err := c.credentials(ctx, r)
		if err != nil {
			return nil, err
		}
		a, err := c.attempt(ctx, r, cred)
		if r.Anonymous || c.o.Renew == nil || renewals == MaxRenewals || !c.renewable(err) {
			return a, err
		}
		renewed, renewErr := c.o.Renew(ctx, cred)
		if renewErr != nil {
			return nil, r.noCredentials(ctx, "renewing credentials", renewErr)
		}
		if !renewed {
			return nil, err
		}
	}
}

// renewable reports whether other credentials may be accepted where an error
// refused these.
func (c *Caller) renewable(err error) bool {
	return refusesKeys(err) && (c.o.RenewalHelps == nil || c.o.RenewalHelps(err))
}

// refusesKeys reports whether other keys may help: what was refused is a
// signature, a key or a token, and not the clock, the region or the project.
func refusesKeys(err error) bool {
	if !errors.Is(err, object.ErrCredentials) {
		return false
	}
	e, ok := errors.AsType[*object.Error](err)
	return !ok || !slices.Contains(otherCodes, e.Code)
}

var otherCodes = []string{
	"AuthorizationHeaderMalformed", "NotSignedUp", "AccountProblem", "FeatureNotEnabled", "TenantNotFound",
}

// attempt makes one request, once, and not before the endpoint wants to be asked
// again.
func (c *Caller) attempt(ctx context.Context, r Request, cred object.Credentials) (*Answer, error) {
	if err := c.o.Gate.Wait(ctx); err != nil {
		return nil, err
	}
	w := newWatch(ctx, c.headerLimit)
	req, err := r.Build(w.ctx, cred)
	if err != nil {
		w.end()
		return nil, fmt.Errorf("%s: making the request: %w", r.Op, err)
	}
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		defer w.end()
		return nil, r.noAnswer(err, w, cred)
	}
	w.disarm()
	w.limit = c.o.IdleTimeout
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		defer w.end()
		return nil, c.refused(r, resp, w, cred)
	}
	return &Answer{Response: resp, watch: w, cred: cred}, nil
}

// refused reads a refusal and makes an error of it.
func (c *Caller) refused(r Request, resp *http.Response, w *watch, cred object.Credentials) error {
	doc := readRefusal(resp, w)
	if pause := retry.After(resp.Header, time.Now()); pause > 0 {
		c.o.Gate.Hold(pause)
	}
	if err := w.caller.Err(); err != nil {
		return err
	}
	return c.refusal(r, resp, doc, cred)
}

// readRefusal reads the body of a refusal, as far as it comes.
func readRefusal(resp *http.Response, w *watch) []byte {
	defer func() { _ = resp.Body.Close() }()
	w.arm()
	defer w.disarm()
	doc, _ := io.ReadAll(io.LimitReader(resp.Body, api.MaxRefusal))
	return doc
}

// credentials asks for what the request is made with.
func (c *Caller) credentials(ctx context.Context, r Request) (object.Credentials, error) {
	if r.Anonymous {
		return object.Credentials{}, nil
	}
	cred, err := c.o.Credentials(ctx)
	if err != nil {
		return object.Credentials{}, r.noCredentials(ctx, "obtaining credentials", err)
	}
	return cred, nil
}

func (r Request) noCredentials(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%s: %s: %w", r.Op, doing, err)
}

// noAnswer makes an error of a request that brought no answer. A caller who
// cancelled gets the context's own error.
func (r Request) noAnswer(err error, w *watch, cred object.Credentials) error {
	if ctxErr := w.caller.Err(); ctxErr != nil {
		return ctxErr
	}
	if w.stalled() {
		err = fmt.Errorf("no answer came within %s", w.limit)
	}
	return wire.NoAnswer(r.Op, r.Key, err, cred.Secrets()...)
}

// Retrying runs f under the client's policy, each attempt once Hold lets it.
func (c *Caller) Retrying(ctx context.Context, op string, f func(context.Context) error) error {
	return c.retrying(ctx, op, nil, f)
}

// retrying runs f under the client's policy, each attempt when it has its turn and Hold
// lets it.
func (c *Caller) retrying(ctx context.Context, op string, turn func(context.Context) (func(), error), f func(context.Context) error) error {
	var held error
	return c.o.Retry.Do(ctx, func(ctx context.Context) error {
		if turn != nil {
			if held = c.o.Gate.Wait(ctx); held != nil { // wait out Retry-After first, so that no turn is held meanwhile
				return held
			}
			var leave func()
			if leave, held = turn(ctx); held != nil {
				return held
			}
			defer leave()
		}
		if c.o.Hold != nil {
			if held = c.o.Hold(ctx); held != nil {
				return held
			}
		}
		return f(ctx)
	}, func(err error) bool { return held == nil && object.Transient(err) }, c.RetryHook(op))
}

// RetryHook is OnRetry for one kind of request, nil if nobody wants to hear.
func (c *Caller) RetryHook(op string) func(error) {
	if c.o.OnRetry == nil {
		return nil
	}
	return func(err error) { c.o.OnRetry(op, err) }
}
