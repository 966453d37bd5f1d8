package rest

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// maxPause bounds how long an answer can make its reader wait.
const maxPause = 5 * time.Minute

// pause is a cause that says when to come back.
type pause time.Duration

func (p pause) Error() string { return "asked to wait " + time.Duration(p).String() }

// PauseOf is how long a refusal asked to wait, at most five minutes; zero where
// it did not.
func PauseOf(err error) time.Duration {
	p, _ := errors.AsType[pause](err)
	return time.Duration(p)
}

// refusal makes an error of an answer that is not 2xx.
func (r Request) refusal(resp *http.Response, doc []byte) error {
	e := &object.Error{Op: r.Op, Kind: kindOf(resp.StatusCode), Status: resp.StatusCode}
	code, message, ok := foreign.JSON(doc)
	if !ok && !object.Transient(e) {
		return r.notAnAPI(resp, doc)
	}
	e.Code, e.Message = foreign.CodeAndMessage(code, message, r.secrets()...)
	var causes []error
	if !ok && len(doc) > 0 || resp.StatusCode == http.StatusProxyAuthRequired {
		causes = append(causes, foreign.NewAnswer(object.ErrForeign, resp, doc, r.secrets()...))
	}
	if d := pauseIn(resp); d > 0 && object.Transient(e) {
		causes = append(causes, pause(d))
	}
	e.Err = joined(causes)
	return e
}

// joined is errors.Join on one line.
func joined(causes []error) error {
	switch len(causes) {
	case 0:
		return nil
	case 1:
		return causes[0]
	}
	return fmt.Errorf("%w, %w", causes[0], causes[1])
}

// kindOf judges a status. 402 is a project over its quota, 407 a proxy on the
// way, 409 a second refresh of the same session at once, 540 a paused project as
// its gateway says it.
func kindOf(status int) error {
	switch {
	case status == http.StatusTooManyRequests:
		return object.ErrThrottled
	case status >= 500, status == http.StatusRequestTimeout, status == http.StatusTooEarly,
		status == http.StatusConflict, status == http.StatusLocked, status == http.StatusPaymentRequired,
		status == http.StatusProxyAuthRequired:
		return object.ErrUnavailable
	}
	return object.ErrCredentials
}

// notAnAPI is the error of an answer that no Supabase API wrote.
func (r Request) notAnAPI(resp *http.Response, doc []byte) error {
	return &object.Error{
		Op: r.Op, Kind: object.ErrCredentials, Status: resp.StatusCode,
		Err: foreign.NewAnswer(object.ErrForeign, resp, doc, r.secrets()...),
	}
}

// pauseIn reads when to come back: Retry-After, which may be a date, or the
// seconds until the quota of the Management API begins anew.
func pauseIn(resp *http.Response) time.Duration {
	for _, name := range []string{"Retry-After", "X-RateLimit-Reset"} {
		value := resp.Header.Get(name)
		if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds > 0 {
			return min(time.Duration(min(seconds, maxPause.Seconds())*float64(time.Second)), maxPause)
		}
		if at, err := http.ParseTime(value); err == nil {
			return min(max(time.Until(at), 0), maxPause)
		}
	}
	return 0
}
