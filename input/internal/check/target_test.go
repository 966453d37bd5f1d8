package check

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/redpanda-data/benthos/v4/public/bloblang"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/target"
)

// It is here because the room of targets does not know Benthos.
func TestTheMappingThatAnS3EventNeedsMakesTargetsOfIt(t *testing.T) {
	const created = `{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"store"},"object":{"key":"tenant/photos/2026/a+%26+%2B1.jpg/0b2f"}}}`
	doc := []byte(`{"Records":[` + created + `,` + strings.Replace(created, "ObjectCreated:Put", "ObjectRemoved:Delete", 1) + `]}`)
	_, err := target.Parse(doc)
	require.Error(t, err)
	parts := strings.Split(err.Error(), "`")
	require.Len(t, parts, 3, "one mapping: %v", err)
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	require.Contains(t, string(readme), parts[1], "the README has the same mapping")

	mapping, err := bloblang.Parse(parts[1])
	require.NoError(t, err)
	var event any
	require.NoError(t, json.Unmarshal(doc, &event))
	mapped, err := mapping.Query(event)
	require.NoError(t, err)
	text, err := json.Marshal(mapped)
	require.NoError(t, err)
	got, err := target.Parse(text)
	require.NoError(t, err)
	require.Equal(t, []target.Target{{Bucket: "photos", Key: "2026/a & +1.jpg"}}, got)
}
