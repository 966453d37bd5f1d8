package rest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/api"
)

// refusal makes an error of an answer that is not 2xx. Gateways check keys in place
// of the storage, and their word counts there. What else they say is judged as that
// of any foreigner.
func refusal(r plane.Request, resp *http.Response, doc []byte, cred object.Credentials) error {
	secrets := cred.Secrets()
	status, ours := api.RealStatus(resp.StatusCode, doc)
	e := &object.Error{Op: r.Op, Key: r.Key, Status: status}
	code, message, isJSON := foreign.JSON(doc)
	e.Code, e.Message = foreign.CodeAndMessage(code, message, secrets...)
	silent := len(doc) == 0 && (r.Key != "" && status >= http.StatusBadRequest || status >= http.StatusInternalServerError)
	e.Kind = api.StorageKind(e, isJSON)
	switch {
	case ours, silent, isJSON && errors.Is(e, object.ErrCredentials):
	case isJSON && status == http.StatusUnauthorized:
		e.Kind = object.ErrCredentials
	default:
		e.Kind = api.ForeignKind(r.Key, resp)
		e.Err = foreign.NewAnswer(object.ErrForeign, resp, doc, secrets...)
	}
	return e
}

// ask makes one request, and decodes its answer.
func (c *Client) ask(ctx context.Context, r request, into any) error {
	return c.caller.Document(ctx, c.as(r), func(a *plane.Answer, doc []byte) error {
		if err := json.Unmarshal(doc, into); err != nil {
			return notAnAnswer(r.op, r.about, err, doc, a)
		}
		return nil
	})
}

// notAnAnswer is the error for a 2xx answer that could not be decoded. The next one
// may be better: it arrived damaged, or a proxy wrote it.
func notAnAnswer(op, key string, err error, doc []byte, a *plane.Answer) error {
	e := &object.Error{Op: op, Key: key, Kind: object.ErrUnavailable, Status: a.StatusCode, Err: foreign.Cause(err, a.Secrets()...)}
	if !json.Valid(doc) || errors.Is(err, errNotAPage) || errors.Is(err, errNotJSON) {
		code, message, _ := foreign.JSON(doc)
		e.Code, e.Message = foreign.CodeAndMessage(code, message, a.Secrets()...)
		e.Err = foreign.NewAnswer(object.ErrForeign, a.Response, doc, a.Secrets()...)
	}
	return e
}
