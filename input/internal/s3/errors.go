package s3

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/api"
)

// refusal makes an error of an answer that is not 2xx, and closes its body.
func (r request) refusal(resp *http.Response, w *watch, cred object.Credentials) error {
	doc := readRefusal(resp, w)
	if err := w.caller.Err(); err != nil {
		return err
	}
	secrets := cred.Secrets()
	e := &object.Error{Op: r.op, Key: r.key, Status: resp.StatusCode}
	code, message, isS3 := decodeError(doc)
	if !isS3 {
		code, message, _ = foreign.JSON(doc)
	}
	e.Code, e.Message = foreign.CodeAndMessage(code, message, secrets...)
	switch {
	case resp.StatusCode < 400 && isS3:
		e.Kind = object.ErrInvalid
		e.Err = foreign.NewAnswer(nil, resp, doc, secrets...)
	case isS3, len(doc) == 0 && (r.key != "" || resp.StatusCode >= 500):
		e.Kind = api.Kind(e)
		e.Err = skewed(e, resp)
	default:
		e.Kind = r.foreignKind(resp)
		e.Err = foreign.NewAnswer(object.ErrNotS3, resp, doc, secrets...)
	}
	return e
}

// skewed says how far the clocks are apart where that is what was refused.
func skewed(e *object.Error, resp *http.Response) error {
	there, err := http.ParseTime(resp.Header.Get("Date"))
	if e.Code != api.CodeSkewed || err != nil {
		return nil //nolint:nilerr // Without a date it is not known.
	}
	ahead, word := time.Since(there).Round(time.Second), "ahead of"
	if ahead < 0 {
		ahead, word = -ahead, "behind"
	}
	return fmt.Errorf("the clock of this machine is %v %s the server's", ahead, word)
}

// readRefusal reads the body of a refusal, as far as it comes.
func readRefusal(resp *http.Response, w *watch) []byte {
	defer func() { _ = resp.Body.Close() }()
	w.arm()
	defer w.disarm()
	doc, _ := io.ReadAll(io.LimitReader(resp.Body, api.MaxRefusal))
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

// foreignKind judges answers that the storage did not write. An answer to a
// question about the bucket says nothing about it, whatever its status: it is
// asked again. A server or proxy that has trouble is waited for; so is a 404 that
// is not JSON, because an ingress without its backend answers one for every
// object, and believing it would lose them. A firewall that dislikes one key
// forbids that key alone.
func (r request) foreignKind(resp *http.Response) error {
	json := strings.Contains(resp.Header.Get("Content-Type"), "json")
	passing := api.Passing(resp.StatusCode)
	switch {
	case passing != nil:
		return passing
	case r.key == "", resp.StatusCode == http.StatusNotFound && !json:
		return object.ErrUnavailable
	case resp.StatusCode == http.StatusForbidden:
		return object.ErrDenied
	}
	return object.ErrInvalid
}

// refusesKeys reports whether other keys may help: what was refused is a
// signature, a key or a token, and not the clock, the region or the project.
func refusesKeys(err error) bool {
	if !errors.Is(err, object.ErrCredentials) {
		return false
	}
	e, ok := errors.AsType[*object.Error](err)
	return !ok || !slices.Contains(otherCodes, e.Code)
}

var otherCodes = []string{
	"AuthorizationHeaderMalformed", "NotSignedUp", "AccountProblem", "FeatureNotEnabled", "TenantNotFound",
}
