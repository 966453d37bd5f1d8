package emulator

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// signer signs as a client does, independently of the code that verifies.
type signer struct {
	accessKey, secret, token, region, service string
	date                                      time.Time
}

func accessKeySigner(s *Server) signer {
	c := s.Settings()
	return signer{accessKey: c.AccessKeyID, secret: c.SecretAccessKey, region: c.Region}
}

func tokenSigner(s *Server, token string) signer {
	c := s.Settings()
	return signer{accessKey: c.ProjectRef, secret: c.AnonKey, token: token, region: c.Region}
}

// sign adds the headers of a signed request.
func (s signer) sign(r *http.Request) {
	date := cmp.Or(s.date, time.Now()).UTC()
	r.Header.Set("X-Amz-Date", date.Format("20060102T150405Z"))
	if r.Header.Get("X-Amz-Content-Sha256") == "" {
		r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	}
	if s.token != "" {
		r.Header.Set("X-Amz-Security-Token", s.token)
	}
	lines := []string{"host:" + cmp.Or(r.Host, r.URL.Host)}
	for name, values := range r.Header {
		if name != "User-Agent" {
			lines = append(lines, strings.ToLower(name)+":"+strings.TrimSpace(strings.Join(values, ",")))
		}
	}
	slices.Sort(lines)
	var names []string
	for _, l := range lines {
		name, _, _ := strings.Cut(l, ":")
		names = append(names, name)
	}
	signed := strings.Join(names, ";")
	canonical := strings.Join([]string{
		r.Method, r.URL.EscapedPath(), strictQuery(r.URL.Query()),
		strings.Join(lines, "\n") + "\n", signed, r.Header.Get("X-Amz-Content-Sha256"),
	}, "\n")
	scope := strings.Join([]string{date.Format("20060102"), s.region, cmp.Or(s.service, "s3"), "aws4_request"}, "/")
	toSign := "AWS4-HMAC-SHA256\n" + date.Format("20060102T150405Z") + "\n" + scope + "\n" + hexSHA256(canonical)
	key := []byte("AWS4" + s.secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = hmacSHA256(key, part)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+s.accessKey+"/"+scope+
		", SignedHeaders="+signed+", Signature="+hexHMAC(key, toSign))
}

func hexSHA256(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func hexHMAC(key []byte, s string) string { return hex.EncodeToString(hmacSHA256(key, s)) }

// strictQuery is the query in RFC 3986: a space is %20, never "+".
func strictQuery(q url.Values) string { return strings.ReplaceAll(q.Encode(), "+", "%20") }

// client is a tiny S3 client over the in-memory transport.
type client struct {
	t    testing.TB
	s    *Server
	sign signer
	rt   http.RoundTripper
}

func newClient(t testing.TB, s *Server) *client {
	return &client{t: t, s: s, sign: accessKeySigner(s), rt: s.Transport()}
}

func (c *client) as(token string) *client {
	d := *c
	d.sign = tokenSigner(c.s, token)
	return &d
}

// escape encodes a key for a path, as SDKs do.
func escape(key string) string {
	parts := strings.Split(key, "/")
	for i, p := range parts {
		parts[i] = strictEscape(p)
	}
	return strings.Join(parts, "/")
}

func strictEscape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func (c *client) request(method, bucket, key, query string, header http.Header, body []byte) *http.Request {
	c.t.Helper()
	u := c.s.Endpoint()
	if bucket != "" {
		u += "/" + bucket
	}
	if key != "" {
		u += "/" + escape(key)
	}
	if query != "" {
		u += "?" + query
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, u, bytes.NewReader(body))
	require.NoError(c.t, err)
	maps.Copy(r.Header, header)
	return r
}

// answered is an answer that was read to its end.
type answered struct {
	status int
	header http.Header
	body   string
	err    error
}

func (c *client) do(method, bucket, key, query string, header http.Header, body []byte) answered {
	c.t.Helper()
	r := c.request(method, bucket, key, query, header, body)
	c.sign.sign(r)
	return c.send(r)
}

func (c *client) send(r *http.Request) answered {
	c.t.Helper()
	resp, err := c.rt.RoundTrip(r)
	if err != nil {
		return answered{err: err}
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return answered{resp.StatusCode, resp.Header, string(data), err}
}

func (c *client) get(bucket, key string) answered {
	c.t.Helper()
	return c.do(http.MethodGet, bucket, key, "", nil, nil)
}
