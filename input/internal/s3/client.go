package s3

import (
	"net/url"

	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
)

// Client reads one bucket. It is safe for concurrent use.
type Client struct {
	caller *plane.Caller
	bucket string
	region string  // where the credentials name none
	base   url.URL // of the bucket; its paths never end in a slash
	signer signer
}

var _ plane.Client = (*Client)(nil)

// New checks the endpoint and returns a client; no request is made.
func New(o plane.Options) (*Client, error) {
	caller, err := plane.NewCaller(o, refusal)
	if err != nil {
		return nil, err
	}
	base, err := bucketURL(o.Endpoint, o.Bucket)
	if err != nil {
		return nil, err
	}
	return &Client{caller: caller, bucket: o.Bucket, region: o.Region, base: base}, nil
}

// bucketURL parses the endpoint and appends the bucket's name.
func bucketURL(endpoint, name string) (url.URL, error) {
	u, err := plane.BaseURL(endpoint)
	if err != nil {
		return url.URL{}, err
	}
	u.Path += "/" + name
	u.RawPath += "/" + plane.EscapePath(name)
	return u, nil
}

// Close drops the idle connections. The client can still be used.
func (c *Client) Close() { c.caller.Close() }
