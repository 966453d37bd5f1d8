package changes

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/rest"
)

const (
	op = "asking for changes"
	// maxAnswer bounds the memory that one answer may take: a thousand rows with
	// keys of 1024 bytes, all escaped, take a third of it.
	maxAnswer = 32 << 20
	userAgent = "supabase_storage (Redpanda Connect input)"
)

// newTransport makes at most one request at a time.
func newTransport(o Options) *http.Transport {
	t := rest.NewTransport(o.TLS, o.ConnectTimeout)
	t.IdleConnTimeout = 55 * time.Second // the server's keep-alive is 61
	return t
}

// page makes one request, and makes it again where it failed in a way that may
// pass.
func (c *Client) page(ctx context.Context, q query) (p page, err error) {
	err = c.o.Retry.Do(ctx, func(ctx context.Context) error { return c.ask(ctx, q, &p) }, bucket.Transient, c.o.OnRetry)
	return p, err
}

func (c *Client) ask(ctx context.Context, q query, p *page) error {
	cred, err := c.o.Credentials(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("%s: obtaining credentials: %w", op, err)
	case cred.SessionToken == "":
		return &bucket.Error{Op: op, Kind: bucket.ErrInvalid, Err: unsupported(ErrNoToken)}
	}
	start := time.Now()
	status, doc, err := c.roundTrip(ctx, q, cred)
	if err == nil && status != http.StatusOK {
		return refusal(status, doc, cred)
	}
	if err == nil {
		err = p.decode(doc)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ErrUnsupported):
		return &bucket.Error{Op: op, Kind: bucket.ErrInvalid, Status: status, Err: err}
	case err != nil:
		// Its text alone: a request that ran out of time claims to be the end of
		// the caller's context.
		return &bucket.Error{Op: op, Kind: bucket.ErrUnavailable, Status: status, Err: errors.New(err.Error())}
	}
	if c.o.OnPage != nil {
		c.o.OnPage(time.Since(start), len(p.objects))
	}
	return nil
}

// roundTrip sends one request and reads its answer whole. Redirects are not
// followed: the token is for this host alone.
func (c *Client) roundTrip(ctx context.Context, q query, cred bucket.Credentials) (status int, doc []byte, err error) {
	if c.o.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.o.Timeout)
		defer cancel()
	}
	body, err := json.Marshal(q)
	if err != nil {
		return 0, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+cred.SessionToken)
	req.Header.Set("Apikey", apiKey(cred))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", userAgent)
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	doc, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return resp.StatusCode, doc, err
}

// apiKey is what a gateway may ask for beside the token: a key of the project
// where one is known, else the token itself.
func apiKey(cred bucket.Credentials) string { return cmp.Or(cred.APIKey, cred.SessionToken) }
