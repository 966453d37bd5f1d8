package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/api"
)

// Client asks one project's Auth. It is safe for concurrent use.
type Client struct{ api *api.Client }

// New returns a client of the Auth at o.Base, such as
// https://<ref>.supabase.co/auth/v1; no request is made.
func New(o api.Options) *Client { return &Client{api.New(o)} }

// Session is a user who is signed in. It is secret.
type Session struct {
	// AccessToken is a JWT that says who the user is.
	AccessToken string
	// RefreshToken is good for one renewal.
	RefreshToken string
	// Life is how long the access token is good for from now on, zero where the
	// answer did not say. It does not depend on the clock of this machine.
	Life time.Duration
}

// Format keeps the tokens out of everything that is printed.
func (Session) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "<session>") }

// SignIn starts a session. The key is the project's anon or publishable key,
// which its gateway asks for.
func (c *Client) SignIn(ctx context.Context, apiKey, email, password string) (Session, error) {
	return c.token(ctx, "password", api.Request{
		Op: "signing in", APIKey: apiKey, Secrets: []string{password},
		Body: map[string]string{"email": email, "password": password},
	})
}

// Refresh renews a session. The old refresh token is used up by it.
func (c *Client) Refresh(ctx context.Context, apiKey, refreshToken string) (Session, error) {
	return c.token(ctx, "refresh_token", api.Request{
		Op: "renewing the session", APIKey: apiKey, Secrets: []string{refreshToken},
		Body: map[string]string{"refresh_token": refreshToken},
	})
}

// SignOut ends the session that an access token is of, and no other of its user.
func (c *Client) SignOut(ctx context.Context, apiKey, accessToken string) error {
	return c.api.Do(ctx, api.Request{
		Op: "signing out", Method: http.MethodPost, Path: "/logout", Query: url.Values{"scope": {"local"}},
		APIKey: apiKey, Bearer: accessToken,
	}, nil)
}

func (c *Client) token(ctx context.Context, grant string, r api.Request) (Session, error) {
	r.Method, r.Path, r.Query = http.MethodPost, "/token", url.Values{"grant_type": {grant}}
	var answer struct {
		AccessToken  string  `json:"access_token"`
		RefreshToken string  `json:"refresh_token"`
		ExpiresIn    float64 `json:"expires_in"`
	}
	if err := c.api.Do(ctx, r, &answer); err != nil {
		return Session{}, err
	}
	if answer.AccessToken == "" {
		return Session{}, &object.Error{Op: r.Op, Kind: object.ErrCredentials, Status: http.StatusOK, Err: errors.New("the answer holds no access token")}
	}
	return Session{
		AccessToken: answer.AccessToken, RefreshToken: answer.RefreshToken,
		Life: time.Duration(answer.ExpiresIn * float64(time.Second)),
	}, nil
}
