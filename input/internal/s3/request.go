package s3

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/input/internal/wire"
)

// request is what one call wants.
type request struct {
	op     string // the gerund of the errors
	method string
	key    string // "" for a request about the bucket
	// service says that the request is about no bucket.
	service bool
	query   url.Values
	// byteRange is the value of the Range header, "" for the whole object.
	byteRange string
	// copyOf is the version that is copied to key, nil for none.
	copyOf *object.Object
	// region overrides the configured one.
	region string
	// anonymous leaves credentials and signature away.
	anonymous bool
}

// as is the request as its plane sees it.
func (c *Client) as(r request) plane.Request {
	return plane.Request{
		Op: r.op, Key: r.key, Anonymous: r.anonymous,
		Build: func(ctx context.Context, cred object.Credentials) (*http.Request, error) {
			return c.signedRequest(ctx, r, cred)
		},
	}
}

// signedRequest builds the request by hand: parsing a URL for every object
// would cost more than signing it.
func (c *Client) signedRequest(ctx context.Context, r request, cred object.Credentials) (*http.Request, error) {
	u := c.base
	if r.service {
		u.Path = strings.TrimSuffix(u.Path, c.bucket)
		u.RawPath = strings.TrimSuffix(u.RawPath, plane.EscapePath(c.bucket))
	}
	if r.key != "" {
		u.Path += "/" + r.key
		u.RawPath += "/" + plane.EscapePath(r.key)
	}
	if r.query != nil {
		u.RawQuery = r.query.Encode() // the signer rewrites it in SigV4's spelling
	}
	req := (&http.Request{
		Method:     r.method,
		URL:        &u,
		Host:       u.Host,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     make(http.Header, 6),
	}).WithContext(ctx)
	req.Header["X-Amz-Content-Sha256"] = emptyBodyHashHeader
	if r.copyOf != nil {
		req.Header["X-Amz-Copy-Source"] = []string{copySource(c.bucket + "/" + r.copyOf.Key)}
		if r.copyOf.ETag != "" {
			req.Header["X-Amz-Copy-Source-If-Match"] = []string{`"` + r.copyOf.ETag + `"`}
		}
	}
	if !r.anonymous {
		if err := c.signer.sign(ctx, req, cred, cmp.Or(r.region, cred.Region, c.region)); err != nil {
			return nil, fmt.Errorf("signing the request: %w", err)
		}
	}
	req.Header["User-Agent"] = userAgentHeader
	req.Header["Accept-Encoding"] = identityHeader // not signed: proxies rewrite it
	if r.byteRange != "" {
		req.Header["Range"] = []string{r.byteRange}
	}
	return req, nil
}

// The constant header values, shared by all requests and never written to.
var (
	emptyBodyHashHeader = []string{emptyBodyHash}
	userAgentHeader     = []string{wire.UserAgent}
	identityHeader      = []string{"identity"}
)
