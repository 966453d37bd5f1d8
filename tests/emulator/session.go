package emulator

import (
	"net/http"
	"strings"
	"time"
)

// reuseInterval is how long an exchanged refresh token may be used again: clients
// send it twice at the same time, or lose an answer.
const reuseInterval = 10 * time.Second

// grant is what a sign-in or a refresh gives.
type grant struct {
	user         account
	session      string
	start        time.Time
	issued       time.Time
	lifetime     time.Duration
	refreshToken string
}

// Refusals of Auth, in its own words. The legacy field is the "error" of old
// servers.
var (
	failCredentials     = failGrant("invalid_credentials", "Invalid login credentials")
	failUserBanned      = failGrant("user_banned", "User is banned")
	failUnconfirmed     = failGrant("email_not_confirmed", "Email not confirmed")
	failRefreshUnknown  = failGrant("refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found")
	failRefreshUsed     = failGrant("refresh_token_already_used", "Invalid Refresh Token: Already Used")
	failRefreshBanned   = failGrant("user_banned", "Invalid Refresh Token: User Banned")
	failSessionExpired  = failGrant("session_expired", "Invalid Refresh Token: Session Expired")
	failGrantType       = failGrant("invalid_credentials", "unsupported_grant_type")
	failNoEmail         = failGrant("validation_failed", "missing email or phone")
	failRefreshNotValid = failGrant("validation_failed", "Refresh token is not valid")
)

func failGrant(code, message string) *failure {
	return &failure{http.StatusBadRequest, code, message, "invalid_grant"}
}

// signIn opens a session. As Auth does, it looks at a ban before the password
// and at the confirmation after it.
func (a *accounts) signIn(email, password string, now time.Time) (grant, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	user := a.byEmail[strings.ToLower(email)]
	switch {
	case user == nil || user.Password == "":
		return grant{}, failCredentials
	case user.Banned:
		return grant{}, failUserBanned
	case user.Password != password:
		return grant{}, failCredentials
	case user.Unconfirmed:
		return grant{}, failUnconfirmed
	}
	user.signedIn = now
	ses := &session{id: randomID(), user: user, start: now}
	if a.sessions == nil {
		a.sessions, a.tokens = map[*session]struct{}{}, map[string]*refreshToken{}
	}
	a.sessions[ses] = struct{}{}
	a.issue(ses, nil)
	return a.grant(ses, now), nil
}

// refresh exchanges a refresh token. A token that was exchanged before gives the
// same answer again within the reuse interval, or if its successor was never used:
// the client may have lost the answer. Otherwise somebody else has the token too,
// and the session ends.
func (a *accounts) refresh(value string, now time.Time) (grant, error) {
	if len(value) < 12 {
		return grant{}, failRefreshNotValid
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.tokens[value]
	if t == nil {
		return grant{}, failRefreshUnknown
	}
	ses := t.session
	switch {
	case ses.user.Banned:
		return grant{}, failRefreshBanned
	case a.sessionLimit > 0 && now.After(ses.start.Add(a.sessionLimit)):
		return grant{}, failSessionExpired
	case t.revoked:
		return grant{}, failRefreshUsed
	case t.used.IsZero():
		t.used = now
		a.issue(ses, t)
	case ses.active.parent == t:
		// The active token is given out once more.
	case now.After(t.used.Add(reuseInterval)):
		a.revoke(ses)
		return grant{}, failRefreshUsed
	default:
		a.issue(ses, t)
	}
	return a.grant(ses, now), nil
}

// issue makes the session's next refresh token. Called with mu held.
func (a *accounts) issue(ses *session, parent *refreshToken) {
	ses.active = &refreshToken{value: randomRefreshToken(), session: ses, parent: parent}
	a.tokens[ses.active.value] = ses.active
}

// grant is the answer for a session. Called with mu held.
func (a *accounts) grant(ses *session, now time.Time) grant {
	return grant{
		user: *ses.user, session: ses.id, start: ses.start,
		issued: now, lifetime: a.lifetime, refreshToken: ses.active.value,
	}
}
