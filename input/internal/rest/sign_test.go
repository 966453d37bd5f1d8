package rest

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

func TestURLsAreInTheOrderOfTheKeys(t *testing.T) {
	s := emulator.New(emulator.Options{})
	c := inMemory(t, s)
	keys := []string{"a b+c?token=d#", "missing", "//x", "z"}
	for _, key := range []string{keys[0], keys[2], keys[3]} {
		s.Put(testBucket, key, []byte("of "+key), emulator.WithRawKey())
	}
	signed, err := c.Sign(t.Context(), keys, time.Minute)
	require.NoError(t, err)
	require.Len(t, signed, len(keys))
	require.ErrorContains(t, signed[1].Err, "does not exist or you do not have access")
	require.Empty(t, signed[1].URL)
	for _, i := range []int{0, 2, 3} {
		require.NoError(t, signed[i].Err)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, signed[i].URL, nil)
		require.NoError(t, err)
		res, err := s.Transport().RoundTrip(r)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, "of "+keys[i], string(body))
	}
}

func TestAnswersThatAreNotTheURLsAskedForAreErrorsThatPass(t *testing.T) {
	const token = "eyJhbGciOiJIUzI1NiJ9.eyJ1cmwiOiJwaG90b3MvYSJ9.c2lnbmF0dXJl"
	for name, body := range map[string]string{
		"a page of a gateway": "<html>Hello",
		"too few":             `[{"error":null,"path":"a","signedURL":"/object/sign/photos/a?token=` + token + `"}]`,
		"another key": `[{"error":null,"path":"a","signedURL":"/object/sign/photos/a?token=` + token + `"},` +
			`{"error":null,"path":"c","signedURL":"/object/sign/photos/c?token=` + token + `"}]`,
		"no token": `[{"error":null,"path":"a","signedURL":"/object/sign/photos/a"},{"error":null,"path":"b","signedURL":null}]`,
		"nothing":  "",
		"null":     "null",
	} {
		c := answering(t, func(*http.Request) *http.Response {
			return &http.Response{StatusCode: 200, Header: http.Header{}, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body))}
		})
		_, err := c.Sign(t.Context(), []string{"a", "b"}, time.Minute)
		require.True(t, object.Transient(err), "%s: %v", name, err)
		require.NotContains(t, err.Error(), token, name)
	}
}
