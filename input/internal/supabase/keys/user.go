package keys

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/auth"
)

// user signs in at the project's Auth.
type user struct {
	files
	auth *auth.Client
	// session is the one that this process began, zero where there is none, and
	// ends is when its access token does; apiKey is what the gateway let in with it.
	session auth.Session
	ends    time.Time
	apiKey  string
}

// obtain renews the session, or begins one where there is none that Auth renews.
// A token that Storage refuses is no reason to begin another: the next token of
// the same session is as new as that of another one.
func (u *user) obtain(ctx context.Context) (supabase.Project, error) {
	p, err := u.resolve()
	if err != nil {
		return supabase.Project{}, err
	}
	session, err := u.renewOrSignIn(ctx, p.Login())
	if err != nil {
		return supabase.Project{}, p.ExplainAuth(err)
	}
	if p, err = p.SignedIn(session.AccessToken, u.ends); err != nil {
		return supabase.Project{}, final(err)
	}
	return p, nil
}

// renewOrSignIn keeps the refresh token until Auth itself refuses it: a session
// that is left behind stays open for as long as the project lets it.
func (u *user) renewOrSignIn(ctx context.Context, login supabase.Login) (auth.Session, error) {
	u.apiKey = login.APIKey
	if u.session.RefreshToken != "" {
		err := u.refresh(ctx)
		if !refusesSession(err) {
			return u.session, err
		}
		u.session = auth.Session{}
	}
	session, err := u.auth.SignIn(ctx, login.APIKey, login.Email, login.Password)
	if err == nil {
		u.keep(session)
	}
	return session, err
}

func (u *user) refresh(ctx context.Context) error {
	session, err := u.auth.Refresh(ctx, u.apiKey, u.session.RefreshToken)
	if err == nil {
		u.keep(session)
	}
	return err
}

// keep takes over a session. Its end is measured by this clock, whatever the
// token says.
func (u *user) keep(session auth.Session) {
	u.session, u.ends = session, time.Time{}
	if session.Life > 0 {
		u.ends = time.Now().Add(session.Life)
	}
}

// refusesSession reports whether Auth will not renew the session: it was ended,
// its refresh token was used by somebody else, or the user is banned. The
// gateway's 401 is about the API key, and what no Supabase API wrote about
// nothing at all.
func refusesSession(err error) bool {
	e, ok := errors.AsType[*object.Error](err)
	if !ok || !errors.Is(err, object.ErrCredentials) || errors.Is(err, object.ErrForeign) {
		return false
	}
	return e.Status == http.StatusBadRequest || e.Status == http.StatusForbidden || e.Status == http.StatusUnprocessableEntity
}

// signOut ends the session that was begun here. Only a token that is good can
// end it, so that one that has ended is renewed first.
func (u *user) signOut(ctx context.Context) error {
	if u.session.AccessToken == "" {
		return nil
	}
	if !u.ends.IsZero() && !time.Now().Before(u.ends) && u.session.RefreshToken != "" {
		if err := u.refresh(ctx); err != nil {
			return err
		}
	}
	token := u.session.AccessToken
	u.session = auth.Session{}
	return u.auth.SignOut(ctx, u.apiKey, token)
}
