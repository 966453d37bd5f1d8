package s3bucket

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
)

// maxErrorDocument is how much of a refusal's body is read.
const maxErrorDocument = 64 << 10

// refusal makes an error of an answer that is not 2xx, and closes its body.
func (r request) refusal(resp *http.Response, w *watch, cred bucket.Credentials) error {
	doc := readRefusal(resp, w)
	if err := w.caller.Err(); err != nil {
		return err
	}
	e := &bucket.Error{Op: r.op, Key: r.key, Status: resp.StatusCode}
	code, message, isS3 := decodeError(doc)
	e.Code, e.Message = code, redact(message, cred)
	switch {
	case resp.StatusCode < 400:
		e.Kind = bucket.ErrInvalid
		e.Err = redirected(resp)
	case isS3 || len(doc) == 0:
		e.Kind = r.kindOf(e)
	default:
		e.Kind = r.foreignKind(resp)
		e.Err = foreign(doc, resp.Header, cred)
	}
	return e
}

// readRefusal reads the body of a refusal, as far as it comes.
func readRefusal(resp *http.Response, w *watch) []byte {
	defer func() { _ = resp.Body.Close() }()
	w.arm()
	defer w.disarm()
	doc, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorDocument))
	return doc
}

// decodeError reads the Code and Message of an S3 error document.
func decodeError(doc []byte) (code, message string, ok bool) {
	s := xmlScanner{b: doc}
	root, found, err := s.next()
	if err != nil || !found || root.closing || string(root.name) != "Error" {
		return "", "", false
	}
	for !root.empty {
		t, found, err := s.next()
		if err != nil || !found || t.closing {
			break // a document that was cut still tells what it has told
		}
		if t.empty {
			continue
		}
		end, err := s.element()
		if err != nil {
			break
		}
		switch string(t.name) {
		case "Code":
			code = end.text()
		case "Message":
			message = end.text()
		}
	}
	return code, message, true
}

// foreign describes an answer that no S3 server wrote: its content type and how
// it begins.
func foreign(doc []byte, h http.Header, cred bucket.Credentials) error {
	const shown = 80
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	if kind == "" {
		kind = http.DetectContentType(doc)
	}
	begin := strings.Join(strings.Fields(strings.ToValidUTF8(redact(string(doc), cred), "")), " ")
	if runes := []rune(begin); len(runes) > shown {
		begin = string(runes[:shown]) + "..."
	}
	return fmt.Errorf("%w but %s that begins %q", bucket.ErrNotS3, kind, begin)
}

// redirected tells where a redirect points to, without following it: the
// signature is for this host alone.
func redirected(resp *http.Response) error {
	loc, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || loc.Host == "" {
		return errors.New("a redirect, which is not followed")
	}
	return fmt.Errorf("a redirect to the host %s, which is not followed: is that the right endpoint?", loc.Host)
}

// foreignKind judges answers that the storage did not write. A server or proxy
// that has trouble is waited for; so is a 404 that is not JSON, because an
// ingress without its backend answers one for every object, and believing it
// would lose them. JSON comes from Supabase's own gateway or REST API: the
// path of the endpoint is wrong. A firewall that dislikes one key forbids that
// key alone.
func (r request) foreignKind(resp *http.Response) error {
	json := strings.Contains(resp.Header.Get("Content-Type"), "json")
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return bucket.ErrThrottled
	case resp.StatusCode >= 500, resp.StatusCode == http.StatusRequestTimeout,
		resp.StatusCode == http.StatusPaymentRequired:
		return bucket.ErrUnavailable
	case resp.StatusCode == http.StatusNotFound && !json:
		return bucket.ErrUnavailable
	case resp.StatusCode == http.StatusForbidden && r.key != "":
		return bucket.ErrDenied
	}
	return bucket.ErrInvalid
}

// kindOf maps an S3 error to the kinds of package bucket. The status decides
// where codes are ambiguous: the same lost object is NoSuchKey on one store and
// S3Error on another.
func (r request) kindOf(e *bucket.Error) error {
	switch {
	case slices.Contains(throttlingCodes, e.Code) || e.Status == http.StatusTooManyRequests:
		return bucket.ErrThrottled
	case e.Status < 500 && rejectsCredentials(e):
		return bucket.ErrCredentials
	case e.Status == http.StatusNotImplemented:
		return bucket.ErrInvalid
	case e.Status >= 500 || slices.Contains(passingStatus, e.Status) || e.Code == "RequestTimeout":
		return bucket.ErrUnavailable
	case e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden:
		return bucket.ErrDenied
	case e.Status == http.StatusNotFound && r.key == "":
		return bucket.ErrNoBucket
	case e.Status == http.StatusNotFound:
		return bucket.ErrNotFound
	case e.Status == http.StatusRequestedRangeNotSatisfiable:
		return bucket.ErrRange
	}
	return bucket.ErrInvalid
}

var (
	throttlingCodes = []string{
		"SlowDown", "Throttling", "ThrottlingException", "ThrottledException",
		"RequestLimitExceeded", "TooManyRequests", "TooManyRequestsException",
	}
	// passingStatus are those below 500 that say nothing about the object:
	// 402 is a project over its quota, 409 and 423 are locks.
	passingStatus = []int{
		http.StatusPaymentRequired, http.StatusRequestTimeout, http.StatusConflict,
		http.StatusLocked, http.StatusTooEarly,
	}
)

// rejectsCredentials tells the refusals of a signature, key or token from those
// of one object. Supabase writes most of them as AccessDenied, so that only the
// message makes the difference.
func rejectsCredentials(e *bucket.Error) bool {
	if slices.Contains(credentialCodes, e.Code) {
		return true
	}
	if e.Status != http.StatusForbidden && e.Status != http.StatusUnauthorized {
		return false
	}
	message := strings.ToLower(e.Message)
	return slices.ContainsFunc(credentialMessages, func(s string) bool { return strings.Contains(message, s) })
}

var (
	credentialCodes = []string{
		"SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException",
		"InvalidToken", "InvalidJWT", "ExpiredToken", "TokenRefreshRequired", "InvalidSecurity",
		"MissingAuthenticationToken", "AuthorizationHeaderMalformed", "RequestTimeTooSkewed",
		"NotSignedUp", "AccountProblem", "FeatureNotEnabled", "TenantNotFound",
	}
	credentialMessages = []string{
		"invalid access key", "invalid compact jws", "signature verification failed",
		`" claim`, "missing signature", "invalid signature", "invalid service", "jwt", "jws",
	}
)

// refusesKeys reports whether other keys may help: what was refused is a
// signature, a key or a token, and not the clock, the region or the project.
func refusesKeys(err error) bool {
	if !errors.Is(err, bucket.ErrCredentials) {
		return false
	}
	e, ok := errors.AsType[*bucket.Error](err)
	return !ok || !slices.Contains(otherCodes, e.Code)
}

var otherCodes = []string{
	"AuthorizationHeaderMalformed", "RequestTimeTooSkewed", "NotSignedUp", "AccountProblem", "FeatureNotEnabled", "TenantNotFound",
}

// redact removes what signed the request from a text that the server wrote, in
// case that it echoes what it was sent.
func redact(text string, cred bucket.Credentials) string {
	for _, secret := range []string{cred.SessionToken, cred.SecretAccessKey} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "[redacted]")
		}
	}
	return text
}
