//go:build !race

package filter

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// The race detector empties pools at random, and what they hold is allocated
// anew, so that this only holds without it.
func TestMatchAllocatesNothing(t *testing.T) {
	f := benchmarkFilter(t)
	for _, key := range []string{"uploads/2024/06/raw_1234.dng", "uploads/a/b_thumbnail.jpg", "uploads/a.gif"} {
		obj := object.Object{Key: key, Size: 1, LastModified: now.Add(-time.Minute)}
		f.Match(obj, now)
		require.LessOrEqual(t, testing.AllocsPerRun(1000, func() { f.Match(obj, now) }), 0.0, "key %q", key)
	}
}
