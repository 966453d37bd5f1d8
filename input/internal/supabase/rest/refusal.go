package rest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
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
	e := &bucket.Error{Op: r.Op, Kind: kindOf(resp.StatusCode), Status: resp.StatusCode}
	code, message, ok := decodeRefusal(doc)
	if !ok && !bucket.Transient(e) {
		return r.foreign(resp, doc)
	}
	e.Code, e.Message = short(r.redact(code)), short(r.redact(message))
	if d := pauseIn(resp); d > 0 && bucket.Transient(e) {
		e.Err = pause(d)
	}
	return e
}

// kindOf judges a status. 402 is a project over its quota, 409 a second refresh
// of the same session at once, 540 a paused project as its gateway says it.
func kindOf(status int) error {
	switch {
	case status == http.StatusTooManyRequests:
		return bucket.ErrThrottled
	case status >= 500, status == http.StatusRequestTimeout, status == http.StatusTooEarly,
		status == http.StatusConflict, status == http.StatusLocked, status == http.StatusPaymentRequired:
		return bucket.ErrUnavailable
	}
	return bucket.ErrCredentials
}

// decodeRefusal reads the code and the text of a refusal. The APIs and their
// gateway have half a dozen forms; {"code":400} is a number that only repeats
// the status.
func decodeRefusal(doc []byte) (code, message string, ok bool) {
	var fields map[string]any
	if json.Unmarshal(doc, &fields) != nil {
		return "", "", false
	}
	text := func(name string) string {
		switch v := fields[name].(type) {
		case string:
			return v
		case []any: // a list of what is wrong with a request
			return fmt.Sprint(v...)
		}
		return ""
	}
	return cmp.Or(text("error_code"), text("code"), text("error")),
		cmp.Or(text("msg"), text("message"), text("error_description")), true
}

// foreign describes an answer that no Supabase API wrote: its content type and
// how it begins.
func (r Request) foreign(resp *http.Response, doc []byte) error {
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	e := &bucket.Error{Op: r.Op, Kind: bucket.ErrCredentials, Status: resp.StatusCode}
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		e.Err = fmt.Errorf("%w but a redirect, which is not followed", bucket.ErrForeign)
		return e
	}
	e.Err = fmt.Errorf("%w but %s that begins %q", bucket.ErrForeign, cmp.Or(kind, http.DetectContentType(doc)), short(r.redact(string(doc))))
	return e
}

// short is a text from outside on one line, and not too much of it.
func short(text string) string {
	const shown = 200
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ")
	if runes := []rune(text); len(runes) > shown {
		return string(runes[:shown]) + "..."
	}
	return text
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
