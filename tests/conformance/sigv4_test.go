package conformance

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// credentials sign a request over S3. The suite does its own signing, so that it can
// send requests that no SDK would send. Over REST, apiKey and bearer go into headers.
type credentials struct {
	apiKey, bearer             string
	accessKeyID, secret, token string
	region, service            string
	// date is the time of signing; zero is now.
	date time.Time
}

// escape percent-encodes every byte that RFC 3986 does not call unreserved. With
// keepSlash it keeps slashes, as in the path of a key.
func escape(s string, keepSlash bool) string {
	const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if strings.IndexByte(unreserved, c) >= 0 || (c == '/' && keepSlash) {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// canonicalQuery is the query as it is signed, which is also how it is sent.
func canonicalQuery(q url.Values) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(q)) {
		for _, value := range q[name] {
			pairs = append(pairs, escape(name, false)+"="+escape(value, false))
		}
	}
	return strings.Join(pairs, "&")
}

// sign adds the SigV4 headers to req. It signs all headers that req already has.
func (c credentials) sign(req *http.Request, body []byte) {
	date := c.date
	if date.IsZero() {
		date = time.Now()
	}
	stamp := date.UTC().Format("20060102T150405Z")
	bodySum := sha256.Sum256(body)
	bodyHash := hex.EncodeToString(bodySum[:])
	req.Header.Set("X-Amz-Date", stamp)
	req.Header.Set("X-Amz-Content-Sha256", bodyHash)
	if c.token != "" {
		req.Header.Set("X-Amz-Security-Token", c.token)
	}

	headers := map[string]string{"host": req.URL.Host}
	for name, values := range req.Header {
		headers[strings.ToLower(name)] = strings.TrimSpace(strings.Join(values, ","))
	}
	names := slices.Sorted(maps.Keys(headers))
	var canonical strings.Builder
	fmt.Fprintf(&canonical, "%s\n%s\n%s\n", req.Method, req.URL.EscapedPath(), req.URL.RawQuery)
	for _, name := range names {
		fmt.Fprintf(&canonical, "%s:%s\n", name, headers[name])
	}
	signed := strings.Join(names, ";")
	fmt.Fprintf(&canonical, "\n%s\n%s", signed, bodyHash)

	scope := strings.Join([]string{stamp[:8], c.region, c.service, "aws4_request"}, "/")
	sum := sha256.Sum256([]byte(canonical.String()))
	toSign := "AWS4-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + hex.EncodeToString(sum[:])
	signature := []byte("AWS4" + c.secret)
	for _, part := range []string{stamp[:8], c.region, c.service, "aws4_request", toSign} {
		mac := hmac.New(sha256.New, signature)
		mac.Write([]byte(part))
		signature = mac.Sum(nil)
	}
	req.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		c.accessKeyID, scope, signed, hex.EncodeToString(signature)))
}
