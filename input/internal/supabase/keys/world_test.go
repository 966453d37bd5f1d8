package keys

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

const (
	ref      = "abcdefghijklmnopqrst"
	patValue = "sbp_0123456789abcdef0123456789abcdef01234567"
	password = "correct horse battery staple"
	email    = "ada@example.com"
)

// world stands in for the Management API and Auth.
type world struct {
	t *testing.T
	// fail answers a request in place of the world, where its status is not 0.
	fail func(r *http.Request) reply

	mu       sync.Mutex
	calls    []string
	bodies   []string
	secret   int // the generation of the project's JWT secret
	sessions int
	refresh  string // the refresh token that is good
	status   string
	health   string
	keys     string // the whole list of keys, where it is not the usual one
	legacy   string // whether the legacy keys are enabled, where the API tells
	apiKey   string // what the gateway lets users sign in with, where it is not the anon key
}

type reply struct {
	status int
	body   string
	header map[string]string
	err    error
}

func newWorld(t *testing.T) *world {
	return &world{t: t, status: "ACTIVE_HEALTHY", health: "ACTIVE_HEALTHY", fail: func(*http.Request) reply { return reply{} }}
}

// jwt is a token that the given generation of the secret signed.
func jwt(secret int, claims map[string]any) string {
	part := func(v any) string {
		raw, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	return part(map[string]any{"alg": "HS256", "typ": "JWT"}) + "." + part(claims) + "." +
		base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "signature of secret %d", secret))
}

func apiKey(secret int, role string) string {
	return jwt(secret, map[string]any{"iss": "supabase", "ref": ref, "role": role, "exp": int64(4_000_000_000)})
}

// RoundTrip answers as the two APIs do.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		raw, err := io.ReadAll(r.Body)
		require.NoError(w.t, err)
		body = string(raw)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, r.Method+" "+r.URL.RequestURI())
	w.bodies = append(w.bodies, body)
	a := w.fail(r)
	if a.err != nil {
		return nil, a.err
	}
	if a.status == 0 {
		a = w.answer(r, body)
	}
	resp := &http.Response{StatusCode: a.status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}
	for name, value := range a.header {
		resp.Header.Set(name, value)
	}
	return resp, nil
}

func (w *world) answer(r *http.Request, body string) reply {
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/v1/") && r.Header.Get("Authorization") != "Bearer "+patValue:
		return reply{status: 401, body: `{"message":"Unauthorized"}`}
	case path == "/v1/projects/"+ref:
		return reply{status: 200, body: fmt.Sprintf(`{"id":%q,"ref":%q,"name":"n","region":"ap-south-1","status":%q,"database":{"host":"h"}}`, ref, ref, w.status)}
	case path == "/v1/projects/"+ref+"/health":
		return reply{status: 200, body: fmt.Sprintf(`[{"name":"storage","healthy":true,"status":%q}]`, w.health)}
	case path == "/v1/projects/"+ref+"/api-keys/legacy" && w.legacy != "":
		return reply{status: 200, body: fmt.Sprintf(`{"enabled":%s}`, w.legacy)}
	case path == "/v1/projects/"+ref+"/api-keys":
		if w.keys != "" {
			return reply{status: 200, body: w.keys}
		}
		return reply{status: 200, body: fmt.Sprintf(`[{"name":"anon","api_key":%q,"id":"anon","type":"legacy"},
			{"name":"service_role","api_key":%q,"id":"service_role","type":"legacy"},
			{"name":"default","type":"publishable","api_key":"sb_publishable_x","description":null},
			{"name":"default","type":"secret","api_key":"sb_secret_x··········"}]`, apiKey(w.secret, "anon"), apiKey(w.secret, "service_role"))}
	case path == "/auth/v1/token":
		return w.token(r, body)
	case path == "/auth/v1/logout" && r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get("Authorization"), "Bearer eyJ"):
		w.refresh = ""
		return reply{status: 204}
	}
	return reply{status: 404, body: `{"message":"Cannot GET"}`}
}

func (w *world) token(r *http.Request, body string) reply {
	var in struct {
		Email        string `json:"email"`
		Password     string `json:"password"`
		RefreshToken string `json:"refresh_token"`
	}
	require.NoError(w.t, json.Unmarshal([]byte(body), &in))
	require.Equal(w.t, "application/json", r.Header.Get("Content-Type"))
	switch grant := r.URL.Query().Get("grant_type"); {
	case r.Header.Get("apikey") != cmp.Or(w.apiKey, apiKey(w.secret, "anon")):
		return reply{status: 401, body: `{"message":"Invalid API key","hint":"Double check your Supabase anon or service_role API key."}`}
	case grant == "password" && (in.Email != email || in.Password != password):
		return reply{status: 400, body: `{"code":400,"error_code":"invalid_credentials","msg":"Invalid login credentials"}`}
	case grant == "refresh_token" && (in.RefreshToken != w.refresh || w.refresh == ""):
		return reply{status: 400, body: `{"code":400,"error_code":"refresh_token_not_found","msg":"Invalid Refresh Token: Refresh Token Not Found"}`}
	}
	w.sessions++
	w.refresh = fmt.Sprintf("refresh-%012d", w.sessions)
	now := time.Now()
	token := jwt(w.secret, map[string]any{
		"iss": "https://" + ref + ".supabase.co/auth/v1", "sub": "user-1", "email": email, "role": "authenticated",
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "n": w.sessions,
	})
	return reply{status: 200, body: fmt.Sprintf(`{"access_token":%q,"token_type":"bearer","expires_in":3600,"expires_at":%d,"refresh_token":%q,"user":{"id":"user-1"}}`,
		token, now.Add(time.Hour).Unix(), w.refresh)}
}

// count is how many calls contained the text.
func (w *world) count(text string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, call := range w.calls {
		if strings.Contains(call, text) {
			n++
		}
	}
	return n
}

func (w *world) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func settings(kind string) supabase.Settings {
	s := supabase.Settings{ProjectRef: ref, Bucket: "b"}
	c := &s.Credentials
	c.Type = kind
	switch kind {
	case supabase.TypeUser:
		c.AnonKey, c.Email, c.Password = apiKey(0, "anon"), email, password
	case supabase.TypeAccessToken:
		c.AccessToken = patValue
	}
	return s
}

// told keeps what a watcher hears.
type told struct {
	mu      sync.Mutex
	renewed []supabase.Project
	refused int // of them, because the ones before were
	delayed []string
	// recovered is how long each outage lasted.
	recovered []time.Duration
	left      []time.Duration
}

func (l *told) Renewed(p supabase.Project, rejected bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if rejected {
		l.refused++
	}
	l.renewed = append(l.renewed, p)
}

func (l *told) Delayed(err error, _ time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delayed = append(l.delayed, err.Error())
}

func (l *told) Recovered(after time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.recovered = append(l.recovered, after)
}

func (l *told) Expiring(_ supabase.Project, left time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left = append(l.left, left)
}

// start makes a source of the settings, whose patience is the given one.
func start(t *testing.T, w *world, s supabase.Settings, patience time.Duration) (*Source, *told) {
	t.Helper()
	p, err := supabase.Resolve(s)
	require.NoError(t, err)
	l := &told{}
	return New(Options{Settings: s, Project: p, Transport: w, Timeout: time.Minute, Patience: patience, Watcher: l}), l
}

// good returns the keys, which there must be.
func good(t *testing.T, s *Source) object.Credentials {
	t.Helper()
	c, err := s.Credentials(t.Context())
	require.NoError(t, err)
	return c
}

// permanent checks that err ends a run, says all of the words and holds no
// secret.
func permanent(t *testing.T, err error, words ...string) {
	t.Helper()
	require.ErrorIs(t, err, object.ErrCredentials)
	require.False(t, object.Transient(err), err)
	require.NotErrorIs(t, err, object.ErrNotFound)
	for _, word := range words {
		require.ErrorContains(t, err, word)
	}
	noSecret(t, err.Error())
}

func noSecret(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{patValue, password, "eyJhbGci", "refresh-0", "sb_secret_a", "sb_secret_b", "sb_publishable_a"} {
		require.NotContains(t, text, secret)
	}
}

var errCut = fmt.Errorf("connection reset by peer")

// storm calls Renew for the same rejected keys many times at once.
func storm(ctx context.Context, s *Source, rejected object.Credentials, n int) (renewed int, errs []error) {
	var mu sync.Mutex
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			ok, err := s.Renew(ctx, rejected)
			mu.Lock()
			defer mu.Unlock()
			if ok {
				renewed++
			}
			if err != nil {
				errs = append(errs, err)
			}
		})
	}
	group.Wait()
	return renewed, errs
}
