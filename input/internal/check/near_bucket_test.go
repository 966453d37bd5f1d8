package check

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAMissingBucketNamesTheOneThatWasMeant(t *testing.T) {
	there := []string{"docs", "User-Uploads", "avatars", "user-upload", "a", "été"}
	for name, want := range map[string]string{
		"user-uploads": "User-Uploads", // case alone is nearer than a letter
		"USER-UPLOAD":  "user-upload",
		"doc":          "docs",
		"docss":        "docs",
		"dics":         "docs",
		"odcs":         "docs",
		"avatar_":      "avatars",
		"Été":          "été",
		"ete":          "", // two letters
		"dosc1":        "",
		"photos":       "",
		"b":            "", // a letter of one is nothing in common
	} {
		require.Equal(t, want, nearest(name, there), name)
	}
}
