package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// Passing is the kind of a status that says nothing about what was asked for and
// may pass, nil for every other status.
func Passing(status int) error {
	switch {
	case status == http.StatusTooManyRequests:
		return object.ErrThrottled
	case status >= 500 || slices.Contains(passingStatus, status):
		return object.ErrUnavailable
	}
	return nil
}

// passingStatus are those below 500: 402 is a project over its quota, 407 a proxy
// on the way, 409 and 423 are locks, or two refreshes of one session at once.
var passingStatus = []int{
	http.StatusPaymentRequired, http.StatusProxyAuthRequired, http.StatusRequestTimeout, http.StatusConflict,
	http.StatusLocked, http.StatusTooEarly,
}

// Kind is what a refusal by Storage means, over S3 or REST: one of the kinds of
// package object. The status decides where codes are ambiguous: the same lost
// object is NoSuchKey on one store and S3Error on another.
func Kind(e *object.Error) error {
	passing := Passing(e.Status)
	switch {
	case slices.Contains(throttlingCodes, e.Code):
		return object.ErrThrottled
	case e.Status < 500 && passing == nil && rejectsKeys(e):
		return object.ErrCredentials
	case e.Status == http.StatusNotImplemented:
		return object.ErrInvalid
	case passing != nil:
		return passing
	case slices.Contains(passingCodes, e.Code):
		return object.ErrUnavailable
	case e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden:
		return object.ErrDenied
	case e.Status == http.StatusNotFound && e.Key == "":
		return object.ErrNoBucket
	case e.Status == http.StatusNotFound:
		return object.ErrNotFound
	case e.Status == http.StatusRequestedRangeNotSatisfiable:
		return object.ErrRange
	}
	return object.ErrInvalid
}

// ForeignKind judges refusals that the storage did not write. An answer to a
// question about the bucket says nothing about it, whatever its status: it is
// asked again. A server or proxy that has trouble is waited for; so is a 404 that
// is not JSON, because an ingress without its backend answers one for every
// object, and believing it would lose them. A firewall that dislikes one key
// forbids that key alone.
func ForeignKind(key string, resp *http.Response) error {
	json := strings.Contains(resp.Header.Get("Content-Type"), "json")
	passing := Passing(resp.StatusCode)
	switch {
	case passing != nil:
		return passing
	case key == "", resp.StatusCode == http.StatusNotFound && !json:
		return object.ErrUnavailable
	case resp.StatusCode == http.StatusForbidden:
		return object.ErrDenied
	}
	return object.ErrInvalid
}

// CodeSkewed refuses a request because the two clocks differ.
const CodeSkewed = "RequestTimeTooSkewed"

var (
	throttlingCodes = []string{
		"SlowDown", "Throttling", "ThrottlingException", "ThrottledException",
		"RequestLimitExceeded", "TooManyRequests", "TooManyRequestsException",
	}
	// passingCodes are those of a refusal that is over once the network or a clock
	// is right again.
	passingCodes = []string{"RequestTimeout", CodeSkewed}
)

// rejectsKeys tells the refusals of a signature, key or token from those of one
// object. Supabase writes most of them as AccessDenied, so that only the message
// makes the difference.
func rejectsKeys(e *object.Error) bool {
	if slices.Contains(keyCodes, e.Code) || e.Status == http.StatusBadRequest && strings.Contains(e.Message, noAuthorization) {
		return true
	}
	if e.Status != http.StatusForbidden && e.Status != http.StatusUnauthorized {
		return false
	}
	message := strings.ToLower(e.Message)
	return slices.ContainsFunc(keyMessages, func(s string) bool { return strings.Contains(message, s) })
}

// noAuthorization is what Storage says where no token comes: a gateway that does not
// know a key puts none in its place.
const noAuthorization = "required property 'authorization'"

var (
	keyCodes = []string{
		"SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException",
		"InvalidToken", "InvalidJWT", "ExpiredToken", "TokenRefreshRequired", "InvalidSecurity",
		"MissingAuthenticationToken", "AuthorizationHeaderMalformed",
		"NotSignedUp", "AccountProblem", "FeatureNotEnabled", "TenantNotFound",
	}
	keyMessages = []string{
		"invalid access key", "invalid compact jws", "signature verification failed",
		`" claim`, "missing signature", "invalid signature", "invalid service", "jwt", "jws",
		"api key", "authorization header",
	}
)
