package emulator

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// code is the error's code.
func (a answered) code() string {
	_, rest, _ := strings.Cut(a.body, "<Code>")
	code, _, _ := strings.Cut(rest, "</Code>")
	return code
}

func TestProjectRefIsASecretToo(t *testing.T) {
	s := New(Options{})
	s.Put("b", "k", []byte("x"))
	c := newClient(t, s).as(s.Settings().ServiceRoleKey)
	c.sign.secret = s.Settings().ProjectRef
	require.Equal(t, http.StatusOK, c.get("b", "k").status)
	c.sign.secret = s.Settings().ServiceRoleKey
	require.Equal(t, "SignatureDoesNotMatch", c.get("b", "k").code())
}

func TestTokenExpiresWhileItIsUsed(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := New(Options{Clock: func() time.Time { return now }})
	s.Put("b", "k", []byte("x"))
	s.AllowRead("b", func(map[string]any, string) bool { return true })
	c := newClient(t, s).as(s.UserToken("u", time.Minute))
	require.Equal(t, http.StatusOK, c.get("b", "k").status)
	now = now.Add(time.Minute)
	got := c.get("b", "k")
	require.Equal(t, http.StatusForbidden, got.status)
	require.Contains(t, got.body, `<Code>AccessDenied</Code><Message>"exp" claim timestamp check failed</Message>`)
}

func TestTokensOfOthersAreRefused(t *testing.T) {
	s := New(Options{})
	s.Put("b", "k", []byte("x"))
	other := New(Options{JWTSecret: "another project's secret"})
	for token, message := range map[string]string{
		other.Settings().ServiceRoleKey:                        "signature verification failed",
		"eyJhbGciOiJub25lIn0.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.": "signature verification failed",
		"sb_secret_abc": "Invalid Compact JWS",
		"a.b.c":         "Invalid Compact JWS",
		s.Token(map[string]any{"role": "service_role", "nbf": int64(1) << 40}): `"nbf" claim timestamp check failed`,
	} {
		got := newClient(t, s).as(token).get("b", "k")
		require.Equal(t, http.StatusForbidden, got.status, token)
		require.Contains(t, got.body, "<Message>"+message+"</Message>")
	}
	// A token without a role is anonymous.
	require.Equal(t, http.StatusNotFound, newClient(t, s).as(s.Token(map[string]any{"sub": "u"})).get("b", "k").status)
}

func TestWrongRegionIsASignatureThatDoesNotMatch(t *testing.T) {
	s := New(Options{})
	s.Put("b", "k", []byte("x"))
	for region, ok := range map[string]bool{
		"eu-central-1": true, "us-east-1": true, "auto": true, "": true, "us-west-2": false, "EU-CENTRAL-1": false,
	} {
		c := newClient(t, s)
		c.sign.region = region
		got := c.get("b", "k")
		require.Equal(t, ok, got.status == http.StatusOK, "%q: %s", region, got.body)
		if !ok {
			require.Equal(t, "SignatureDoesNotMatch", got.code())
		}
	}
}

func TestEverySignedPartIsVerified(t *testing.T) {
	s := New(Options{})
	s.Put("b", "k", []byte("x"))
	s.Put("b", "l", []byte("x"))
	c := newClient(t, s)
	signed := func() *http.Request {
		r := c.request(http.MethodGet, "b", "k", "x-id=GetObject", http.Header{"Accept-Encoding": {"identity"}}, nil)
		c.sign.sign(r)
		return r
	}
	require.Equal(t, http.StatusOK, c.send(signed()).status)
	for name, change := range map[string]func(*http.Request){
		"path":            func(r *http.Request) { r.URL.Path = strings.TrimSuffix(r.URL.Path, "k") + "l" },
		"query":           func(r *http.Request) { r.URL.RawQuery = "x-id=HeadObject" },
		"host":            func(r *http.Request) { r.Host = "elsewhere.invalid" },
		"method":          func(r *http.Request) { r.Method = http.MethodHead },
		"accept-encoding": func(r *http.Request) { r.Header.Set("Accept-Encoding", "gzip, br") },
		"date":            func(r *http.Request) { r.Header.Set("X-Amz-Date", "20260101T000000Z") },
		"payload hash":    func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", emptyPayload) },
		"signature": func(r *http.Request) {
			a := r.Header.Get("Authorization")
			r.Header.Set("Authorization", a[:len(a)-4]+"0000")
		},
	} {
		r := signed()
		change(r)
		require.Equal(t, http.StatusForbidden, c.send(r).status, name)
	}
	// A gateway that rewrites Accept-Encoding and sends the original value.
	r := signed()
	r.Header.Set("Accept-Encoding", "gzip, br")
	r.Header.Set("X-Original-Accept-Encoding", "identity")
	require.Equal(t, http.StatusOK, c.send(r).status)
	// A header that is not signed may change.
	r = signed()
	r.Header.Set("X-Request-Id", "1")
	require.Equal(t, http.StatusOK, c.send(r).status)
}

// presign puts the signature into the query.
func presign(s *Server, c *client, key string, signed time.Time, expires string) *http.Request {
	date := signed.UTC()
	scope := date.Format("20060102") + "/" + c.sign.region + "/s3/aws4_request"
	q := url.Values{
		"X-Amz-Algorithm": {"AWS4-HMAC-SHA256"}, "X-Amz-Credential": {c.sign.accessKey + "/" + scope},
		"X-Amz-Date": {date.Format(sigTime)}, "X-Amz-Expires": {expires}, "X-Amz-SignedHeaders": {"host"},
	}
	r := c.request(http.MethodGet, "b", key, strictQuery(q), nil, nil)
	canonical := strings.Join([]string{
		"GET", r.URL.EscapedPath(), strictQuery(q), "host:" + r.URL.Host + "\n", "host", "UNSIGNED-PAYLOAD",
	}, "\n")
	toSign := "AWS4-HMAC-SHA256\n" + date.Format(sigTime) + "\n" + scope + "\n" + hexSHA256(canonical)
	q.Set("X-Amz-Signature", hexHMAC(signingKey(s.Settings().SecretAccessKey, date.Format("20060102"), c.sign.region), toSign))
	r.URL.RawQuery = strictQuery(q)
	return r
}

func TestPresignedURLExpires(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := New(Options{Clock: func() time.Time { return now }})
	s.Put("b", "with space.txt", []byte("content"))
	c := newClient(t, s)
	r := presign(s, c, "with space.txt", now, "60")
	require.Equal(t, "content", c.send(r).body)
	now = now.Add(61 * time.Second)
	got := c.send(r)
	require.Equal(t, http.StatusBadRequest, got.status)
	require.Equal(t, "ExpiredToken", got.code())
	require.Equal(t, http.StatusBadRequest, c.send(presign(s, c, "k", now, "-1")).status)
	require.Equal(t, http.StatusNotFound, c.send(presign(s, c, "k", now, "60")).status)
}

func TestRequestOutsideTheAPIHasNoRoute(t *testing.T) {
	s := New(Options{})
	for _, path := range []string{"/", "/s3/b", "/storage/v1", "/storage/v1/s3x/b", "/storage/v1/upload/resumable", "/rest/v1/t"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://emulator.invalid"+path, nil)
		require.NoError(t, err)
		got := newClient(t, s).send(r)
		require.Equal(t, http.StatusNotFound, got.status, path)
		require.Contains(t, got.body, `"statusCode":404}`)
	}
}

func FuzzAuthorizationHeader(f *testing.F) {
	s := New(Options{})
	s.Put("b", "k", []byte("secret content"))
	c := s.Settings()
	f.Add("AWS4-HMAC-SHA256 Credential="+c.AccessKeyID+"/20260101/eu-central-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=00", "20260101T000000Z", "")
	f.Add("AWS4-HMAC-SHA256 Credential=////, SignedHeaders=;;, Signature=", "", "X-Amz-Signature=1&X-Amz-Expires=9999999999999")
	f.Add("Bearer "+c.ServiceRoleKey, "", "X-Amz-Credential=a/b/c/d/e&X-Amz-Signature=zz&X-Amz-SignedHeaders=host&X-Amz-Date=1&X-Amz-Expires=5")
	f.Fuzz(func(t *testing.T, authorization, date, query string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Endpoint()+"/b/k", nil)
		require.NoError(t, err)
		r.URL.RawQuery = query
		r.Header["Authorization"] = []string{authorization}
		r.Header["X-Amz-Date"] = []string{date}
		resp, err := s.Transport().RoundTrip(r)
		require.NoError(t, err)
		defer resp.Body.Close()
		switch resp.StatusCode {
		case http.StatusForbidden, http.StatusBadRequest, http.StatusRequestHeaderFieldsTooLarge:
		default:
			t.Fatalf("%q %q %q was answered with %d", authorization, date, query, resp.StatusCode)
		}
	})
}

func FuzzKeyValidation(f *testing.F) {
	for _, key := range []string{"a/b.txt", "/", "a//b", "..", "ü", "a#b", "", "a\x00b", "trailing ", "\xff"} {
		f.Add(key)
	}
	s := New(Options{})
	s.CreateBucket("b")
	f.Fuzz(func(t *testing.T, key string) {
		if key == "" || 3*len(key) > maxHeader/2 {
			return // these paths name the bucket, or exceed the request line
		}
		s.Put("b", key, []byte("x"), WithRawKey())
		defer s.Delete("b", key)
		got := newClient(t, s).get("b", key)
		want := http.StatusOK
		if !validKey(key) {
			want = http.StatusBadRequest
		}
		require.Equal(t, want, got.status, "%q", key)
	})
}
