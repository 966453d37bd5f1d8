package pass

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// watched is a store that calls before at each look at the listing.
type watched struct {
	*store
	before func()
}

func (w watched) Listed(ctx context.Context, key string) (object.Object, bool, error) {
	w.before()
	return w.store.Listed(ctx, key)
}

func TestAVersionThatIsDeliveredWhileTheOneBeforeIsTakenAwayIsTakenAwayToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		version := func(body string) object.Object { return object.Object{Key: "a", ETag: body, Size: int64(len(body))} }
		s := &store{objects: map[string]string{"a": "first"}, deleted: func() {}}
		told := map[string]string{}
		var all *Removals
		remove := func(body string) bool {
			return all.remove(t.Context(), removal{version(body), func(kept string, err error) {
				require.NoError(t, err)
				told[body] = kept
			}})
		}
		overwrite := sync.OnceFunc(func() {
			s.objects["a"] = "second"
			require.True(t, remove("second"))
			require.False(t, remove("second"), "it waits already")
		})
		all = NewRemovals(watched{s, overwrite}, retry.Once, "after_delivery", func(object.Object, string, error) {})
		require.True(t, remove("first"))
		require.NoError(t, all.Wait(t.Context()))
		require.NoError(t, all.Pending())
		require.Contains(t, told["first"], "another version is listed by now")
		require.Empty(t, told["second"])
		require.Len(t, told, 2)
		require.Empty(t, s.objects)
	})
}
