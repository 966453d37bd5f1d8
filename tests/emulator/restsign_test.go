package emulator

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestSignedURLsAreThoseOfTheRealServer compares tokens too: the secret and the time
// of the recordings are known.
func TestSignedURLsAreThoseOfTheRealServer(t *testing.T) {
	for _, r := range readRecordings(t, "sign") {
		s := recordedServer(t, Options{})
		s.clock = func() time.Time { return at("19:12:17") }
		docs(s)
		replay(t, s, r)
	}
}

// restCall sends a request to the REST API.
func restCall(t *testing.T, s *Server, method, path, token, body string) answered {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, strings.TrimSuffix(s.Endpoint(), "/s3")+path, strings.NewReader(body))
	require.NoError(t, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	r.Header.Set("Content-Type", "application/json")
	return (&client{t: t, s: s, rt: s.Transport()}).send(r)
}

func TestASignedURLOpensOneObjectUntilItExpires(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := New(Options{Clock: func() time.Time { return now }})
	token := s.Settings().ServiceRoleKey
	for _, key := range []string{"a b+c?d.txt", "//x", "other"} {
		s.Put("b", key, []byte("of "+key))
	}
	got := restCall(t, s, http.MethodPost, "/object/sign/b", token, `{"expiresIn":60,"paths":["a b+c?d.txt","//x"]}`)
	require.Equal(t, http.StatusOK, got.status, got.body)
	var rows []struct{ Path, SignedURL string }
	require.NoError(t, json.Unmarshal([]byte(got.body), &rows))
	open := func(key, url string) answered {
		_, tok, _ := strings.Cut(strings.TrimPrefix(url, "/object/sign/b/"+key), "?token=")
		return restCall(t, s, http.MethodGet, "/object/sign/b/"+escape(key)+"?token="+tok, "", "")
	}
	for _, r := range rows {
		require.Equal(t, "of "+r.Path, open(r.Path, r.SignedURL).body)
	}
	first := strings.Replace(rows[0].SignedURL, rows[0].Path, "other", 1)
	require.Contains(t, open("other", first).body, "InvalidSignature")
	now = now.Add(60 * time.Second)
	require.Contains(t, open(rows[0].Path, rows[0].SignedURL).body, `\"exp\" claim timestamp check failed`)
	require.Contains(t, restCall(t, s, http.MethodGet, "/object/sign/b/other?token=garbage", "", "").body, "Invalid Compact JWS")
	require.Contains(t, restCall(t, s, http.MethodGet, "/object/sign/b/other", "", "").body, "querystring must have required property 'token'")
}

func TestURLsAreSignedForWhatTheCallerMayReadAlone(t *testing.T) {
	s := New(Options{})
	s.Put("b", "mine", []byte("x"))
	s.Put("b", "yours", []byte("x"))
	s.AllowRead("b", func(_ map[string]any, key string) bool { return key == "mine" })
	user := s.UserToken("u", time.Hour)
	body := restCall(t, s, http.MethodPost, "/object/sign/b", user, `{"expiresIn":60,"paths":["mine","yours","nothing"]}`).body
	require.Equal(t, 2, strings.Count(body, `"error":"`+notSigned), body)
	require.Equal(t, 1, strings.Count(body, "?token="))
	for body, want := range map[string]string{
		`{"expiresIn":0,"paths":["a"]}`:   "body/expiresIn must be >= 1",
		`{"expiresIn":1.5,"paths":["a"]}`: "body/expiresIn must be integer",
		`{"expiresIn":9,"paths":[]}`:      "body/paths must NOT have fewer than 1 items",
	} {
		require.Contains(t, restCall(t, s, http.MethodPost, "/object/sign/b", user, body).body, want)
	}
	require.Contains(t, restCall(t, s, http.MethodPost, "/object/sign/b", "", `{"expiresIn":9,"paths":["a"]}`).body, "required property 'authorization'")
}
