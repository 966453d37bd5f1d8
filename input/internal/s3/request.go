package s3

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/wire"
)

// request is what one call wants.
type request struct {
	op     string // the gerund of the errors
	method string
	key    string // "" for a request about the bucket
	// service says that the request is about no bucket.
	service bool
	query   url.Values
	// byteRange is the value of the Range header, "" for the whole object.
	byteRange string
	// region overrides the configured one.
	region string
	// anonymous leaves credentials and signature away.
	anonymous bool
}

// answer is a successful response whose body is still to be read under its
// watch. Its receiver calls close.
type answer struct {
	*http.Response
	watch *watch
	cred  object.Credentials // to keep them out of errors
}

func (a *answer) close() {
	_ = a.Body.Close()
	a.watch.end()
}

// maxRenewals bounds how often one request asks for other credentials. Renew
// ends it much sooner.
const maxRenewals = 10

// do makes one request, and makes it again where its credentials were refused
// and there are others. Any status but 2xx comes back as an error of package
// object; a caller's cancelled context comes back as that context's error.
// Redirects are not followed: the signature is for this host alone.
func (c *Client) do(ctx context.Context, r request) (*answer, error) {
	for renewals := 0; ; renewals++ {
		cred, err := c.credentials(ctx, r)
		if err != nil {
			return nil, err
		}
		a, err := c.attempt(ctx, r, cred)
		if r.anonymous || c.o.Renew == nil || renewals == maxRenewals || !c.renewable(err) {
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
func (c *Client) renewable(err error) bool {
	return refusesKeys(err) && (c.o.RenewalHelps == nil || c.o.RenewalHelps(err))
}

// attempt makes one request, once, and not before the endpoint wants to be asked
// again.
func (c *Client) attempt(ctx context.Context, r request, cred object.Credentials) (*answer, error) {
	if err := c.o.Gate.Wait(ctx); err != nil {
		return nil, err
	}
	w := newWatch(ctx, c.headerLimit)
	req, err := c.signedRequest(w.ctx, r, cred)
	if err != nil {
		w.end()
		return nil, fmt.Errorf("%s: signing the request: %w", r.op, err)
	}
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		defer w.end()
		return nil, r.noAnswer(err, w)
	}
	w.disarm()
	w.limit = c.o.IdleTimeout
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		defer w.end()
		err := r.refusal(resp, w, cred)
		if pause := retry.After(resp.Header, time.Now()); pause > 0 {
			c.o.Gate.Hold(pause)
		}
		return nil, err
	}
	return &answer{Response: resp, watch: w, cred: cred}, nil
}

// credentials asks for what the request is signed with.
func (c *Client) credentials(ctx context.Context, r request) (object.Credentials, error) {
	if r.anonymous {
		return object.Credentials{}, nil
	}
	cred, err := c.o.Credentials(ctx)
	if err != nil {
		return object.Credentials{}, r.noCredentials(ctx, "obtaining credentials", err)
	}
	return cred, nil
}

func (r request) noCredentials(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%s: %s: %w", r.op, doing, err)
}

// signedRequest builds the request by hand: parsing a URL for every object
// would cost more than signing it.
func (c *Client) signedRequest(ctx context.Context, r request, cred object.Credentials) (*http.Request, error) {
	u := c.base
	if r.service {
		u.Path = strings.TrimSuffix(u.Path, c.o.Bucket)
		u.RawPath = strings.TrimSuffix(u.RawPath, escapePath(c.o.Bucket))
	}
	if r.key != "" {
		u.Path += "/" + r.key
		u.RawPath += "/" + escapePath(r.key)
	}
	if r.query != nil {
		u.RawQuery = r.query.Encode() // the signer rewrites it in SigV4's spelling
	}
	req := (&http.Request{
		Method:     r.method,
		URL:        &u,
		Host:       u.Host,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     make(http.Header, 6),
	}).WithContext(ctx)
	req.Header["X-Amz-Content-Sha256"] = emptyBodyHashHeader
	if !r.anonymous {
		if err := c.signer.sign(ctx, req, cred, cmp.Or(r.region, cred.Region, c.o.Region)); err != nil {
			return nil, err
		}
	}
	req.Header["User-Agent"] = userAgentHeader
	req.Header["Accept-Encoding"] = identityHeader // not signed: proxies rewrite it
	if r.byteRange != "" {
		req.Header["Range"] = []string{r.byteRange}
	}
	return req, nil
}

// The constant header values, shared by all requests and never written to.
var (
	emptyBodyHashHeader = []string{emptyBodyHash}
	userAgentHeader     = []string{wire.UserAgent}
	identityHeader      = []string{"identity"}
)

// noAnswer makes an error of a request that brought no answer. A caller who
// cancelled gets the context's own error.
func (r request) noAnswer(err error, w *watch) error {
	if ctxErr := w.caller.Err(); ctxErr != nil {
		return ctxErr
	}
	if w.stalled() {
		err = fmt.Errorf("no answer came within %s", w.limit)
	}
	return wire.NoAnswer(r.op, r.key, err)
}

// retrying runs op under the client's policy.
func (c *Client) retrying(ctx context.Context, op string, f func(context.Context) error) error {
	if c.o.Hold == nil {
		return c.o.Retry.Do(ctx, f, object.Transient, c.retryHook(op))
	}
	var held error
	return c.o.Retry.Do(ctx, func(ctx context.Context) error {
		if held = c.o.Hold(ctx); held != nil {
			return held
		}
		return f(ctx)
	}, func(err error) bool { return held == nil && object.Transient(err) }, c.retryHook(op))
}

func (c *Client) retryHook(op string) func(error) {
	if c.o.OnRetry == nil {
		return nil
	}
	return func(err error) { c.o.OnRetry(op, err) }
}
