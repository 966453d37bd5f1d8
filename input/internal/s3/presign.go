package s3

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
)

// MaxPresigned is the longest time for which SigV4 knows URLs.
const MaxPresigned = 7 * 24 * time.Hour

// Presign makes a URL under which the object can be read with GET until it expires,
// in whole seconds from now on. It makes no request. Credentials with a session token
// are refused: it would be in the URL, and open all that its holder may do.
func (c *Client) Presign(ctx context.Context, cred object.Credentials, key string, expires time.Duration) (object.Signed, error) {
	if cred.SessionToken != "" || !cred.Signs() {
		return object.Signed{}, errors.New("signing a URL: these are no S3 access keys")
	}
	u := c.base
	u.Path += "/" + key
	u.RawPath += "/" + plane.EscapePath(key)
	u.RawQuery = url.Values{"X-Amz-Expires": {strconv.FormatInt(int64(expires/time.Second), 10)}}.Encode()
	req := &http.Request{Method: http.MethodGet, URL: &u, Host: u.Host, Header: http.Header{}}
	signed, _, err := c.signer.forSecret(cred.SecretAccessKey).PresignHTTP(ctx, aws.Credentials{
		AccessKeyID: cred.AccessKeyID, SecretAccessKey: cred.SecretAccessKey,
	}, req, "UNSIGNED-PAYLOAD", "s3", cmp.Or(cred.Region, c.region), time.Now())
	if err != nil {
		return object.Signed{}, fmt.Errorf("signing a URL: %w", err)
	}
	return object.Signed{URL: signed}, nil
}
