package api

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
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/wire"
)

const (
	// maxAnswer bounds the memory that one answer may take, in bytes: a page of
	// a thousand rows with keys of 1024 bytes, each of them escaped (\u0022), takes
	// 6 MB, and what else there is of a row less than 1 KB each.
	maxAnswer = 8 << 20
	// MaxRefusal is how much of a refusal is read, in bytes.
	MaxRefusal = 64 << 10
)

// Options say where an API is and how patient the client is.
type Options struct {
	// Base is the URL that the paths of requests are appended to, without a
	// trailing slash.
	Base string
	// Storage says that the API is that of Storage. Its refusals are judged by
	// [Kind]; those of the APIs that give keys, which do not pass by themselves, are
	// all [object.ErrCredentials].
	Storage bool
	// TLS is the configuration of the client's own transport, nil for the
	// system's defaults.
	TLS *tls.Config
	// Transport replaces the client's own transport, and with it TLS,
	// ConnectTimeout and MaxIdle. Nil is the usual case.
	Transport http.RoundTripper
	// MaxIdle is how many connections are kept for later requests; 0 keeps none.
	MaxIdle int
	// ConnectTimeout bounds the dialling of a connection, and once more its TLS
	// handshake; Timeout a whole request with its answer. Zero is no limit.
	ConnectTimeout, Timeout time.Duration
	// Gate holds all requests back for as long as the server asks for. Clients of
	// one host share one. With nil nothing waits here, and the caller asks [PauseOf].
	Gate *retry.Gate
	// Seen is shown the status and the headers of each answer, before it is read. It
	// is called by many goroutines. Nil sees none.
	Seen func(status int, h http.Header)
}

// Client makes requests to one API. It is safe for concurrent use.
type Client struct {
	o         Options
	transport http.RoundTripper
}

// New returns a client; no request is made.
func New(o Options) *Client {
	c := &Client{o: o, transport: o.Transport}
	if c.transport == nil {
		c.transport = wire.New(o.TLS, o.ConnectTimeout, o.MaxIdle)
	}
	return c
}

// Close drops the idle connections. The client can still be used.
func (c *Client) Close() {
	if t, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// Request is what one call wants.
type Request struct {
	// Op is what is tried, in the gerund: it begins every error. Key is the object
	// that it is about, empty for none.
	Op, Key string
	// Method is the HTTP method, such as GET.
	Method string
	// Path is appended to the client's base; it begins with a slash and is
	// escaped already.
	Path  string
	Query url.Values
	// Bearer goes into the Authorization header, APIKey into the apikey header.
	// Empty ones are not sent: a key that is no JWT goes without Authorization.
	Bearer, APIKey string
	// Body is sent as JSON; nil sends none.
	Body any
	// Secrets are kept out of errors, like Bearer and APIKey.
	Secrets []string
}

// Do makes a request, once, and decodes the answer into the given value; nil
// where nothing is to be read. Every error is an [object.Error], except that of a
// caller's context. Its kind is [object.ErrThrottled], [object.ErrUnavailable] or
// [object.ErrUnreachable] where the same request may succeed later.
func (c *Client) Do(ctx context.Context, r Request, into any) error {
	if c.o.Gate != nil {
		if err := c.o.Gate.Wait(ctx); err != nil {
			return err
		}
	}
	limited, cancel := ctx, context.CancelFunc(func() {})
	if c.o.Timeout > 0 {
		limited, cancel = context.WithTimeout(ctx, c.o.Timeout)
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
	if c.o.Seen != nil {
		c.o.Seen(resp.StatusCode, resp.Header)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		doc, _ := io.ReadAll(io.LimitReader(resp.Body, MaxRefusal)) // as much as comes
		if err := ctx.Err(); err != nil {
			return err
		}
		kind := keyKind
		if c.o.Storage {
			kind = StorageKind
		}
		err := refusal(r.Op, r.Key, resp, doc, r.secrets(), kind)
		if c.o.Gate != nil {
			c.o.Gate.Hold(PauseOf(err))
		}
		return err
	}
	if into == nil {
		return nil
	}
	doc, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return c.noAnswer(ctx, r, fmt.Errorf("reading the answer: %w", err))
	case len(doc) > maxAnswer:
		return c.notAnAnswer(r, resp, fmt.Errorf("%w: the answer exceeds %d bytes", object.ErrOversized, maxAnswer))
	}
	if err := json.Unmarshal(doc, into); err != nil {
		var what error = foreign.NewAnswer(object.ErrForeign, resp, doc, r.secrets()...)
		if _, notJSON := errors.AsType[*json.SyntaxError](err); !notJSON && c.o.Storage {
			what = fmt.Errorf("%w: %w", ErrShape, foreign.Cause(err, r.secrets()...))
		}
		return c.notAnAnswer(r, resp, what)
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
	target := c.o.Base + r.Path
	if len(r.Query) > 0 {
		target += "?" + r.Query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, target, body)
	if err != nil {
		return nil, errors.New("the address of the API is not a URL")
	}
	req.Header.Set("User-Agent", wire.UserAgent)
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
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer came within %s", c.o.Timeout)
	}
	return wire.NoAnswer(r.Op, r.Key, err, r.secrets()...)
}

// secrets are what must not be shown of an answer, in case that it echoes what
// it was sent.
func (r Request) secrets() []string { return append([]string{r.Bearer, r.APIKey}, r.Secrets...) }
