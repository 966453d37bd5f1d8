package conformance

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// forgedToken is a well-formed key of the project ref, a JWT with this role, that
// was signed with another project's secret.
func forgedToken(ref, role string) string {
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." +
		encode([]byte(`{"iss":"supabase","ref":"`+ref+`","role":"`+role+`","iat":1767225600,"exp":2082758400}`))
	mac := hmac.New(sha256.New, []byte("the secret of another project, at least 32 bytes"))
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil))
}

// accepted lists one key and fails unless it is shown.
func accepted(t *testing.T, tg *target, key string, as credentials) {
	t.Helper()
	require.Equal(t, []string{key}, tg.page(t, &as, "prefix", key).keys())
}

func TestEveryGoodSignatureIsAccepted(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		tg.only(t, overS3, "REST requests are not signed")
		key := hello(t, tg)
		with := func(c credentials, change func(*credentials)) credentials {
			change(&c)
			return c
		}
		for name, as := range map[string]credentials{
			"access key":                   tg.key,
			"service_role token":           tg.serviceRole,
			"access key, region us-east-1": with(tg.key, func(c *credentials) { c.region = "us-east-1" }),
			"access key, region auto":      with(tg.key, func(c *credentials) { c.region = "auto" }),
			"token, region us-east-1":      with(tg.serviceRole, func(c *credentials) { c.region = "us-east-1" }),
			"clock an hour ahead":          with(tg.key, func(c *credentials) { c.date = time.Now().Add(time.Hour) }),
			"clock two days behind":        with(tg.key, func(c *credentials) { c.date = time.Now().Add(-48 * time.Hour) }),
			"token, clock two days behind": with(tg.serviceRole, func(c *credentials) { c.date = time.Now().Add(-48 * time.Hour) }),
		} {
			t.Run(name, func(t *testing.T) { accepted(t, tg, key, as) })
		}
	})
}

func TestEveryBadSignatureIsRefusedWithItsCode(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		tg.only(t, overS3, "REST requests are not signed")
		const (
			mismatch = "The request signature we calculated does not match the signature you provided. Check your key and signing method."
			token    = "The request signature we calculated does not match the signature you provided, Check your credentials. The session token should be a valid JWT token"
		)
		type refusal struct {
			as            credentials
			code, message string
		}
		change := func(c credentials, change func(*credentials), code, message string) refusal {
			change(&c)
			return refusal{c, code, message}
		}
		// a server of many projects looks access keys up, and has a code for
		// those that it does not find
		unknownKey := []string{"AccessDenied", "InvalidAccessKeyId"}
		cases := map[string]refusal{
			"wrong secret":          change(tg.key, func(c *credentials) { c.secret = "wrong" }, "SignatureDoesNotMatch", mismatch),
			"wrong key id":          change(tg.key, func(c *credentials) { c.accessKeyID = "nope" }, "AccessDenied", "Invalid Access Key"),
			"wrong region":          change(tg.key, func(c *credentials) { c.region = "xx-nowhere-9" }, "SignatureDoesNotMatch", mismatch),
			"wrong service":         change(tg.key, func(c *credentials) { c.service = "es" }, "AccessDenied", "Invalid Service"),
			"access key and token":  change(tg.key, func(c *credentials) { c.token = tg.serviceRole.token }, "AccessDenied", "Invalid Access Key"),
			"token left out":        change(tg.serviceRole, func(c *credentials) { c.token = "" }, "AccessDenied", "Invalid Access Key"),
			"wrong project ref":     change(tg.serviceRole, func(c *credentials) { c.accessKeyID = "zyxwvutsrqponmlkjihg" }, "AccessDenied", "Invalid Access Key"),
			"service key as secret": change(tg.serviceRole, func(c *credentials) { c.secret = tg.serviceRole.token }, "SignatureDoesNotMatch", token),
			"publishable as secret": change(tg.serviceRole, func(c *credentials) { c.secret = "sb_publishable_0123456789abcdefghijkl" }, "SignatureDoesNotMatch", token),
			"token, wrong region":   change(tg.serviceRole, func(c *credentials) { c.region = "xx-nowhere-9" }, "SignatureDoesNotMatch", token),
			"other project's token": change(tg.serviceRole, func(c *credentials) { c.token = forgedToken("zyxwvutsrqponmlkjihg", "service_role") }, "AccessDenied", "signature verification failed"),
			"token that is no JWT":  change(tg.serviceRole, func(c *credentials) { c.token = "garbage" }, "AccessDenied", "Invalid Compact JWS"),
			"secret key as token":   change(tg.serviceRole, func(c *credentials) { c.token = "sb_secret_0123456789abcdefghijkl" }, "AccessDenied", "Invalid Compact JWS"),
		}
		key := hello(t, tg)
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				for _, res := range []*response{
					tg.ask(t, &c.as, "max-keys", "1"),
					tg.send(t, request{method: http.MethodGet, key: key, as: &c.as}),
				} {
					codes := []string{c.code}
					if c.message == "Invalid Access Key" {
						codes = unknownKey
					}
					if f := tg.requireFailure(t, res, http.StatusForbidden, codes...); f.Code == c.code {
						require.Equal(t, c.message, f.Message)
					}
				}
				head := tg.send(t, request{method: http.MethodHead, key: key, as: &c.as})
				require.Equal(t, http.StatusForbidden, head.status)
				require.Empty(t, head.body)
			})
		}
	})
}

func TestExpiredTokenIsAccessDeniedAndNotExpiredToken(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		if tg.expiredToken == "" {
			t.Skip("SUPABASE_TEST_EXPIRED_TOKEN is not set: only the project can issue one")
		}
		as := tg.as(tg.expiredToken)
		f := tg.requireFailure(t, tg.ask(t, &as), http.StatusForbidden, "AccessDenied")
		require.Equal(t, `"exp" claim timestamp check failed`, f.Message)
	})
}

func TestRequestWithoutASignatureIsRefused(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		tg.only(t, overS3, "REST requests are not signed")
		for name, header := range map[string]http.Header{
			"nothing":      nil,
			"bearer token": {"Authorization": {"Bearer " + tg.serviceRole.token}},
			"api key":      {"Apikey": {tg.serviceRole.token}},
		} {
			res := tg.send(t, request{method: http.MethodGet, query: map[string][]string{"list-type": {"2"}}, header: header, unsigned: true})
			f := tg.requireFailure(t, res, http.StatusForbidden, "AccessDenied")
			require.Equal(t, "Missing signature", f.Message, name)
		}
	})
}

func TestSignatureCoversThePathTheQueryAndTheSignedHeaders(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		tg.only(t, overS3, "REST requests are not signed")
		key := hello(t, tg)
		res := tg.send(t, request{
			method: http.MethodGet, key: key,
			header:    http.Header{"Range": {"bytes=0-4"}},
			rewritten: http.Header{"Range": {"bytes=5-"}},
		})
		tg.requireFailure(t, res, http.StatusForbidden, "SignatureDoesNotMatch")
	})
}

// A proxy such as Cloudflare's rewrites Accept-Encoding on the way, so a hosted
// project refuses a client that signs this header. A client that does not sign it
// is served.
func TestAcceptEncodingMayChangeOnTheWayUnlessItIsSigned(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		key := hello(t, tg)
		for _, encoding := range []string{"identity", "gzip", "gzip, br"} {
			res := tg.send(t, request{method: http.MethodGet, key: key, rewritten: http.Header{"Accept-Encoding": {encoding}}})
			require.Equal(t, http.StatusOK, res.status, "%s", res.body)
			require.Equal(t, "hello world", string(res.body), "objects are not compressed")
			require.EqualValues(t, len(res.body), res.length)
		}
		if tg.plane == overREST {
			return // there is no signature to break
		}
		res := tg.send(t, request{
			method: http.MethodGet, key: key,
			header:    http.Header{"Accept-Encoding": {"identity"}},
			rewritten: http.Header{"Accept-Encoding": {"gzip, br"}},
		})
		tg.requireFailure(t, res, http.StatusForbidden, "SignatureDoesNotMatch")
	})
}
