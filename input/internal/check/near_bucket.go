package check

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

// nearPatience bounds the wait for the names of the buckets. A message is shown
// sooner without one than later with it.
const nearPatience = 5 * time.Second

// NameNearBucket adds to the explanation of a missing bucket the name of the one
// that was probably meant, where the role may list the buckets and one of them
// has almost the same name. It asks only where the bucket is missing.
func NameNearBucket(ctx context.Context, client plane.Client, bucket string, explained error) error {
	e, ok := errors.AsType[*supabase.FieldError](explained)
	if !ok || !errors.Is(explained, object.ErrNoBucket) {
		return explained
	}
	ctx, cancel := context.WithTimeout(ctx, nearPatience)
	defer cancel()
	names, _ := client.Buckets(ctx) // best effort: it only makes the message better
	if near := nearest(bucket, names); near != "" {
		named := *e
		named.Remedy = fmt.Sprintf("did you mean %q? If not, %s", near, e.Remedy)
		return &named
	}
	return explained
}

// nearest is the name that differs from another by case alone, else one that
// differs by a letter; "" where there is none.
func nearest(name string, names []string) string {
	found := ""
	for _, other := range names {
		if strings.EqualFold(name, other) {
			return other
		}
		if found == "" && len(name) > 2 && oneApart([]rune(strings.ToLower(name)), []rune(strings.ToLower(other))) {
			found = other
		}
	}
	return found
}

// oneApart reports whether one letter that is missing, added or replaced, or two
// that changed places, are all that two names differ by.
func oneApart(a, b []rune) bool {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	swapped := len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
	return len(a) <= 1 && len(b) <= 1 || swapped
}
