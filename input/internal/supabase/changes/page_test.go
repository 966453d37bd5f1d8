package changes

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

func TestAnOddRowCostsNoOther(t *testing.T) {
	for metadata, odd := range map[string]string{
		`{"eTag":"\"e\"","size":-1}`:     `a size of "-1"`,
		`{"eTag":"\"e\"","size":"many"}`: "metadata that can't be read",
		`{"eTag":7,"size":1}`:            "metadata that can't be read",
	} {
		var p page
		row := func(name, metadata string) string {
			return `{"name":"` + name + `","updated_at":"2026-06-01T12:00:00Z","metadata":` + metadata + `}`
		}
		const good = `{"eTag":"e","size":1}`
		var a answer
		require.NoError(t, json.Unmarshal([]byte(`{"hasNext":false,"objects":[`+row("a", good)+","+row("b", metadata)+","+row("c", good)+`]}`), &a))
		require.NoError(t, p.read(a))
		require.Len(t, p.objects, 3)
		require.Contains(t, p.objects[1].Odd, odd)
		require.Empty(t, p.objects[0].Odd+p.objects[2].Odd)
	}
}

func TestWhatTheServerWritesReachesNoErrorAsItIs(t *testing.T) {
	const token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1In0.c2ln"
	cred := object.Credentials{SessionToken: token, APIKey: "the-key-of-the-project"}
	for _, status := range []int{301, 400, 403, 404, 429, 500} {
		for _, text := range []string{token, token[:9] + "\xff" + token[9:], "\x1b[31m", "the-key-\x00of-the-project"} {
			for _, doc := range []string{text, "<html>" + text, `{"code":"` + text + `","message":"` + text + `"}`, `{"error":"` + text + `"}`} {
				c, err := New(Options{
					Endpoint: "https://x/storage/v1/s3", Bucket: "docs", Retry: retry.Policy{MaxAttempts: 1},
					Credentials: func(context.Context) (object.Credentials, error) { return cred, nil },
					Transport: answering(func() *http.Response {
						return &http.Response{StatusCode: status, Header: http.Header{"Location": {"https://" + text}}, Body: io.NopCloser(strings.NewReader(doc))}
					}),
				})
				require.NoError(t, err)
				_, err = c.Newest(t.Context(), "")
				for _, never := range []string{"eyJ", "c2ln", "\x1b", "of-the-project", "\n"} {
					require.NotContains(t, err.Error(), never, "%d %q", status, doc)
				}
				e, ok := errors.AsType[*object.Error](err)
				require.True(t, ok)
				require.Regexp(t, `^[A-Za-z0-9._-]{0,64}$`, e.Code)
			}
		}
	}
}

type answering func() *http.Response

func (a answering) RoundTrip(*http.Request) (*http.Response, error) { return a(), nil }
