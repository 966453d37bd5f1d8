package emulator

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// timeField matches what depends on when a request was made.
var timeField = regexp.MustCompile(`"(updated_at|created_at|last_accessed_at|last_modified|lastModified)":"[0-9TZ:.-]{24}"`)

func withoutTimes(body string) string { return timeField.ReplaceAllString(withoutIDs(body), `"$1":""`) }

// replayInTurn sends the recorded requests to one server, as they were recorded: each
// answer depends on the requests before.
func replayInTurn(t *testing.T, s *Server, group string) {
	tokens := strings.NewReplacer("{service_role}", s.Settings().ServiceRoleKey, "{user}", s.UserToken("u", time.Hour))
	c := newClient(t, s)
	for _, r := range readRecordings(t, group) {
		req, err := http.NewRequestWithContext(t.Context(), r.method, s.URL(), strings.NewReader(r.body))
		require.NoError(t, err)
		// As it was sent, although some of it is no valid path.
		path, query, _ := strings.Cut(r.target, "?")
		plain, err := url.PathUnescape(path)
		if err != nil {
			plain = path
		}
		req.URL.Path, req.URL.RawPath, req.URL.RawQuery = plain, path, query
		for name, values := range r.header {
			req.Header[name] = []string{tokens.Replace(values[0])}
		}
		got := c.send(req)
		require.NoError(t, got.err)
		require.Equal(t, r.status, got.status, "%s: %s", r.name, got.body)
		require.Equal(t, withoutTimes(r.want), withoutTimes(got.body), r.name)
		require.Equal(t, r.answer.Get("Last-Modified") != "", got.header.Get("Last-Modified") != "", r.name)
		for _, name := range []string{
			"Content-Type", "Content-Length", "Content-Range", "Etag", "Cache-Control", "Accept-Ranges", "X-Robots-Tag",
		} {
			require.Equal(t, r.answer.Get(name), got.header.Get(name), "%s: %s", r.name, name)
		}
	}
}

func TestUploadsDeletionsAndBucketsAreThoseOfTheRealServer(t *testing.T) {
	for group, s3Backend := range map[string]bool{"restwrite": false, "restwrite_s3": true} {
		t.Run(group, func(t *testing.T) {
			s := recordedServer(t, Options{S3Backend: s3Backend})
			s.CreateBucket("rec")
			replayInTurn(t, s, group)
		})
	}
}

func TestDeletionByKeysTouchesOnlyWhatTheUserMayDelete(t *testing.T) {
	s := New(Options{})
	for _, key := range []string{"u/a", "u/b", "v/a"} {
		s.Put("b", key, []byte("x"))
	}
	own := func(claims map[string]any, key string) bool {
		sub, _ := claims["sub"].(string)
		return strings.HasPrefix(key, sub+"/")
	}
	s.AllowRead("b", own)
	c := newClient(t, s)
	remove := func(keys string) answered {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, s.URL()+"/storage/v1/object/b", strings.NewReader(`{"prefixes":`+keys+`}`))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+s.UserToken("u", time.Hour))
		r.Header.Set("Apikey", s.Settings().PublishableKey)
		return c.send(r)
	}
	require.Equal(t, "[]", remove(`["u/a"]`).body, "reading is not deleting")
	s.AllowWrite("b", own)
	got := remove(`["v/a","u/a","u/a"]`)
	require.Equal(t, http.StatusOK, got.status)
	require.Equal(t, 1, strings.Count(got.body, `"name":`))
	require.Contains(t, got.body, `"name":"u/a"`)
	_, _, there := s.Get("b", "v/a")
	require.True(t, there)
	_, _, there = s.Get("b", "u/b")
	require.True(t, there)
	require.Equal(t, 2, s.Count(OpRESTDeleteMany))
}

func TestMetadataThatAreNoTextAreLeftOutOverS3(t *testing.T) {
	s := New(Options{})
	s.Put("b", "k", []byte("x"), WithMetadata(map[string]any{"a": "b", "n": 1, "deep": map[string]any{"l": []any{true, nil}}, "u": "ü"}))
	c := newClient(t, s)
	got := c.get("b", "k")
	require.Equal(t, "b", got.header.Get("X-Amz-Meta-A"))
	require.Equal(t, "3", got.header.Get("X-Amz-Missing-Meta"))
	info := c.rest(http.MethodGet, "info/b/k", "Bearer "+s.Settings().ServiceRoleKey, "")
	require.Contains(t, info.body, `"metadata":{"a":"b","n":1,"u":"ü","deep":{"l":[true,null]}}`)
	stored, _, _ := s.Get("b", "k")
	require.Equal(t, map[string]string{"a": "b", "u": "ü"}, stored.UserMetadata)
}

func TestALargeUploadOverRESTHasTheETagOfItsPartsInS3(t *testing.T) {
	content := strings.Repeat("z", 1<<20)
	for size, want := range map[int]string{ // in MiB; as recorded with a real server
		16: "6a31f7e7ba3abe2b8c36dcca2c9863b2",
		32: "9ed47b73db59a53fb7af3a314f9bc66b-2",
	} {
		s := New(Options{S3Backend: true})
		s.CreateBucket("b")
		c := newClient(t, s)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+"/storage/v1/object/b/k", strings.NewReader(strings.Repeat(content, size)))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "text/plain")
		r.Header.Set("Apikey", s.Settings().SecretKey)
		require.Equal(t, http.StatusOK, c.send(r).status)
		require.Equal(t, `"`+want+`"`, c.rest(http.MethodHead, "authenticated/b/k", "Bearer "+s.Settings().ServiceRoleKey, "").header.Get("Etag"))
	}
}
