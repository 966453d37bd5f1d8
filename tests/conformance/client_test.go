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

// request is one request to the S3 endpoint.
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
	// unsigned sends it without a signature.
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
	u := *tg.endpoint
	if r.bucket == "" {
		r.bucket = tg.bucket
	}
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
	if !r.unsigned {
		signer := tg.key
		if r.as != nil {
			signer = *r.as
		}
		signer.sign(req, r.body)
	}
	maps.Copy(req.Header, r.rewritten)
	res, err := httpClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the answer to %s %s: %w", r.method, u.String(), err)
	}
	return &response{status: res.StatusCode, header: res.Header, body: body, length: res.ContentLength}, nil
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

// failure is the S3 error document.
type failure struct {
	XMLName  xml.Name `xml:"Error"`
	Code     string
	Message  string
	Resource string
}

// requireFailure requires that res is an error with this status and one of these
// codes, and returns the document.
func requireFailure(t *testing.T, res *response, status int, codes ...string) failure {
	t.Helper()
	require.Equal(t, status, res.status, "%s", res.body)
	var f failure
	require.NoError(t, xml.Unmarshal(res.body, &f), "%s", res.body)
	require.Contains(t, codes, f.Code, "%s", res.body)
	require.NotEmpty(t, f.Message)
	require.Contains(t, res.header.Get("Content-Type"), "application/xml")
	return f
}
