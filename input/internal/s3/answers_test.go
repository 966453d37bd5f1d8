package s3

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// errUnobtainable is what credentials fail with that must not be asked for.
var errUnobtainable = errors.New("no credentials to be had")

func TestAServerThatRefusesStrangersAnswers(t *testing.T) {
	s := emulator.New(emulator.Options{})
	c := inMemory(t, s, func(o *plane.Options) {
		o.Credentials = func(context.Context) (object.Credentials, error) { return object.Credentials{}, errUnobtainable }
	})
	require.NoError(t, c.Answers(t.Context()))
	require.Len(t, s.Log(), 1)
}

func TestNobodyOrAnythingElseThanS3DoesNotAnswer(t *testing.T) {
	page := func(status int, kind, body string) func(*http.Request) (*http.Response, error) {
		return func(*http.Request) (*http.Response, error) {
			h := http.Header{}
			if kind != "" {
				h.Set("Content-Type", kind)
			}
			return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}, nil
		}
	}
	s3Error := func(status int, code string) func(*http.Request) (*http.Response, error) {
		return page(status, "application/xml", "<Error><Code>"+code+"</Code><Message>m</Message></Error>")
	}
	for name, c := range map[string]struct {
		answer func(*http.Request) (*http.Response, error)
		want   error
	}{
		"a page":                       {page(200, "text/html", "<html>hello</html>"), object.ErrNotS3},
		"a missing page":               {page(404, "text/html", "<html>not here</html>"), object.ErrNotS3},
		"another API":                  {page(404, "application/json", `{"message":"no Route matched"}`), object.ErrNotS3},
		"an empty refusal":             {page(403, "", ""), object.ErrNotS3},
		"a redirect":                   {page(301, "", ""), object.ErrNotS3},
		"a gateway without a server":   {page(502, "text/html", "<html>bad gateway</html>"), object.ErrUnavailable},
		"an empty page":                {page(200, "", ""), object.ErrNotS3},
		"no answer":                    {func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }, object.ErrUnavailable},
		"S3 that is switched off":      {s3Error(403, "FeatureNotEnabled"), object.ErrCredentials},
		"a project that is not served": {s3Error(400, "TenantNotFound"), object.ErrCredentials},
		"a refusal":                    {s3Error(403, "AccessDenied"), nil},
		"a missing bucket":             {s3Error(404, "NoSuchBucket"), nil},
		"a public bucket":              {page(200, "application/xml", "<ListBucketResult><Name>photos</Name></ListBucketResult>"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			client := inMemory(t, emulator.New(emulator.Options{}), func(o *plane.Options) { o.Transport = roundTrip(c.answer) })
			err := client.Answers(t.Context())
			if c.want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, c.want)
		})
	}
}
