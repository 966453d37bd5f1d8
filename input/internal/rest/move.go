package rest

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
)

// Move implements [plane.Mover] with one request, which the server carries out whole or
// not at all. It overwrites nothing.
func (c *Client) Move(ctx context.Context, from object.Object, to string) (plane.Moved, error) {
	body, err := json.Marshal(map[string]string{"bucketId": c.bucket, "sourceKey": from.Key, "destinationKey": to})
	if err != nil {
		return plane.Moved{}, err
	}
	r := request{op: plane.OpMoving, method: http.MethodPost, path: "/object/move", body: body, about: from.Key}
	var answer struct{ Message string }
	err = c.caller.Held(ctx, func(ctx context.Context) error { return c.ask(ctx, r, &answer) })
	return plane.Moved{Whole: true}, err
}
