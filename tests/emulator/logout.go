package emulator

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

var (
	failNoBearer  = &failure{http.StatusUnauthorized, "no_authorization", "This endpoint requires a valid Bearer token", ""}
	failNoSession = &failure{http.StatusForbidden, "session_not_found", "Session from session_id claim in JWT does not exist", ""}
)

// logOut answers POST /auth/v1/logout: the token says whose session ends.
func (x *exchange) logOut() error {
	token := bearer.ReplaceAllString(x.r.Header.Get("Authorization"), "")
	if token == "" {
		return failNoBearer
	}
	caller, err := x.s.project.load().verifyToken(token, x.s.clock())
	if err != nil {
		return &failure{http.StatusForbidden, "bad_jwt", "invalid JWT: unable to parse or verify signature, " + asFailure(err).message, ""}
	}
	id, _ := caller.claims["session_id"].(string)
	if err := x.s.users.logOut(id, x.req.Query.Get("scope"), x.s.clock()); err != nil {
		return err
	}
	x.send(http.StatusNoContent, nil, 0, 0)
	return nil
}

// logOut ends the session with the id (scope "local"), the user's other sessions
// ("others"), or by default all sessions of the user.
func (a *accounts) logOut(id, scope string, now time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var own *session
	for ses := range a.sessions {
		if ses.id == id {
			own = ses
		}
	}
	switch {
	case own == nil || a.sessionLimit > 0 && now.After(own.start.Add(a.sessionLimit)):
		return failNoSession
	case scope == "local":
		a.forget(own)
		return nil
	case scope != "" && scope != "global" && scope != "others":
		return failGrant("validation_failed", fmt.Sprintf("Unsupported logout scope %q", scope))
	}
	for ses := range a.sessions {
		if ses.user == own.user && (ses != own || scope != "others") {
			a.forget(ses)
		}
	}
	return nil
}

// Sessions is the number of open sessions of a user.
func (s *Server) Sessions(email string) int {
	a := &s.users
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for ses := range a.sessions {
		if ses.user.Email == strings.ToLower(email) {
			n++
		}
	}
	return n
}
