package quickstart

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/redpanda-data/benthos/v4/public/components/io"
	_ "github.com/redpanda-data/benthos/v4/public/components/pure"
	"github.com/stretchr/testify/require"
)

// delivered is where the sample's objects are to arrive.
var delivered = map[string]string{
	"photos/2024/06/beach.jpg":                   "user-uploads/photos/2024/06/beach.jpg",
	"photos/2024/07/Holiday (1) & more, 50+.jpg": "user-uploads/photos/2024/07/Holiday (1) & more%2C 50+.jpg",
	"photos//double-slash.jpg":                   "user-uploads/photos/%2F/double-slash.jpg",
	"avatars/8c5f0e7a/avatar.png":                "user-uploads/avatars/8c5f0e7a/avatar.png",
	"videos/clip.mp4":                            "user-uploads/videos/clip.mp4",
	"exports/orders.jsonl":                       "user-uploads/exports/orders.jsonl",
}

func TestSampleArrivesByteForByteAndNothingElse(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "by", "the", "run")
	for range 2 { // a second run meets the files of the first
		var out strings.Builder
		require.NoError(t, Run(t.Context(), &out, os.Stderr, dir))
		require.Contains(t, out.String(), "delivered     6 (6.2 MiB)")
	}
	objects, err := samples()
	require.NoError(t, err)
	files := 0
	for _, o := range objects {
		path, due := delivered[o.key]
		if !due {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, path))
		require.NoError(t, err)
		require.True(t, bytes.Equal(o.content, content), "%q arrived with other bytes", o.key)
		files++
	}
	require.Len(t, delivered, files)
	require.NoError(t, filepath.WalkDir(dir, func(_ string, entry os.DirEntry, err error) error {
		if !entry.IsDir() {
			files--
		}
		return err
	}))
	require.Zero(t, files, "files that are no object's")
}

func TestFilesThatWereThereBeforeAreNotListed(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "mine.txt")
	require.NoError(t, os.WriteFile(old, nil, 0o600))
	yesterday := time.Now().Add(-24 * time.Hour)
	require.NoError(t, os.Chtimes(old, yesterday, yesterday))
	var out strings.Builder
	require.NoError(t, Run(t.Context(), &out, os.Stderr, dir))
	require.NotContains(t, out.String(), "mine.txt")
}

func TestStoppedQuickstartIsNoSuccess(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out strings.Builder
	require.ErrorContains(t, Run(ctx, &out, os.Stderr, t.TempDir()), "stopped before its end")
}

func TestVariablesOfARealProjectAreHidden(t *testing.T) {
	t.Setenv("SUPABASE_S3_SECRET_ACCESS_KEY", "of a real project")
	t.Setenv("QUICKSTART_TEST_OTHER", "seen")
	find := lookup(map[string]string{"SUPABASE_S3_ENDPOINT": "http://127.0.0.1:1"})
	_, found := find("SUPABASE_S3_SECRET_ACCESS_KEY")
	require.False(t, found)
	value, found := find("SUPABASE_S3_ENDPOINT")
	require.True(t, found)
	require.Equal(t, "http://127.0.0.1:1", value)
	value, found = find("QUICKSTART_TEST_OTHER")
	require.True(t, found)
	require.Equal(t, "seen", value)
}
