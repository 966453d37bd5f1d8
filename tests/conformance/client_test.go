package conformance

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// request is one request, in the terms of S3. Over REST it is sent as the request that
// asks for the same.
type request struct {
	method string
	// bucket is the target's own if empty.
	bucket string
	key    string
	query  url.Values
	// header is signed; rewritten is set after signing, as a proxy on the way
	// does it.
	header, rewritten http.Header
	body              []byte
	// as signs the request; nil means the target's access key.
	as *credentials
	// overS3 sends it over S3 with the S3 access key, whatever the plane.
	overS3 bool
	// route is another route of the REST API than the usual one, ending in a slash.
	route string
	// unsigned sends it without a signature, or over REST without a key.
	unsigned bool
}

// response is an answer that has been read to its end.
type response struct {
	status int
	header http.Header
	body   []byte
	// length is the Content-Length, or -1.
	length int64
}

// httpClient asks for no compression, so it sends only the headers that a test
// sets.
var httpClient = &http.Client{
	Transport: &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DisableCompression:  true,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     30 * time.Second,
	},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// do sends r. Any HTTP answer is no error.
func (tg *target) do(ctx context.Context, r request) (*response, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if r.bucket == "" {
		r.bucket = tg.bucket
	}
	form := tg.s3Request
	if tg.plane == overREST && !r.overS3 {
		form = tg.restRequest
	}
	req, err := form(ctx, r)
	if err != nil {
		return nil, err
	}
	maps.Copy(req.Header, r.rewritten)
	res, err := httpClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the answer to %s %s: %w", req.Method, req.URL, err)
	}
	return &response{status: res.StatusCode, header: res.Header, body: body, length: res.ContentLength}, nil
}

// s3Request is r as a signed request.
func (tg *target) s3Request(ctx context.Context, r request) (*http.Request, error) {
	u := *tg.endpoint
	u.Path += "/" + r.bucket
	u.RawPath = escape(u.Path, true)
	if r.key != "" {
		u.Path += "/" + r.key
		u.RawPath += "/" + escape(r.key, true)
	}
	u.RawQuery = canonicalQuery(r.query)
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	req.URL = &u
	maps.Copy(req.Header, r.header)
	if r.unsigned {
		return req, nil
	}
	signer := tg.key
	switch {
	case r.overS3:
		signer = tg.s3Key
	case r.as != nil:
		signer = *r.as
	}
	signer.sign(req, r.body)
	return req, nil
}

// send is do for a test that cannot go on without an answer.
func (tg *target) send(t *testing.T, r request) *response {
	t.Helper()
	res, err := tg.do(t.Context(), r)
	require.NoError(t, err)
	return res
}

// get sends a GET for key with headers, given as name, value, name, value.
func (tg *target) get(t *testing.T, key string, headers ...string) *response {
	t.Helper()
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return tg.send(t, request{method: http.MethodGet, key: key, header: h})
}

// failure is the S3 error document, or what the REST API says of it.
type failure struct {
	XMLName  xml.Name `xml:"Error"`
	Code     string
	Message  string
	Resource string
}

// requireFailure requires that res is an error with this status of S3 and one of
// these codes, and returns the document.
func (tg *target) requireFailure(t *testing.T, res *response, status int, codes ...string) failure {
	t.Helper()
	if tg.plane == overREST {
		return requireRESTFailure(t, tg, res, status, codes...)
	}
	require.Equal(t, status, res.status, "%s", res.body)
	var f failure
	require.NoError(t, xml.Unmarshal(res.body, &f), "%s", res.body)
	require.Contains(t, codes, f.Code, "%s", res.body)
	require.NotEmpty(t, f.Message)
	require.Contains(t, res.header.Get("Content-Type"), "application/xml")
	return f
}
