package rest

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
)

// Move makes one request that moves an object to another key of the bucket, and never
// retries it. The server carries it out whole or not at all, and overwrites nothing.
func (c *Client) Move(ctx context.Context, from object.Object, to string) (object.Moved, error) {
	body, err := json.Marshal(map[string]string{"bucketId": c.bucket, "sourceKey": from.Key, "destinationKey": to})
	if err != nil {
		return object.Moved{}, err
	}
	r := request{op: plane.OpMoving, method: http.MethodPost, path: "/object/move", body: body, about: from.Key}
	var answer struct{ Message string }
	err = c.caller.Held(ctx, func(ctx context.Context) error { return c.ask(ctx, r, &answer) })
	return object.Moved{Whole: true}, err
}
