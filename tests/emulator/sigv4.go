package emulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	sigAlgorithm = "AWS4-HMAC-SHA256"
	// sigTime is the form of X-Amz-Date.
	sigTime         = "20060102T150405Z"
	unsignedPayload = "UNSIGNED-PAYLOAD"
	emptyPayload    = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// signature is what a request says about its own signature.
type signature struct {
	accessKey, date, region, service string
	signedHeaders                    []string
	signature                        string
	longDate                         string
	payload                          string
	sessionToken                     string
	// presigned says that all this is in the query.
	presigned bool
}

// readSignature finds the signature in the header or in the query.
func readSignature(r *http.Request, query url.Values, now time.Time) (*signature, error) {
	if a := r.Header.Get("Authorization"); strings.HasPrefix(a, sigAlgorithm+" ") {
		return headerSignature(a, r.Header)
	}
	if query.Has("X-Amz-Signature") {
		return querySignature(query, now)
	}
	return nil, failDenied("Missing signature")
}

func headerSignature(authorization string, h http.Header) (*signature, error) {
	fields := map[string]string{}
	for field := range strings.SplitSeq(strings.TrimPrefix(authorization, sigAlgorithm+" "), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		fields[name] = value
	}
	sig := &signature{
		signature:    fields["Signature"],
		longDate:     h.Get("X-Amz-Date"),
		payload:      h.Get("X-Amz-Content-Sha256"),
		sessionToken: h.Get("X-Amz-Security-Token"),
	}
	if sig.payload == "" {
		sig.payload = emptyPayload
	}
	return sig, sig.scope(fields["Credential"], fields["SignedHeaders"])
}

func querySignature(q url.Values, now time.Time) (*signature, error) {
	sig := &signature{
		signature:    q.Get("X-Amz-Signature"),
		longDate:     q.Get("X-Amz-Date"),
		payload:      unsignedPayload,
		sessionToken: q.Get("X-Amz-Security-Token"),
		presigned:    true,
	}
	if err := sig.scope(q.Get("X-Amz-Credential"), q.Get("X-Amz-SignedHeaders")); err != nil {
		return nil, err
	}
	return sig, checkExpiry(sig.longDate, q.Get("X-Amz-Expires"), now)
}

// scope splits the credential: key/date/region/service/aws4_request.
func (sig *signature) scope(credential, signedHeaders string) error {
	if credential == "" || signedHeaders == "" || sig.signature == "" || sig.longDate == "" {
		return failInvalidSignature("Invalid signature format")
	}
	parts := strings.Split(credential, "/")
	if len(parts) != 5 {
		return failInvalidSignature("Invalid credentials")
	}
	sig.accessKey, sig.date, sig.region, sig.service = parts[0], parts[1], parts[2], parts[3]
	sig.signedHeaders = strings.Split(signedHeaders, ";")
	slices.Sort(sig.signedHeaders)
	return nil
}

// checkExpiry applies only to presigned URLs: the date of a request that is signed
// in its header is never compared with the clock.
func checkExpiry(date, expires string, now time.Time) error {
	if expires == "" {
		return nil
	}
	seconds, err := strconv.Atoi(expires)
	signed, dateErr := time.Parse(sigTime, date)
	if err != nil || seconds < 0 || dateErr != nil {
		return failInvalidSignature("Invalid expiration")
	}
	if now.After(signed.Add(time.Duration(seconds) * time.Second)) {
		return failExpiredURL
	}
	return nil
}

// canonicalRequest is what the client signed: the path as it was sent, the query
// as RFC 3986 encodes it, and only the headers that the signature names.
func (sig *signature) canonicalRequest(r *http.Request, query url.Values) []byte {
	b := make([]byte, 0, 512)
	b = append(append(b, r.Method...), '\n')
	b = append(append(b, r.URL.EscapedPath()...), '\n')
	b = append(appendCanonicalQuery(b, query), '\n')
	for _, name := range sig.signedHeaders {
		if value, ok := signedHeader(r, name); ok {
			b = append(append(append(append(b, name...), ':'), value...), '\n')
		}
	}
	b = append(b, '\n')
	for i, name := range sig.signedHeaders {
		if i > 0 {
			b = append(b, ';')
		}
		b = append(b, name...)
	}
	return append(append(b, '\n'), sig.payload...)
}

// signedHeader is the value of a header as it was signed. A proxy may rewrite
// Accept-Encoding; X-Original-Accept-Encoding then has the original value.
func signedHeader(r *http.Request, name string) (string, bool) {
	switch name {
	case "host":
		return r.Host, true
	case "content-length":
		return strconv.FormatInt(max(r.ContentLength, 0), 10), true
	case "transfer-encoding":
		return "", false
	case "accept-encoding":
		if v := r.Header.Get("X-Original-Accept-Encoding"); v != "" {
			return v, true
		}
	}
	values := r.Header.Values(name)
	switch len(values) {
	case 0:
		return "", false
	case 1:
		return canonicalSpace(values[0]), true
	}
	trimmed := make([]string, len(values))
	for i, v := range values {
		trimmed[i] = canonicalSpace(v)
	}
	return strings.Join(trimmed, ","), true
}

// canonicalSpace trims s and replaces several spaces by one.
func canonicalSpace(s string) string {
	s = strings.TrimSpace(s)
	if !strings.Contains(s, "  ") {
		return s
	}
	return strings.Join(strings.FieldsFunc(s, func(c rune) bool { return c == ' ' }), " ")
}

// appendCanonicalQuery encodes again what the server decoded. So the signature
// never matches if a value is not text, or if a name comes twice: the server treats
// that as one value with a comma.
func appendCanonicalQuery(b []byte, query url.Values) []byte {
	names := make([]string, 0, len(query))
	for name := range query {
		if name != "X-Amz-Signature" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	first := true
	for _, name := range names {
		if !first {
			b = append(b, '&')
		}
		first = false
		b = appendEncoded(b, asText(name), "")
		b = append(b, '=')
		for i, value := range query[name] {
			if i > 0 {
				b = append(b, "%2C"...)
			}
			b = appendEncoded(b, asText(value), "")
		}
	}
	return b
}

// asText is s after decoding to a JavaScript string.
func asText(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

// appendEncoded percent-encodes all characters except the unreserved ones of RFC
// 3986 and those in also.
func appendEncoded(b []byte, s, also string) []byte {
	const hexDigits = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			c == '-' || c == '.' || c == '_' || c == '~' || strings.IndexByte(also, c) >= 0 {
			b = append(b, c)
			continue
		}
		b = append(b, '%', hexDigits[c>>4], hexDigits[c&15])
	}
	return b
}

// matches reports whether secret gives the signature of the request. The server
// replaces a region that it does not accept by its own, so the signature fails.
func (x *exchange) matches(sig *signature, set *Settings, secret string) bool {
	region := sig.region
	if region != "" && region != "auto" && region != "us-east-1" {
		region = set.Region
	}
	sum := sha256.Sum256(sig.canonicalRequest(x.r, x.req.Query))
	scope := sig.date + "/" + region + "/s3/aws4_request"
	toSign := sigAlgorithm + "\n" + sig.longDate + "\n" + scope + "\n" + hex.EncodeToString(sum[:])
	want := hmacSHA256(x.s.keys.get(secret, sig.date, region), toSign)
	got, err := hex.DecodeString(sig.signature)
	return err == nil && hmac.Equal(want, got)
}

// signingKeys remembers the last derived keys, which saves four hashes for every
// request.
type signingKeys struct {
	mu   sync.RWMutex
	keys map[[3]string][]byte
}

func (k *signingKeys) get(secret, date, region string) []byte {
	id := [3]string{secret, date, region}
	k.mu.RLock()
	key := k.keys[id]
	k.mu.RUnlock()
	if key != nil {
		return key
	}
	key = signingKey(secret, date, region)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys == nil || len(k.keys) >= 64 {
		k.keys = map[[3]string][]byte{}
	}
	k.keys[id] = key
	return key
}

func signingKey(secret, date, region string) []byte {
	k := hmacSHA256([]byte("AWS4"+secret), date)
	k = hmacSHA256(k, region)
	k = hmacSHA256(k, "s3")
	return hmacSHA256(k, "aws4_request")
}

func hmacSHA256(key []byte, data string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(data))
	return h.Sum(nil)
}
