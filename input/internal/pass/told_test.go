package pass

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

func TestParkedObjectsAreCountedByReasonUntilTheyAreNot(t *testing.T) {
	now := map[string]int64{}
	told := told{changed: func(reason string, n int64) { now[reason] = n }}
	told.sweepBegins()
	require.False(t, told.before(object.Object{Key: "a", ETag: "1"}, "scanner"))
	require.False(t, told.before(object.Object{Key: "b", ETag: "1"}, "scanner"))
	told.still("c", "throttled")
	require.Equal(t, map[string]int64{"scanner": 2, "throttled": 1}, now)

	require.False(t, told.before(object.Object{Key: "c", ETag: "1"}, "throttled"), "an earlier process told of it, not this one")
	require.True(t, told.before(object.Object{Key: "c", ETag: "1"}, "throttled"))
	require.False(t, told.before(object.Object{Key: "a", ETag: "1"}, "denied"))
	require.Equal(t, map[string]int64{"scanner": 1, "throttled": 1, "denied": 1}, now)

	told.forget("b")
	told.forget("never parked")
	require.Equal(t, map[string]int64{"scanner": 0, "throttled": 1, "denied": 1}, now)

	told.sweepBegins()
	told.still("a", "denied")
	told.sweepEnds()
	require.Equal(t, map[string]int64{"scanner": 0, "throttled": 0, "denied": 1}, now, "c was deleted from the bucket")
	require.True(t, told.before(object.Object{Key: "a", ETag: "1"}, "denied"), "what was told stays so")
}
