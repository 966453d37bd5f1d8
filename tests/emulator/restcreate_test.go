package emulator

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The answers are those of the real server.
func TestABucketIsMadeWithItsSettings(t *testing.T) {
	s := New(Options{})
	send := func(method, path, token, body string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, strings.TrimSuffix(s.Endpoint(), "/s3")+path, strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		res, err := s.Transport().RoundTrip(req)
		require.NoError(t, err)
		defer func() { _ = res.Body.Close() }()
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, withoutTimes(string(text))
	}
	const body = `{"id":"made","name":"made","public":true,"file_size_limit":1048576,"allowed_mime_types":["image/*","text/plain"]}`
	service := s.Settings().ServiceRoleKey
	status, text := send(http.MethodPost, "/bucket", s.UserToken("ada", time.Hour), body)
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, text, `"statusCode":"403"`)
	status, text = send(http.MethodPost, "/bucket", service, body)
	require.Equal(t, http.StatusOK, status)
	require.JSONEq(t, `{"name":"made"}`, text)
	status, text = send(http.MethodPost, "/bucket", service, body)
	require.Equal(t, http.StatusBadRequest, status)
	require.JSONEq(t, `{"statusCode":"409","error":"Duplicate","message":"The resource already exists","code":"BucketAlreadyExists"}`, text)
	status, text = send(http.MethodGet, "/bucket/made", service, "")
	require.Equal(t, http.StatusOK, status)
	require.JSONEq(t, `{"id":"made","name":"made","owner":"","public":true,"file_size_limit":1048576,"allowed_mime_types":["image/*","text/plain"],"created_at":"","updated_at":""}`, text)

	s.CreateBucket("plain")
	_, text = send(http.MethodGet, "/bucket/plain", service, "")
	require.JSONEq(t, `{"id":"plain","name":"plain","owner":"","public":false,"file_size_limit":null,"allowed_mime_types":null,"created_at":"","updated_at":""}`, text)
	settings, ok := s.BucketSettings("made")
	require.True(t, ok)
	require.Equal(t, BucketSettings{Public: true, FileSizeLimit: 1 << 20, AllowedMIMETypes: []string{"image/*", "text/plain"}}, settings)
	_, ok = s.BucketSettings("none")
	require.False(t, ok)

	s.SetBucket("plain", BucketSettings{Public: true})
	s.RemoveBucket("made")
	_, ok = s.BucketSettings("made")
	require.False(t, ok)
	require.Equal(t, http.StatusNoContent, newClient(t, s).do(http.MethodDelete, "plain", "", "", nil, nil).status)
	for _, name := range []string{"made", "plain"} {
		s.CreateBucket(name)
		settings, ok = s.BucketSettings(name)
		require.True(t, ok)
		require.Equal(t, BucketSettings{}, settings, "a new bucket has none of the settings of an earlier one")
	}
}
