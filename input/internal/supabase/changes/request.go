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

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/wire"
)

const (
	op = "asking for changes"
	// maxAnswer bounds the memory that one answer may take: a thousand rows with
	// keys of 1024 bytes, each of them escaped (\u0022), take 6 MB, and what else
	// there is of a row less than 1 KB each.
	maxAnswer = 8 << 20
	// maxRefusal is how much of a refusal is read.
	maxRefusal = 64 << 10
	userAgent  = "supabase_storage (Redpanda Connect input)"
)

// newTransport makes at most one request at a time.
func newTransport(o Options) *http.Transport {
	t := wire.New(o.TLS, o.ConnectTimeout, nil)
	t.IdleConnTimeout = 55 * time.Second // the server's keep-alive is 61
	return t
}

// page makes one request, and makes it again where it failed in a way that may
// pass.
func (c *Client) page(ctx context.Context, q query) (p page, err error) {
	err = c.o.Retry.Do(ctx, func(ctx context.Context) error { return c.ask(ctx, q, &p) }, object.Transient, c.o.OnRetry)
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
		return &object.Error{Op: op, Kind: object.ErrInvalid, Err: unsupported(ErrNoToken)}
	}
	start := time.Now()
	resp, doc, err := c.roundTrip(ctx, q, cred)
	status := 0
	if resp != nil {
		status = resp.StatusCode
	}
	if err == nil && status != http.StatusOK {
		return refusal(resp, doc, cred)
	}
	if err == nil {
		err = p.decode(doc)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ErrUnsupported):
		return &object.Error{Op: op, Kind: object.ErrInvalid, Status: status, Err: err}
	case errors.Is(err, errNotJSON):
		return &object.Error{Op: op, Kind: object.ErrUnavailable, Status: status, Err: foreign.NewAnswer(object.ErrForeign, resp, doc, cred.Secrets()...)}
	case err != nil:
		e := &object.Error{Op: op, Kind: object.ErrUnavailable, Status: status, Err: foreign.Cause(err, cred.Secrets()...)}
		if why := wire.Unreachable(err); why != "" {
			e.Kind, e.Err = object.ErrUnreachable, fmt.Errorf("%s: %w", why, e.Err)
		}
		return e
	}
	if c.o.OnPage != nil {
		c.o.OnPage(time.Since(start), len(p.objects))
	}
	return nil
}

// roundTrip sends one request and reads its answer whole. Redirects are not
// followed: the token is for this host alone.
func (c *Client) roundTrip(ctx context.Context, q query, cred object.Credentials) (resp *http.Response, doc []byte, err error) {
	if c.o.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.o.Timeout)
		defer cancel()
	}
	body, err := json.Marshal(q)
	if err != nil {
		return nil, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+cred.SessionToken)
	req.Header.Set("Apikey", apiKey(cred))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept-Encoding", "identity") // a proxy might compress what says nothing of it
	req.Header.Set("User-Agent", userAgent)
	resp, err = c.transport.RoundTrip(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	limit := int64(maxAnswer)
	if resp.StatusCode != http.StatusOK {
		limit = maxRefusal
	}
	if limit == maxAnswer && resp.ContentLength > limit {
		return resp, nil, tooLarge()
	}
	doc, err = io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if limit == maxAnswer && int64(len(doc)) > limit {
		return resp, nil, tooLarge()
	}
	return resp, doc, err
}

// tooLarge is the error of an answer that no thousand rows need.
func tooLarge() error {
	return fmt.Errorf("%w: the answer exceeds %d bytes", object.ErrOversized, maxAnswer)
}

// apiKey is what a gateway may ask for beside the token: a key of the project
// where one is known, else the token itself.
func apiKey(cred object.Credentials) string { return cmp.Or(cred.APIKey, cred.SessionToken) }
