package changes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/api"
)

const op = "asking for changes"

// page makes one request, and makes it again where it failed in a way that may
// pass.
func (c *Client) page(ctx context.Context, q query) (p page, err error) {
	err = c.o.Retry.Do(ctx, func(ctx context.Context) error { return c.ask(ctx, q, &p) }, object.Transient, c.o.OnRetry)
	return p, err
}

func (c *Client) ask(ctx context.Context, q query, p *page) error {
	// The pause that the server asked for is no part of what the page costs.
	if err := c.o.Gate.Wait(ctx); err != nil {
		return err
	}
	if c.o.Turn != nil {
		leave, err := c.o.Turn(ctx)
		if err != nil {
			return err
		}
		defer leave()
	}
	cred, err := c.o.Credentials(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("%s: obtaining credentials: %w", op, err)
	case cred.SessionToken == "" && cred.APIKey == "":
		return &object.Error{Op: op, Kind: object.ErrInvalid, Err: unsupported(ErrNoToken)}
	}
	// A key that is no JWT goes without Authorization. Gateways want a key in any
	// case, so that a token alone is sent as both.
	start := time.Now()
	var a answer
	err = c.api.Do(ctx, api.Request{
		Op: op, Method: http.MethodPost, Path: c.path, Body: q,
		Bearer: cred.SessionToken, APIKey: cmp.Or(cred.APIKey, cred.SessionToken), Secrets: cred.Secrets(),
	}, &a)
	if err != nil {
		return judged(err)
	}
	if err := p.read(a); err != nil {
		return &object.Error{Op: op, Kind: object.ErrInvalid, Status: http.StatusOK, Err: unsupported(err)}
	}
	if c.o.OnPage != nil {
		c.o.OnPage(time.Since(start), len(p.objects))
	}
	return nil
}

// judged adds ErrUnsupported to an error that neither passes nor is about the
// token.
func judged(err error) error {
	e, ok := errors.AsType[*object.Error](err)
	if !ok {
		return err
	}
	switch {
	case errors.Is(e, api.ErrShape), e.Code == "FeatureNotEnabled", e.Status == http.StatusNotImplemented:
		e.Kind = object.ErrInvalid
	case object.Transient(e), errors.Is(e, object.ErrCredentials):
		return e
	}
	e.Err = unsupported(e.Err)
	return e
}

// unsupported wraps what makes asking for changes useless here, nil for what the
// answer itself says.
func unsupported(why error) error {
	if why == nil {
		return ErrUnsupported
	}
	return fmt.Errorf("%w: %w", ErrUnsupported, why)
}
