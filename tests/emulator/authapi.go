package emulator

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"
)

// authPrefix is the path under which the gateway serves Auth.
const authPrefix = "/auth/v1/"

// routeAuth reads a path of Auth.
func (x *exchange) routeAuth(path string) {
	x.surface = surfaceAuth
	if path == "logout" && x.r.Method == http.MethodPost {
		x.req.Op = OpSignOut
	}
	if path != "token" || x.r.Method != http.MethodPost {
		return
	}
	x.req.Op = OpSignIn
	if x.req.Query.Get("grant_type") == "refresh_token" {
		x.req.Op = OpRefreshToken
	}
}

// noAuthRoute is the answer of Auth's router.
func (x *exchange) noAuthRoute() {
	if path := strings.TrimPrefix(x.r.URL.Path, x.base); path == authPrefix+"token" || path == authPrefix+"logout" {
		x.send(http.StatusMethodNotAllowed, nil, 0, 0)
		return
	}
	const body = "404 page not found\n"
	x.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	x.send(http.StatusNotFound, blob(body), 0, int64(len(body)))
}

// serveAuth answers POST /auth/v1/token and /auth/v1/logout.
func (x *exchange) serveAuth() error {
	if !x.checkAPIKey() {
		return nil
	}
	if x.req.Op == OpSignOut {
		return x.logOut()
	}
	body, err := x.readTokenBody()
	if err != nil {
		return err
	}
	var g grant
	switch x.req.Query.Get("grant_type") {
	case "password":
		if body.Email == "" {
			return failNoEmail
		}
		g, err = x.s.users.signIn(body.Email, body.Password, x.s.clock())
	case "refresh_token":
		g, err = x.s.users.refresh(body.RefreshToken, x.s.clock())
	default:
		return failGrantType
	}
	if err != nil {
		return err
	}
	x.sendGrant(g)
	return nil
}

// tokenBody is the body of a request to /token.
type tokenBody struct {
	Email        string `json:"email"`
	Password     string `json:"password"`
	RefreshToken string `json:"refresh_token"`
}

// maxTokenBody is how many bytes of a body Auth reads.
const maxTokenBody = 1 << 20

func (x *exchange) readTokenBody() (body tokenBody, err error) {
	data, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, maxTokenBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return body, &failure{
			http.StatusRequestEntityTooLarge, "request_entity_too_large", "Request body too large (max 1048576 bytes)", "",
		}
	}
	if err == nil {
		err = json.Unmarshal(data, &body)
	}
	if err != nil {
		return body, &failure{http.StatusBadRequest, "bad_json", "Could not parse request body as JSON: " + err.Error(), ""}
	}
	return body, nil
}

// checkAPIKey does the gateway's part: it refuses requests without one of the
// project's API keys. It reports whether the request goes on.
func (x *exchange) checkAPIKey() bool {
	p := x.s.project.load()
	key := cmp.Or(x.r.Header.Get("Apikey"), x.req.Query.Get("apikey"))
	legacy := key == p.settings.AnonKey || key == p.settings.ServiceRoleKey
	switch {
	case key == "":
		x.refuseKey("No API key found in request", "No `apikey` request header or url param was found.")
	case legacy && p.state.LegacyKeys == LegacyEnabled, key == p.settings.PublishableKey, p.isSecret(key):
		return true
	case legacy && p.state.LegacyKeys == LegacyDisabled:
		x.refuseLegacyKey(p)
	default:
		x.refuseKey("Invalid API key", "Double check your Supabase `anon` or `service_role` API key.")
	}
	return false
}

// refuseLegacyKey refuses a legacy key that was switched off, or that the project
// never had.
func (x *exchange) refuseLegacyKey(p *snapshot) {
	if p.state.LegacyKeys == LegacyNone {
		x.refuseKey("Invalid API key", "Double check your Supabase `anon` or `service_role` API key.")
		return
	}
	x.refuseKey("Legacy API keys are disabled", "Your legacy API keys (anon, service_role) were disabled on "+
		"2026-01-01T00:00:00+00:00. Re-enable them in the Supabase dashboard, or use the new publishable and secret API keys.")
}

func (x *exchange) refuseKey(message, hint string) {
	x.sendMarshalled(http.StatusUnauthorized, struct {
		Message string `json:"message"`
		Hint    string `json:"hint"`
	}{message, hint})
}

// sendGrant answers with the tokens.
func (x *exchange) sendGrant(g grant) {
	expires := g.issued.Add(g.lifetime).Unix()
	u := &g.user
	x.sendMarshalled(http.StatusOK, struct {
		AccessToken  string   `json:"access_token"`
		TokenType    string   `json:"token_type"`
		ExpiresIn    int64    `json:"expires_in"`
		ExpiresAt    int64    `json:"expires_at"`
		RefreshToken string   `json:"refresh_token"`
		User         userJSON `json:"user"`
	}{
		AccessToken: x.s.Token(map[string]any{
			"iss": x.origin() + "/auth/v1", "sub": u.ID, "aud": roleAuthenticated,
			"iat": g.issued.Unix(), "exp": expires, "email": u.Email, "phone": "",
			"app_metadata": u.appMetadata(), "user_metadata": u.userMetadata(), "role": u.Role, "aal": "aal1",
			"amr":        []any{map[string]any{"method": "password", "timestamp": g.start.Unix()}},
			"session_id": g.session, "is_anonymous": false,
		}),
		TokenType: "bearer", ExpiresIn: expires - g.issued.Unix(), ExpiresAt: expires,
		RefreshToken: g.refreshToken, User: u.json(),
	})
}

// origin is the address that the client sees.
func (x *exchange) origin() string {
	return cmp.Or(x.r.URL.Scheme, "http") + "://" + x.r.Host
}

// userJSON is a user as Auth shows it.
type userJSON struct {
	ID               string         `json:"id"`
	Aud              string         `json:"aud"`
	Role             string         `json:"role"`
	Email            string         `json:"email"`
	EmailConfirmedAt *time.Time     `json:"email_confirmed_at,omitempty"`
	Phone            string         `json:"phone"`
	ConfirmedAt      *time.Time     `json:"confirmed_at,omitempty"`
	LastSignInAt     time.Time      `json:"last_sign_in_at"`
	AppMetadata      map[string]any `json:"app_metadata"`
	UserMetadata     map[string]any `json:"user_metadata"`
	Identities       []any          `json:"identities"`
	CreatedAt        time.Time      `json:"created_at"`
	UpdatedAt        time.Time      `json:"updated_at"`
	IsAnonymous      bool           `json:"is_anonymous"`
}

func (a *account) json() userJSON {
	created := a.created.UTC()
	return userJSON{
		ID: a.ID, Aud: roleAuthenticated, Role: a.Role, Email: a.Email,
		EmailConfirmedAt: &created, ConfirmedAt: &created, LastSignInAt: a.signedIn.UTC(),
		AppMetadata: a.appMetadata(), UserMetadata: a.userMetadata(), Identities: []any{},
		CreatedAt: created, UpdatedAt: a.changed.UTC(),
	}
}

func (a *account) appMetadata() map[string]any {
	m := map[string]any{"provider": "email", "providers": []any{"email"}}
	maps.Copy(m, a.AppMetadata)
	return m
}

func (a *account) userMetadata() map[string]any {
	if a.UserMetadata == nil {
		return map[string]any{}
	}
	return a.UserMetadata
}

// sendMarshalled sends v as JSON.
func (x *exchange) sendMarshalled(status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		// A user's metadata that are not JSON: the caller's mistake.
		panic("emulator: " + err.Error())
	}
	x.sendBareJSON(status, data)
}
