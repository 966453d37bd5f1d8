package api

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// ErrShape is a cause: an answer of Storage is JSON, but not of the form that was
// asked for.
var ErrShape = errors.New("the answer has another form")

// refusal makes an error of an answer that is not 2xx.
func refusal(op, key string, resp *http.Response, doc []byte, secrets []string, kind func(e *object.Error, isJSON bool) error) *object.Error {
	status, _ := RealStatus(resp.StatusCode, doc)
	e := &object.Error{Op: op, Key: key, Status: status}
	code, message, isJSON := foreign.JSON(doc)
	e.Code, e.Message = foreign.CodeAndMessage(code, message, secrets...)
	e.Kind = kind(e, isJSON)
	var causes []error
	// A gateway that has trouble may answer with nothing.
	if silent := len(doc) == 0 && object.Transient(e); !isJSON && !silent || resp.StatusCode == http.StatusProxyAuthRequired {
		causes = append(causes, foreign.NewAnswer(object.ErrForeign, resp, doc, secrets...))
	}
	if missing := foreign.PermissionsIn(doc, secrets...); missing != nil {
		causes = append(causes, missing)
	}
	if d := pauseIn(resp.Header); d > 0 && object.Transient(e) {
		causes = append(causes, pause(d))
	}
	switch len(causes) {
	case 1:
		e.Err = causes[0]
	case 2:
		e.Err = fmt.Errorf("%w, %w", causes[0], causes[1]) // on one line
	}
	return e
}

// RealStatus is the status in the body, a text or a number, where Storage writes 400
// in its place. Ours says that Storage wrote the body: others name no status.
func RealStatus(status int, doc []byte) (real int, ours bool) {
	var body struct {
		StatusCode any `json:"statusCode"`
	}
	if json.Unmarshal(doc, &body) != nil || body.StatusCode == nil {
		return status, false
	}
	n, err := strconv.Atoi(fmt.Sprint(body.StatusCode))
	if status == http.StatusBadRequest && err == nil && n >= 400 && n <= 599 {
		return n, true
	}
	return status, true
}

// keyKind judges a refusal by an API that gives keys.
func keyKind(e *object.Error, _ bool) error {
	return cmp.Or(Passing(e.Status), object.ErrCredentials)
}

// StorageKind judges a refusal by Storage over REST.
func StorageKind(e *object.Error, isJSON bool) error {
	switch {
	case e.Status == http.StatusNotFound && !isJSON:
		return object.ErrUnavailable // an ingress without its server
	case e.Status == http.StatusNotFound && !slices.Contains(missingCodes, e.Code):
		return object.ErrInvalid // a gateway without such a route
	}
	return Kind(e)
}

// missingCodes are those with which Storage says that an object or a bucket is
// missing; older servers know the second one alone.
var missingCodes = []string{"NoSuchKey", "not_found", "NoSuchBucket"}

// notAnAnswer makes an error of a 2xx answer that the API did not write. For an
// API that gives keys this is a wrong address; the address of Storage was seen to
// be right, or is looked at when the run begins.
func (c *Client) notAnAnswer(r Request, resp *http.Response, err error) error {
	e := &object.Error{Op: r.Op, Key: r.Key, Kind: object.ErrCredentials, Status: resp.StatusCode, Err: err}
	if c.o.Storage {
		e.Kind = object.ErrUnavailable
	}
	return e
}

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

// pauseIn reads when to come back: Retry-After, or the seconds until the quota of
// the Management API begins anew.
func pauseIn(h http.Header) time.Duration {
	now := time.Now()
	quota := http.Header{"Retry-After": h.Values("X-RateLimit-Reset")}
	return min(cmp.Or(retry.After(h, now), retry.After(quota, now)), maxPause)
}
