package s3

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// emptyBodyHash is the SHA-256 of no bytes: no request here has a body.
const emptyBodyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// signer signs requests with SigV4.
type signer struct {
	current atomic.Pointer[secretSigner]
}

// secretSigner is the SDK's signer and the secret that it signs with.
type secretSigner struct {
	secret string
	signer *v4.Signer
}

// sign adds the SigV4 headers to req. Set headers that a proxy may rewrite (Range,
// Accept-Encoding) afterwards, or not at all, so that they are not signed.
func (s *signer) sign(ctx context.Context, req *http.Request, cred object.Credentials, region string) error {
	return s.forSecret(cred.SecretAccessKey).SignHTTP(ctx, aws.Credentials{
		AccessKeyID:     cred.AccessKeyID,
		SecretAccessKey: cred.SecretAccessKey,
		SessionToken:    cred.SessionToken,
	}, req, emptyBodyHash, "s3", region, time.Now())
}

// forSecret returns a signer that has seen no other secret. The SDK's signer
// derives a key from the secret and caches it by the access key id alone. If a
// secret is rotated under the same id (such as the project's ref), the same signer
// would sign with the old secret until midnight.
func (s *signer) forSecret(secret string) *v4.Signer {
	if cur := s.current.Load(); cur != nil && cur.secret == secret {
		return cur.signer
	}
	next := &secretSigner{secret: secret, signer: v4.NewSigner(func(o *v4.SignerOptions) {
		o.DisableURIPathEscaping = true // the path is escaped once, by plane.EscapePath
	})}
	s.current.Store(next)
	return next.signer
}
