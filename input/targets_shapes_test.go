package input_test

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"

	"github.com/redpanda-data/benthos/v4/public/bloblang"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/target"
)

// mapped runs the mapping that an error tells its reader to use. The README has the same.
func mapped(t *testing.T, err error, message any) []target.Target {
	t.Helper()
	require.Error(t, err)
	readme, readErr := os.ReadFile("README.md")
	require.NoError(t, readErr)
	mapping := regexp.MustCompile("`(root[^`]+)`").FindStringSubmatch(err.Error())
	require.NotNil(t, mapping, err.Error())
	require.Contains(t, string(readme), mapping[1])
	exe, err := bloblang.Parse(mapping[1])
	require.NoError(t, err)
	out, err := exe.Query(message)
	require.NoError(t, err)
	doc, err := json.Marshal(out)
	require.NoError(t, err)
	targets, err := target.Parse(doc)
	require.NoError(t, err)
	return targets
}

func TestTheMappingForEventsOfS3MakesTargetsOfThem(t *testing.T) {
	const message = `{"Records":[
		{"eventSource":"aws:s3","eventName":"ObjectCreated:CompleteMultipartUpload","s3":{"bucket":{"name":"store"},"object":{"key":"tenant/photos/2026/a+%26+%2B1.jpg/0b2f"}}},
		{"eventSource":"aws:s3","eventName":"ObjectRemoved:Delete","s3":{"bucket":{"name":"store"},"object":{"key":"tenant/photos/2026/a+%26+%2B1.jpg/0a1e"}}},
		{"eventSource":"minio:s3","eventName":"s3:ObjectCreated:Put","s3":{"bucket":{"name":"store"},"object":{"key":"tenant%2Fphotos%2Ftop.jpg%2F77"}}}]}`
	_, err := target.Parse([]byte(message))
	var doc any
	require.NoError(t, json.Unmarshal([]byte(message), &doc))
	require.Equal(t, []target.Target{{Bucket: "photos", Key: "2026/a & +1.jpg"}, {Bucket: "photos", Key: "top.jpg"}}, mapped(t, err, doc),
		"the file of a version that was replaced is removed: that is no deletion of the object")
}

func TestTheMappingForAStringMakesAKeyOfIt(t *testing.T) {
	_, err := target.Parse([]byte(`"a/b.jpg"`))
	require.ErrorContains(t, err, "`root.key = this`")
	exe, parseErr := bloblang.Parse("root.key = this")
	require.NoError(t, parseErr)
	out, queryErr := exe.Query("a/b.jpg")
	require.NoError(t, queryErr)
	require.Equal(t, map[string]any{"key": "a/b.jpg"}, out)
}
