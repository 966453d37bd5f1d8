package emulator

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

// tokens is an answer of /token, including errors of all forms.
type tokens struct {
	AccessToken  string         `json:"access_token"`
	TokenType    string         `json:"token_type"`
	ExpiresIn    int64          `json:"expires_in"`
	ExpiresAt    int64          `json:"expires_at"`
	RefreshToken string         `json:"refresh_token"`
	User         map[string]any `json:"user"`

	ErrorCode string `json:"error_code"`
	status    int
}

// post asks /token with the anon key.
func (c *client) post(grantType, body string, header http.Header) answered {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost,
		c.s.URL()+"/auth/v1/token?grant_type="+grantType, strings.NewReader(body))
	require.NoError(c.t, err)
	r.Header.Set("Apikey", c.s.Settings().AnonKey)
	maps.Copy(r.Header, header)
	return c.send(r)
}

func (c *client) token(grantType string, body map[string]string) tokens {
	c.t.Helper()
	data, err := json.Marshal(body)
	require.NoError(c.t, err)
	got := c.post(grantType, string(data), nil)
	require.NoError(c.t, got.err)
	answer := tokens{status: got.status}
	require.NoError(c.t, json.Unmarshal([]byte(got.body), &answer), got.body)
	return answer
}

func (c *client) signIn(email, password string) tokens {
	c.t.Helper()
	return c.token("password", map[string]string{"email": email, "password": password})
}

func (c *client) refresh(token string) tokens {
	c.t.Helper()
	return c.token("refresh_token", map[string]string{"refresh_token": token})
}

var ann = User{Email: "ann@example.com", Password: "correct horse"}

func TestSignInAnswersAsAuthDoes(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := New(Options{Clock: func() time.Time { return now }})
	user := s.SetUser(User{
		Email: "Ann@Example.com", Password: "correct horse",
		AppMetadata: map[string]any{"team": "red"}, UserMetadata: map[string]any{"name": "Ann"},
	})
	got := newClient(t, s).signIn("ANN@example.com", "correct horse")
	require.Equal(t, http.StatusOK, got.status)
	require.Equal(t, "bearer", got.TokenType)
	require.EqualValues(t, 3600, got.ExpiresIn)
	require.Equal(t, now.Unix()+3600, got.ExpiresAt)
	require.Regexp(t, `^[a-z0-9]{12}$`, got.RefreshToken)
	require.Equal(t, user.ID, got.User["id"])
	require.Equal(t, "ann@example.com", got.User["email"])
	require.Equal(t, "2026-01-01T00:00:00Z", got.User["last_sign_in_at"])

	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(got.AccessToken, claims, func(*jwt.Token) (any, error) { return []byte(defaultJWTSecret), nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithTimeFunc(func() time.Time { return now }))
	require.NoError(t, err)
	require.NotEmpty(t, claims["session_id"])
	delete(claims, "session_id")
	require.Empty(t, cmp.Diff(jwt.MapClaims{
		"iss": "http://emulator.invalid/auth/v1", "sub": user.ID, "aud": "authenticated",
		"iat": float64(now.Unix()), "exp": float64(now.Unix() + 3600), "email": "ann@example.com", "phone": "",
		"role": "authenticated", "aal": "aal1", "is_anonymous": false,
		"amr":           []any{map[string]any{"method": "password", "timestamp": float64(now.Unix())}},
		"app_metadata":  map[string]any{"provider": "email", "providers": []any{"email"}, "team": "red"},
		"user_metadata": map[string]any{"name": "Ann"},
	}, claims))
}

func TestSignedInUserSeesWhatPoliciesAllow(t *testing.T) {
	s := New(Options{})
	user := s.SetUser(ann)
	s.Put("b", user.ID+"/own", []byte("own"))
	s.Put("b", "other/own", []byte("other"))
	s.AllowRead("b", func(claims map[string]any, key string) bool {
		return strings.HasPrefix(key, claims["sub"].(string)+"/")
	})
	c := newClient(t, s)
	c = c.as(c.signIn(ann.Email, ann.Password).AccessToken)
	require.Equal(t, "own", c.get("b", user.ID+"/own").body)
	require.Equal(t, http.StatusNotFound, c.get("b", "other/own").status)
	listing := c.do(http.MethodGet, "b", "", "list-type=2", nil, nil)
	require.Contains(t, listing.body, "<KeyCount>1</KeyCount>")
	s.AllowRead("b", nil)
	listing = c.do(http.MethodGet, "b", "", "list-type=2", nil, nil)
	require.Contains(t, listing.body, "<KeyCount>0</KeyCount>")
}

func TestRefusedGrantsHaveAuthsCodes(t *testing.T) {
	s := New(Options{})
	s.SetUser(ann)
	s.SetUser(User{Email: "new@example.com", Password: "p", Unconfirmed: true})
	s.SetUser(User{Email: "bad@example.com", Password: "p", Banned: true})
	s.SetUser(User{Email: "oauth@example.com"})
	c := newClient(t, s)
	for _, tc := range []struct{ grant, body, want string }{
		{"password", `{"email":"ann@example.com","password":"wrong"}`, `{"code":400,"error_code":"invalid_credentials","msg":"Invalid login credentials"}`},
		{"password", `{"email":"nobody@example.com","password":"p"}`, `{"code":400,"error_code":"invalid_credentials","msg":"Invalid login credentials"}`},
		{"password", `{"email":"oauth@example.com","password":""}`, `{"code":400,"error_code":"invalid_credentials","msg":"Invalid login credentials"}`},
		{"password", `{"email":"new@example.com","password":"p"}`, `{"code":400,"error_code":"email_not_confirmed","msg":"Email not confirmed"}`},
		{"password", `{"email":"new@example.com","password":"q"}`, `{"code":400,"error_code":"invalid_credentials","msg":"Invalid login credentials"}`},
		{"password", `{"email":"bad@example.com","password":"q"}`, `{"code":400,"error_code":"user_banned","msg":"User is banned"}`},
		{"password", `{"password":"p"}`, `{"code":400,"error_code":"validation_failed","msg":"missing email or phone"}`},
		{"password", `email=ann`, `{"code":400,"error_code":"bad_json","msg":"Could not parse request body as JSON: invalid character 'e' looking for beginning of value"}`},
		{"refresh_token", `{"refresh_token":"short"}`, `{"code":400,"error_code":"validation_failed","msg":"Refresh token is not valid"}`},
		{"refresh_token", `{"refresh_token":"abcdefghijkl"}`, `{"code":400,"error_code":"refresh_token_not_found","msg":"Invalid Refresh Token: Refresh Token Not Found"}`},
		{"magic", `{}`, `{"code":400,"error_code":"invalid_credentials","msg":"unsupported_grant_type"}`},
	} {
		got := c.post(tc.grant, tc.body, nil)
		require.Equal(t, http.StatusBadRequest, got.status)
		require.Equal(t, tc.want, got.body)
		require.Contains(t, tc.want, `"`+got.header.Get("X-Sb-Error-Code")+`"`)
		require.Equal(t, "application/json", got.header.Get("Content-Type"))
	}
	tooLarge := c.post("password", `{"email":"`+strings.Repeat("a", maxTokenBody)+`"}`, nil)
	require.Equal(t, http.StatusRequestEntityTooLarge, tooLarge.status)
}

func TestErrorsOfAuthHaveTheFormThatWasAskedFor(t *testing.T) {
	s := New(Options{})
	c := newClient(t, s)
	const body = `{"email":"a@b.c","password":"p"}`
	got := c.post("password", body, http.Header{authVersionHeader: {"2024-01-01"}})
	require.JSONEq(t, `{"code":"invalid_credentials","message":"Invalid login credentials"}`, got.body)
	require.Equal(t, "2024-01-01", got.header.Get(authVersionHeader))
	got = c.post("password", body, http.Header{authVersionHeader: {"2023-12-31"}})
	require.Contains(t, got.body, `"code":400`)
	old := New(Options{OldAuthErrors: true})
	got = newClient(t, old).post("password", body, nil)
	require.JSONEq(t, `{"error":"invalid_grant","error_description":"Invalid login credentials"}`, got.body)
	old.SetFaults(func(Request) Fault { return Fault{Status: 429} })
	require.JSONEq(t, `{"code":429,"msg":"Request rate limit reached"}`, newClient(t, old).post("password", body, nil).body)
}

func TestGatewayAsksForAnAPIKey(t *testing.T) {
	s := New(Options{})
	s.SetUser(ann)
	c := newClient(t, s)
	set := s.Settings()
	body := `{"email":"ann@example.com","password":"correct horse"}`
	try := func(key string) answered { return c.post("password", body, http.Header{"Apikey": {key}}) }
	for _, key := range []string{set.AnonKey, set.ServiceRoleKey, set.PublishableKey, set.SecretKey} {
		require.Equal(t, http.StatusOK, try(key).status)
	}
	for _, key := range []string{s.UserToken("u", time.Hour), "sb_publishable_wrong", set.ProjectRef} {
		got := try(key)
		require.Equal(t, http.StatusUnauthorized, got.status)
		require.JSONEq(t, "{\"message\":\"Invalid API key\",\"hint\":\"Double check your Supabase `anon` or `service_role` API key.\"}", got.body)
	}
	got := c.post("password", body, http.Header{"Apikey": nil, "Authorization": {"Bearer " + set.AnonKey}})
	require.Equal(t, http.StatusUnauthorized, got.status)
	require.JSONEq(t, "{\"message\":\"No API key found in request\",\"hint\":\"No `apikey` request header or url param was found.\"}", got.body)

	s.SetProject(func(p *Project) { p.LegacyKeys = LegacyDisabled })
	got = try(set.AnonKey)
	require.Equal(t, http.StatusUnauthorized, got.status)
	require.Contains(t, got.body, `{"message":"Legacy API keys are disabled","hint":"Your legacy API keys (anon, service_role) were disabled on `)
	require.Equal(t, http.StatusOK, try(set.PublishableKey).status)
	s.SetProject(func(p *Project) { p.LegacyKeys = LegacyNone })
	require.Contains(t, try(set.AnonKey).body, `"Invalid API key"`)

	old := s.Settings()
	set = s.RotateAPIKeys()
	require.Equal(t, http.StatusUnauthorized, try(old.PublishableKey).status)
	require.Equal(t, http.StatusOK, try(set.PublishableKey).status)
	require.Len(t, set.PublishableKey, len(old.PublishableKey))
	require.Len(t, set.SecretKey, len(old.SecretKey))
}

func TestRefreshTokenIsGoodForOneExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		s.SetUser(ann)
		c := newClient(t, s)
		first := c.signIn(ann.Email, ann.Password)
		time.Sleep(time.Hour)
		second := c.refresh(first.RefreshToken)
		require.Equal(t, http.StatusOK, second.status)
		require.NotEqual(t, first.RefreshToken, second.RefreshToken)
		require.Equal(t, first.ExpiresAt+3600, second.ExpiresAt)

		// The client lost the answer: the same token comes again, however late.
		time.Sleep(time.Hour)
		require.Equal(t, second.RefreshToken, c.refresh(first.RefreshToken).RefreshToken)

		third := c.refresh(second.RefreshToken)
		require.Equal(t, http.StatusOK, third.status)
		// The token before the last one was used long ago: somebody has a copy, so the
		// session ends.
		require.Equal(t, "refresh_token_already_used", c.refresh(first.RefreshToken).ErrorCode)
		require.Equal(t, "refresh_token_already_used", c.refresh(third.RefreshToken).ErrorCode)
		require.Equal(t, http.StatusOK, c.signIn(ann.Email, ann.Password).status)
	})
}

func TestRacingRefreshesAreAllAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		s.SetUser(ann)
		c := newClient(t, s)
		first := c.signIn(ann.Email, ann.Password)
		second := c.refresh(first.RefreshToken)
		third := c.refresh(second.RefreshToken)
		time.Sleep(reuseInterval)
		again := c.refresh(first.RefreshToken)
		require.Equal(t, http.StatusOK, again.status)
		require.NotEqual(t, third.RefreshToken, again.RefreshToken)
		time.Sleep(time.Second)
		require.Equal(t, "refresh_token_already_used", c.refresh(second.RefreshToken).ErrorCode)
	})
}

func TestSessionsEnd(t *testing.T) {
	for name, tc := range map[string]struct {
		end  func(*Server)
		code string
	}{
		"signed out": {func(s *Server) { s.SignOut("Ann@example.com") }, "refresh_token_not_found"},
		"revoked":    {func(s *Server) { s.RevokeRefreshTokens(ann.Email) }, "refresh_token_already_used"},
		"removed":    {func(s *Server) { s.RemoveUser(ann.Email) }, "refresh_token_not_found"},
		"banned": {func(s *Server) {
			s.SetUser(User{Email: ann.Email, Password: ann.Password, Banned: true})
		}, "user_banned"},
		"too old": {func(s *Server) {
			s.SetSessionLifetime(time.Hour)
			time.Sleep(time.Hour + time.Second)
		}, "session_expired"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := New(Options{})
				s.SetUser(ann)
				other := s.SetUser(User{Email: "bob@example.com", Password: "p"})
				c := newClient(t, s)
				session, bobs := c.signIn(ann.Email, ann.Password), c.signIn(other.Email, "p")
				tc.end(s)
				got := c.refresh(session.RefreshToken)
				require.Equal(t, http.StatusBadRequest, got.status)
				require.Equal(t, tc.code, got.ErrorCode)
				require.Equal(t, name != "too old", c.refresh(bobs.RefreshToken).status == http.StatusOK)
			})
		})
	}
}

func TestChangedPasswordKeepsTheSession(t *testing.T) {
	s := New(Options{})
	before := s.SetUser(ann)
	c := newClient(t, s)
	session := c.signIn(ann.Email, ann.Password)
	after := s.SetUser(User{Email: ann.Email, Password: "another"})
	require.Equal(t, before.ID, after.ID)
	require.Equal(t, "invalid_credentials", c.signIn(ann.Email, ann.Password).ErrorCode)
	require.Equal(t, http.StatusOK, c.refresh(session.RefreshToken).status)
}

func TestAccessTokenLivesAsLongAsItIsSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{TokenLifetime: 10 * time.Minute})
		s.SetUser(ann)
		s.Put("b", "k", []byte("x"))
		s.AllowRead("b", func(map[string]any, string) bool { return true })
		c := newClient(t, s)
		first := c.signIn(ann.Email, ann.Password)
		require.EqualValues(t, 600, first.ExpiresIn)
		s.SetTokenLifetime(24 * time.Hour)
		time.Sleep(10 * time.Minute)
		got := c.as(first.AccessToken).get("b", "k")
		require.Equal(t, http.StatusForbidden, got.status)
		require.Contains(t, got.body, `<Code>AccessDenied</Code><Message>"exp" claim timestamp check failed</Message>`)
		second := c.refresh(first.RefreshToken)
		time.Sleep(23 * time.Hour)
		require.Equal(t, http.StatusOK, c.as(second.AccessToken).get("b", "k").status)
	})
}

func TestAuthAnswersOverSocketsAndCounts(t *testing.T) {
	bothWays(t, func(t *testing.T, s *Server, c *client) {
		s.SetUser(ann)
		first := c.signIn(ann.Email, ann.Password)
		require.Equal(t, http.StatusOK, first.status)
		require.Equal(t, http.StatusOK, c.refresh(first.RefreshToken).status)
		require.Equal(t, 1, s.Count(OpSignIn))
		require.Equal(t, 1, s.Count(OpRefreshToken))
		for status, code := range map[int]string{429: "over_request_rate_limit", 500: "unexpected_failure", 503: "unexpected_failure", 400: "invalid_credentials"} {
			s.SetFaults(func(r Request) Fault {
				if r.Op != OpSignIn {
					return Fault{}
				}
				return Fault{Status: status}
			})
			got := c.signIn(ann.Email, ann.Password)
			require.Equal(t, status, got.status)
			require.Equal(t, code, got.ErrorCode)
		}
		s.SetFaults(func(Request) Fault { return Fault{Status: 403, Code: "captcha_failed", Message: "captcha"} })
		require.Equal(t, "captcha_failed", c.signIn(ann.Email, ann.Password).ErrorCode)
		s.SetFaults(func(Request) Fault { return Fault{Status: 502} })
		require.Equal(t, "text/html", c.post("password", "{}", nil).header.Get("Content-Type"))
	})
}

func TestAuthServesNothingElse(t *testing.T) {
	c := newClient(t, New(Options{}))
	for path, status := range map[string]int{"token": http.StatusMethodNotAllowed, "user": http.StatusNotFound, "": http.StatusNotFound} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.s.URL()+"/auth/v1/"+path, nil)
		require.NoError(t, err)
		require.Equal(t, status, c.send(r).status, path)
	}
}
