package changes

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// problem is a refusal as the REST API writes it. The status of the answer is
// 400 for nearly all of them; the real one is in here, as a text or a number.
type problem struct {
	StatusCode any    `json:"statusCode"`
	Error      string `json:"error"`
	Message    string `json:"message"`
	Code       string `json:"code"`
}

// refusal makes an error of an answer that is not 200.
func refusal(resp *http.Response, doc []byte, cred object.Credentials) error {
	var p problem
	isJSON := json.Unmarshal(doc, &p) == nil
	status := resp.StatusCode
	e := &object.Error{Op: op, Status: status}
	e.Code, e.Message = foreign.CodeAndMessage(cmp.Or(p.Code, p.Error), p.Message, cred.Secrets()...)
	if !isJSON {
		e.Err = foreign.NewAnswer(object.ErrForeign, resp, doc, cred.Secrets()...)
	}
	switch status = max(status, p.status()); {
	case status == http.StatusTooManyRequests || p.Code == "SlowDown":
		e.Kind = object.ErrThrottled
	case status == http.StatusNotImplemented || p.Code == "FeatureNotEnabled":
		e.Kind, e.Err = object.ErrInvalid, ErrUnsupported
	case status >= 500 || slices.Contains(passingStatus, status) || status == http.StatusNotFound && !isJSON:
		// A 404 that is not JSON is that of a proxy without its server.
		e.Kind = object.ErrUnavailable
	case p.rejectsToken(status):
		e.Kind = object.ErrCredentials
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		e.Kind, e.Err = object.ErrDenied, ErrUnsupported
	case status < http.StatusBadRequest:
		e.Kind, e.Err = object.ErrInvalid, unsupported(foreign.NewAnswer(object.ErrForeign, resp, doc, cred.Secrets()...))
	case e.Err != nil:
		e.Kind, e.Err = object.ErrInvalid, unsupported(e.Err)
	default:
		e.Kind, e.Err = object.ErrInvalid, ErrUnsupported
	}
	return e
}

// status is the one in the body, 0 where there is none.
func (p *problem) status() int {
	switch v := p.StatusCode.(type) {
	case string:
		n, _ := strconv.Atoi(v)
		return n
	case float64:
		return int(v)
	}
	return 0
}

// passingStatus are those below 500 that may pass: 402 is a project over its
// quota, 407 a proxy on the way, 409 and 423 are locks.
var passingStatus = []int{
	http.StatusPaymentRequired, http.StatusProxyAuthRequired, http.StatusRequestTimeout, http.StatusConflict,
	http.StatusLocked, http.StatusTooEarly,
}

// rejectsToken tells the refusal of the token from that of the request: both
// are AccessDenied, so that only the message makes the difference.
func (p *problem) rejectsToken(status int) bool {
	message := strings.ToLower(p.Message)
	switch {
	case p.Code == "InvalidJWT" || p.Code == "TenantNotFound" || p.Code == "ExpiredToken":
		return true
	case status != http.StatusUnauthorized && status != http.StatusForbidden:
		return false
	}
	return slices.ContainsFunc([]string{`" claim`, "jwt", "jws", "signature", "api key", "authorization"},
		func(s string) bool { return strings.Contains(message, s) })
}
