package conformance

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// plane is a way to read a bucket.
type plane string

const (
	overS3   plane = "s3"
	overREST plane = "rest"
)

// eachTarget runs test over both planes, on the emulator behind each gateway, and on
// a real server if the environment names one. S3 without a gateway is left out: it is
// S3 behind Kong, which does not touch a signed request.
func eachTarget(t *testing.T, test func(t *testing.T, tg *target)) {
	t.Helper()
	t.Run("emulator", func(t *testing.T) {
		for _, gateway := range emulator.Gateways() {
			for _, p := range []plane{overS3, overREST} {
				if gateway == emulator.GatewayNone && p == overS3 {
					continue
				}
				t.Run(string(gateway)+"/"+string(p), func(t *testing.T) {
					t.Parallel()
					test(t, startEmulator(t, gateway, p))
				})
			}
		}
	})
	if os.Getenv("SUPABASE_TEST_ENDPOINT") == "" {
		return
	}
	t.Run("real", func(t *testing.T) {
		for _, p := range []plane{overS3, overREST} {
			t.Run(string(p), func(t *testing.T) {
				if p == overREST && os.Getenv("SUPABASE_TEST_SECRET_KEY") == "" {
					t.Skip("SUPABASE_TEST_SECRET_KEY is not set: REST takes no S3 access key")
				}
				test(t, realTarget(t, p))
			})
		}
	})
}

// eachInput is eachTarget for tests that run the whole input.
func eachInput(t *testing.T, test func(t *testing.T, tg *target)) {
	t.Helper()
	eachTarget(t, func(t *testing.T, tg *target) {
		if tg.gateway == emulator.GatewayNone {
			t.Skip("Storage without a gateway takes no secret or publishable key, and the input reads over REST with these")
		}
		test(t, tg)
	})
}

// only skips a test that makes no sense over the other plane.
func (tg *target) only(t *testing.T, p plane, why string) {
	t.Helper()
	if tg.plane != p {
		t.Skip(why)
	}
}

// keepsSlashes skips a test of keys with an empty segment where the gateway makes
// other keys of them.
func (tg *target) keepsSlashes(t *testing.T) {
	t.Helper()
	if tg.gateway == emulator.GatewayEnvoy {
		t.Skip("this gateway merges slashes: such a key arrives as another one")
	}
}

// reachable is a key that arrives as itself, also behind a gateway that merges
// slashes.
func (tg *target) reachable(key string) string {
	if tg.gateway == emulator.GatewayEnvoy {
		return strings.ReplaceAll(key, "//", "/-/")
	}
	return key
}

// status is the HTTP status of a refusal: REST answers 400 where S3 answers 403 or
// 404, and says which in the body.
func (tg *target) status(s3 int) int {
	if tg.plane == overREST && (s3 == http.StatusForbidden || s3 == http.StatusNotFound) {
		return http.StatusBadRequest
	}
	return s3
}

// restRequest is r as a request of the Storage REST API.
func (tg *target) restRequest(ctx context.Context, r request) (*http.Request, error) {
	method, path, body, header := r.restForm()
	u := *tg.endpoint
	u.RawPath = strings.TrimSuffix(u.EscapedPath(), "/s3") + "/" + path
	plain, err := url.PathUnescape(u.RawPath)
	if err != nil {
		return nil, err
	}
	u.Path = plain
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.URL = &u
	maps.Copy(req.Header, header)
	if r.unsigned {
		return req, nil
	}
	as := tg.key
	if r.as != nil {
		as = *r.as
	}
	as.authorize(req.Header)
	return req, nil
}

// restForm is the request of the Storage REST API that asks for what r asks for over
// S3.
func (r *request) restForm() (method, path string, body []byte, header http.Header) {
	header = http.Header{}
	maps.Copy(header, r.header)
	bucket, key := escape(r.bucket, true), escape(r.key, true)
	switch {
	case r.key == "" && r.method == http.MethodGet:
		header.Set("Content-Type", "application/json")
		return http.MethodPost, "object/list-v2/" + bucket, listV2Body(r.query), header
	case r.key == "":
		return r.method, "bucket/" + bucket, r.body, header
	case r.method == http.MethodDelete:
		header.Set("Content-Type", "application/json")
		keys, err := json.Marshal(map[string][]string{"prefixes": {r.key}})
		if err != nil {
			panic(err) // cannot happen: it is a list of text
		}
		return r.method, "object/" + bucket, keys, header
	case r.method == http.MethodPut:
		header.Set("X-Upsert", "true")
		if header.Get("Content-Type") == "" {
			header.Set("Content-Type", "application/octet-stream")
		}
		return http.MethodPost, "object/" + bucket + "/" + key, r.body, header
	}
	return r.method, cmp.Or(r.route, "object/authenticated/") + bucket + "/" + key, r.body, header
}

// listV2Body asks for the page that the parameters of ListObjectsV2 ask for.
func listV2Body(q url.Values) []byte {
	fields := map[string]any{}
	if v := q.Get("prefix"); v != "" {
		fields["prefix"] = v
	}
	if v := q.Get("start-after"); v != "" {
		fields["cursor"] = base64.StdEncoding.EncodeToString([]byte("l:" + v))
	}
	if v := q.Get("continuation-token"); v != "" {
		fields["cursor"] = v
	}
	if v := q.Get("max-keys"); v != "" {
		fields["limit"] = any(v)
		if n, err := strconv.Atoi(v); err == nil {
			fields["limit"] = n
		}
	}
	body, err := json.Marshal(fields)
	if err != nil {
		panic(err) // cannot happen: text and numbers
	}
	return body
}

// authorize puts what proves who asks into the header of a REST request.
func (c credentials) authorize(h http.Header) {
	if c.apiKey != "" {
		h.Set("Apikey", c.apiKey)
	}
	if c.bearer != "" {
		h.Set("Authorization", "Bearer "+c.bearer)
	}
}

// restPage is a page of list-v2.
type restPage struct {
	HasNext    bool   `json:"hasNext"`
	NextCursor string `json:"nextCursor"`
	Folders    []any  `json:"folders"`
	Objects    []struct {
		Name      string `json:"name"`
		UpdatedAt string `json:"updated_at"`
		Metadata  struct {
			ETag     string `json:"eTag"`
			Size     int64  `json:"size"`
			MimeType string `json:"mimetype"`
		} `json:"metadata"`
	} `json:"objects"`
}

// restListing reads a page of list-v2 as the page of S3 that it corresponds to.
func restListing(t *testing.T, tg *target, res *response, prefix string) listing {
	t.Helper()
	require.Contains(t, res.header.Get("Content-Type"), "application/json")
	var p restPage
	require.NoError(t, json.Unmarshal(res.body, &p), "%s", res.body)
	require.Empty(t, p.Folders)
	l := listing{
		Name: tg.bucket, Prefix: prefix, IsTruncated: p.HasNext, NextContinuationToken: p.NextCursor,
		MaxKeys: 1000, KeyCount: len(p.Objects),
	}
	for _, o := range p.Objects {
		l.Contents = append(l.Contents, listed{
			Key: o.Name, LastModified: o.UpdatedAt, ETag: o.Metadata.ETag, Size: o.Metadata.Size, StorageClass: "STANDARD",
		})
	}
	return l
}

// requireRESTFailure is requireFailure for an error of the REST API.
func requireRESTFailure(t *testing.T, tg *target, res *response, status int, codes ...string) failure {
	t.Helper()
	require.Equal(t, tg.status(status), res.status, "%s", res.body)
	var f struct {
		StatusCode string `json:"statusCode"`
		Code       string `json:"code"`
		Message    string `json:"message"`
	}
	require.NoError(t, json.Unmarshal(res.body, &f), "%s", res.body)
	require.Contains(t, codes, f.Code, "%s", res.body)
	require.Equal(t, strconv.Itoa(status), f.StatusCode, "%s", res.body)
	require.NotEmpty(t, f.Message)
	require.Contains(t, res.header.Get("Content-Type"), "application/json")
	return failure{Code: f.Code, Message: f.Message}
}
