package s3

import (
	"fmt"
	"net/http"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/api"
)

// refusal makes an error of an answer that is not 2xx.
func refusal(r plane.Request, resp *http.Response, doc []byte, cred object.Credentials) error {
	secrets := cred.Secrets()
	e := &object.Error{Op: r.Op, Key: r.Key, Status: resp.StatusCode}
	code, message, isS3 := decodeError(doc)
	if !isS3 {
		code, message, _ = foreign.JSON(doc)
	}
	e.Code, e.Message = foreign.CodeAndMessage(code, message, secrets...)
	switch {
	case resp.StatusCode < 400 && isS3:
		e.Kind = object.ErrInvalid
		e.Err = foreign.NewAnswer(nil, resp, doc, secrets...)
	case isS3, len(doc) == 0 && (r.Key != "" || resp.StatusCode >= 500):
		e.Kind = api.Kind(e)
		e.Err = skewed(e, resp)
	default:
		e.Kind = api.ForeignKind(r.Key, resp)
		e.Err = foreign.NewAnswer(object.ErrNotS3, resp, doc, secrets...)
	}
	return e
}

// leastSkew is a difference of clocks that can be seen in a Date, which has whole
// seconds and travels for a while.
const leastSkew = 5 * time.Second

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
	if ahead < leastSkew {
		return nil // the clock that refused is another one than that of the date
	}
	return fmt.Errorf("the clock of this machine is %v %s the server's", ahead, word)
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
