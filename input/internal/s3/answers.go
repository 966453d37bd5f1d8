package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// opAsking is the gerund of a request without credentials.
const opAsking = "asking without credentials"

// Answers makes one request without credentials, and without retries, to see
// whether an S3 server is at the endpoint: nil if it answered at all, be it with
// a refusal. It is an error that the server says to serve no such project, or
// none over S3.
func (c *Client) Answers(ctx context.Context) error {
	l := lister{client: c}
	err := l.ask(ctx, request{op: opAsking, method: http.MethodGet, query: l.cursor.query(1), anonymous: true}, 1)
	e, ok := errors.AsType[*object.Error](err)
	switch {
	case !ok, errors.Is(err, object.ErrNotS3), object.Transient(err), slices.Contains(notServed, e.Code):
		return err
	case e.Code == "" && e.Err == nil:
		return &object.Error{Op: opAsking, Kind: object.ErrInvalid, Status: e.Status, Err: fmt.Errorf("%w but an empty one", object.ErrNotS3)}
	case e.Code == "":
		return err
	}
	return nil
}

// notServed are the codes of a server that refuses every caller.
var notServed = []string{"FeatureNotEnabled", "TenantNotFound"}
