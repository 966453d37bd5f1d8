package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
)

const opSigning = "signing URLs"

// Sign asks the server for URLs under which the objects can be read without keys until
// they expire, in whole seconds from now on. The result is in the order of the keys,
// with an error for an object that does not exist or that the role may not read. It
// makes one request for up to 1000 keys, once.
func (c *Client) Sign(ctx context.Context, keys []string, expires time.Duration) ([]object.Signed, error) {
	body, err := json.Marshal(struct {
		ExpiresIn int64    `json:"expiresIn"`
		Paths     []string `json:"paths"`
	}{int64(expires / time.Second), keys})
	if err != nil {
		return nil, err
	}
	r := request{op: opSigning, method: http.MethodPost, path: "/object/sign", bucket: true, body: body}
	if len(keys) == 1 {
		r.about = keys[0]
	}
	out := make([]object.Signed, len(keys))
	err = c.caller.Document(ctx, c.as(r), func(a *plane.Answer, doc []byte) error {
		var rows []signedRow
		err := json.Unmarshal(doc, &rows)
		if err == nil && len(rows) != len(keys) {
			err = errors.New("not as many URLs as were asked for")
		}
		for i := 0; err == nil && i < len(rows); i++ {
			out[i], err = c.signed(keys[i], rows[i], a)
		}
		if err != nil {
			return notAnAnswer(r.op, r.about, err, doc, a)
		}
		return nil
	})
	return out, err
}

// signedRow is what the server says of one key.
type signedRow struct {
	Error     *string `json:"error"`
	Path      string  `json:"path"`
	SignedURL string  `json:"signedURL"`
}

// signed makes a URL of a row. Its path comes without escapes, so that the token is
// all that it tells; the key is in the token, too.
func (c *Client) signed(key string, row signedRow, a *plane.Answer) (object.Signed, error) {
	if row.Path != key {
		return object.Signed{}, fmt.Errorf("a URL of another object, %s", foreign.Key(row.Path))
	}
	if row.Error != nil {
		return object.Signed{Err: errors.New(foreign.Text(*row.Error, foreign.Short, a.Secrets()...))}, nil
	}
	i := strings.LastIndex(row.SignedURL, "?token=")
	if i < 0 {
		return object.Signed{}, errors.New("a URL without a token")
	}
	u := c.base
	u.Path += "/object/sign/" + c.bucket + "/" + key
	u.RawPath += "/object/sign/" + plane.EscapePath(c.bucket) + "/" + plane.EscapePath(key)
	u.RawQuery = row.SignedURL[i+1:]
	return object.Signed{URL: u.String()}, nil
}
