package auth

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/api"
)

func TestASessionIsEndedAsAuthExpectsIt(t *testing.T) {
	var seen string
	status := http.StatusNoContent
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = fmt.Sprint(r.Method, " ", r.URL.RequestURI(), " ", r.Header.Get("Apikey"), " ", r.Header.Get("Authorization"))
		w.WriteHeader(status)
	}))
	defer s.Close()
	c := New(api.Options{Base: s.URL + "/auth/v1"})
	require.NoError(t, c.SignOut(t.Context(), "key", "token"))
	require.Equal(t, "POST /auth/v1/logout?scope=local key Bearer token", seen)
	status = http.StatusServiceUnavailable
	require.ErrorIs(t, c.SignOut(t.Context(), "key", "token"), object.ErrUnavailable)
}

func TestSessionsAreAskedForAsAuthExpectsIt(t *testing.T) {
	var seen, answer string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen = fmt.Sprint(r.Method, " ", r.URL.RequestURI(), " ", r.Header.Get("Apikey"), " ", string(body))
		_, _ = io.WriteString(w, answer)
	}))
	defer s.Close()
	c := New(api.Options{Base: s.URL + "/auth/v1"})

	answer = `{"access_token":"a","token_type":"bearer","expires_in":3600,"expires_at":1,"refresh_token":"r","user":{"id":"u"},"weak_password":null}`
	session, err := c.SignIn(t.Context(), "key", "ada@example.com", `p"w`)
	require.NoError(t, err)
	require.Equal(t, `POST /auth/v1/token?grant_type=password key {"email":"ada@example.com","password":"p\"w"}`, seen)
	require.Equal(t, Session{AccessToken: "a", RefreshToken: "r", Life: time.Hour}, session)
	require.Equal(t, "<session>", fmt.Sprintf("%v", session))
	require.Equal(t, "<session>", fmt.Sprintf("%#v", session))

	_, err = c.Refresh(t.Context(), "key", "r")
	require.NoError(t, err)
	require.Equal(t, `POST /auth/v1/token?grant_type=refresh_token key {"refresh_token":"r"}`, seen)

	answer = `{"user":{"id":"u"}}`
	_, err = c.SignIn(t.Context(), "key", "ada@example.com", "p")
	require.ErrorIs(t, err, object.ErrCredentials)
	require.ErrorContains(t, err, "signing in: ")
}
