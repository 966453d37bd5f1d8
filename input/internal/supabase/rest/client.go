package rest

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/wire"
)

const (
	// maxAnswer is how much of a good answer is read, maxRefusal of a refusal.
	maxAnswer  = 4 << 20
	maxRefusal = 64 << 10

	userAgent = "supabase_storage (Redpanda Connect input)"
)

// Options say where an API is and how patient the client is.
type Options struct {
	// Base is the URL that the paths of requests are appended to, without a
	// trailing slash.
	Base string
	// TLS is the configuration of the client's own transport, nil for the
	// system's defaults.
	TLS *tls.Config
	// Transport replaces the client's own transport, and with it TLS and
	// ConnectTimeout. Nil is the usual case.
	Transport http.RoundTripper
	// ConnectTimeout bounds the dialling of a connection, and once more its TLS
	// handshake; Timeout a whole request with its answer. Zero is no limit.
	ConnectTimeout, Timeout time.Duration
}

// Client makes requests to one API. It is safe for concurrent use.
type Client struct {
	base      string
	timeout   time.Duration
	transport http.RoundTripper
}

// New returns a client; no request is made.
func New(o Options) *Client {
	c := &Client{base: o.Base, timeout: o.Timeout, transport: o.Transport}
	if c.transport == nil {
		c.transport = newTransport(o)
	}
	return c
}

// newTransport keeps no connection: keys are asked for once an hour or less.
func newTransport(o Options) *http.Transport {
	t := wire.New(o.TLS, o.ConnectTimeout, nil)
	t.DisableKeepAlives = true
	return t
}

// Request is what one call wants.
type Request struct {
	// Op is what is tried, in the gerund: it begins every error.
	Op string
	// Method is GET or POST.
	Method string
	// Path is appended to the client's base; it begins with a slash and is
	// escaped already.
	Path  string
	Query url.Values
	// Bearer goes into the Authorization header, APIKey into the apikey header.
	// Empty ones are not sent.
	Bearer, APIKey string
	// Body is sent as JSON; nil sends none.
	Body any
	// Secrets are kept out of errors, like Bearer and APIKey.
	Secrets []string
}

// Do makes a request, once, and decodes the answer into the given value; nil
// where nothing is to be read. Every
// error is a [object.Error], but for that of a caller's context. Its kind is
// [object.ErrThrottled], [object.ErrUnavailable] or [object.ErrUnreachable]
// where the same request may succeed later, and [object.ErrCredentials] where
// it will not.
func (c *Client) Do(ctx context.Context, r Request, into any) error {
	limited, cancel := ctx, context.CancelFunc(func() {})
	if c.timeout > 0 {
		limited, cancel = context.WithTimeout(ctx, c.timeout)
	}
	defer cancel()
	req, err := c.newRequest(limited, r)
	if err != nil {
		return fmt.Errorf("%s: %w", r.Op, err)
	}
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return c.noAnswer(ctx, r, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		doc, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusal)) // what came of it has to do
		if err := ctx.Err(); err != nil {
			return err
		}
		return r.refusal(resp, doc)
	}
	if into == nil {
		return nil
	}
	doc, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return c.noAnswer(ctx, r, fmt.Errorf("reading the answer: %w", err))
	}
	if err := json.Unmarshal(doc, into); err != nil {
		return r.notAnAPI(resp, doc)
	}
	return nil
}

func (c *Client) newRequest(ctx context.Context, r Request) (*http.Request, error) {
	var body io.Reader
	if r.Body != nil {
		doc, err := json.Marshal(r.Body)
		if err != nil {
			return nil, errors.New("encoding the request")
		}
		body = bytes.NewReader(doc)
	}
	target := c.base + r.Path
	if len(r.Query) > 0 {
		target += "?" + r.Query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, target, body)
	if err != nil {
		return nil, errors.New("the address of the API is not a URL")
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", "identity") // a proxy might compress what says nothing of it
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.Bearer != "" {
		req.Header.Set("Authorization", "Bearer "+r.Bearer)
	}
	if r.APIKey != "" {
		req.Header.Set("apikey", r.APIKey)
	}
	return req, nil
}

// noAnswer makes an error of a request that brought no whole answer.
func (c *Client) noAnswer(ctx context.Context, r Request, err error) error {
	if ctxErr := ctx.Err(); ctxErr != nil {
		return ctxErr
	}
	e := &object.Error{Op: r.Op, Kind: object.ErrUnavailable, Err: foreign.Cause(err, r.secrets()...)}
	switch why := wire.Unreachable(err); {
	case errors.Is(err, context.DeadlineExceeded):
		e.Err = fmt.Errorf("no answer came within %s", c.timeout)
	case why != "":
		e.Kind, e.Err = object.ErrUnreachable, fmt.Errorf("%s: %w", why, e.Err)
	case wire.HeadTooLarge(err):
		e.Err = fmt.Errorf("%w: the headers of the answer exceed %d bytes", object.ErrOversized, wire.MaxHead)
	}
	return e
}

// secrets are what must not be shown of an answer, in case that it echoes what
// it was sent.
func (r Request) secrets() []string { return append([]string{r.Bearer, r.APIKey}, r.Secrets...) }
