package emulator

import (
	"strings"
	"sync"
	"time"
)

// User is a user of Auth.
type User struct {
	// Email is what the user signs in with, in any case.
	Email string
	// Password is compared as it is; without a password nobody can sign in.
	Password string
	// ID is the user's "sub", a UUID. Default: made from Email.
	ID string
	// Role is the database role in the user's tokens. Default: "authenticated".
	Role string
	// Unconfirmed users have not answered the confirmation mail: they cannot
	// sign in.
	Unconfirmed bool
	// Banned users can neither sign in nor refresh.
	Banned bool
	// AppMetadata and UserMetadata are claims of the user's tokens, which policies
	// can use. They must not be changed afterwards.
	AppMetadata, UserMetadata map[string]any
}

// account is a user and what Auth keeps about the user.
type account struct {
	User
	created, changed, signedIn time.Time
}

// session begins with a sign-in and goes on as long as it is refreshed.
type session struct {
	id    string
	user  *account
	start time.Time
	// active is the refresh token that was issued last, nil after the session
	// was revoked.
	active *refreshToken
}

// refreshToken can be exchanged once, for a new access token.
type refreshToken struct {
	value   string
	session *session
	parent  *refreshToken
	// used is when it was exchanged or revoked; the zero time is never.
	used time.Time
	// revoked tokens are refused at once, without the reuse interval.
	revoked bool
}

// accounts are the users, sessions and refresh tokens of Auth.
type accounts struct {
	mu       sync.Mutex
	byEmail  map[string]*account
	sessions map[*session]struct{}
	tokens   map[string]*refreshToken
	// lifetime is how long access tokens are valid; sessionLimit how long sessions
	// last.
	lifetime, sessionLimit time.Duration
}

// SetUser adds a user, or changes the user with the same e-mail address, whose
// sessions go on. It returns the user with the defaults filled in.
func (s *Server) SetUser(u User) User {
	if u.Email == "" {
		panic("emulator: a user needs an e-mail address")
	}
	u.Email = strings.ToLower(u.Email)
	if u.ID == "" {
		u.ID = uuid("user", u.Email)
	}
	if u.Role == "" {
		u.Role = roleAuthenticated
	}
	now := s.clock()
	a := &s.users
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byEmail == nil {
		a.byEmail = map[string]*account{}
	}
	known := a.byEmail[u.Email]
	if known == nil {
		known = &account{created: now}
		a.byEmail[u.Email] = known
	}
	known.User, known.changed = u, now
	return u
}

// RemoveUser deletes a user with all sessions. Access tokens stay valid until
// they expire: Storage checks only their signature.
func (s *Server) RemoveUser(email string) {
	s.SignOut(email)
	s.users.mu.Lock()
	defer s.users.mu.Unlock()
	delete(s.users.byEmail, strings.ToLower(email))
}

// SignOut ends all sessions of a user, as an administrator or the user on another
// device may do: their refresh tokens are not found any more
// (refresh_token_not_found). Access tokens stay valid until they expire.
func (s *Server) SignOut(email string) {
	a := &s.users
	a.mu.Lock()
	defer a.mu.Unlock()
	for ses := range a.sessions {
		if ses.user.Email == strings.ToLower(email) {
			a.forget(ses)
		}
	}
}

// RevokeRefreshTokens revokes all refresh tokens of a user without ending the
// sessions, as Auth does when a token is used twice: they are refused with
// refresh_token_already_used. Access tokens stay valid until they expire.
func (s *Server) RevokeRefreshTokens(email string) {
	a := &s.users
	a.mu.Lock()
	defer a.mu.Unlock()
	for ses := range a.sessions {
		if ses.user.Email == strings.ToLower(email) {
			a.revoke(ses)
		}
	}
}

// SetTokenLifetime changes how long the access tokens that are issued from now
// on are valid.
func (s *Server) SetTokenLifetime(d time.Duration) {
	s.users.mu.Lock()
	defer s.users.mu.Unlock()
	s.users.lifetime = d
}

// SetSessionLifetime changes [Options.SessionLifetime], for sessions that have
// begun too.
func (s *Server) SetSessionLifetime(d time.Duration) {
	s.users.mu.Lock()
	defer s.users.mu.Unlock()
	s.users.sessionLimit = d
}

// forget deletes a session and its tokens. Called with mu held.
func (a *accounts) forget(ses *session) {
	delete(a.sessions, ses)
	for value, t := range a.tokens {
		if t.session == ses {
			delete(a.tokens, value)
		}
	}
}

// revoke makes all tokens of a session useless. Called with mu held.
func (a *accounts) revoke(ses *session) {
	ses.active = nil
	for _, t := range a.tokens {
		if t.session == ses {
			t.revoked = true
		}
	}
}
