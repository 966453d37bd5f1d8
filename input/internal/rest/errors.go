package rest

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/api"
)

// refusal makes an error of an answer that is not 2xx.
func refusal(r plane.Request, resp *http.Response, doc []byte, cred object.Credentials) error {
	return api.Refusal(r.Op, r.Key, resp, doc, cred.Secrets()...)
}

// ask makes one request, and decodes its answer.
func (c *Client) ask(ctx context.Context, r request, into any) error {
	return c.caller.Document(ctx, c.as(r), func(a *plane.Answer, doc []byte) error {
		if err := json.Unmarshal(doc, into); err != nil {
			return &object.Error{
				Op: r.op, Key: r.key + r.about, Kind: object.ErrUnavailable, Status: a.StatusCode,
				Err: foreign.NewAnswer(object.ErrForeign, a.Response, doc, a.Secrets()...),
			}
		}
		return nil
	})
}

// notAPage is the error for an answer to a list request that could not be decoded.
func notAPage(err error, doc []byte, a *plane.Answer) error {
	_ = err
	return &object.Error{
		Op: plane.OpListing, Kind: object.ErrUnavailable, Status: a.StatusCode,
		Err: foreign.NewAnswer(object.ErrForeign, a.Response, doc, a.Secrets()...),
	}
}
