package configfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

func TestOnlyFilesOfTheirOwnAreToBeTheObjects(t *testing.T) {
	for text, want := range map[string]bool{
		"file: {path: '${! @supabase_storage_key }'}":                   true,
		"file: {path: '${! @supabase_storage_key }', codec: lines}":     true,
		"file: {path: 'out/${! @a }.txt', codec: 'delim:x'}":            true,
		"file: {path: '${! @supabase_storage_key }', codec: all-bytes}": false,
		"file: {path: '${! @supabase_storage_key }', codec: append}":    false,
		"file: {path: list.jsonl, codec: lines}":                        false,
		"file: {path: list.jsonl}":                                      false,
		"drop: {}":                                                      false,
	} {
		var output any
		require.NoError(t, yaml.Unmarshal([]byte(text), &output))
		require.Equal(t, want, addsToFiles(output), text)
	}
}

func TestTheExamplesWriteObjectsAsTheyAre(t *testing.T) {
	var examples []string
	for _, pattern := range []string{"*.yaml", "streams/*.yaml"} {
		found, err := filepath.Glob(filepath.Join("../../../../config", pattern))
		require.NoError(t, err)
		examples = append(examples, found...)
	}
	files := 0
	for _, name := range examples {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		var all any
		require.NoError(t, yaml.Unmarshal(text, &all), name)
		everyMap(all, func(component map[string]any) {
			if own, _ := component["file"].(map[string]any); own["path"] != nil {
				files++
				require.False(t, addsToFiles(component), "%s: %v", name, own)
			}
		})
	}
	require.Greater(t, files, 5)
}

// everyMap visits the maps in a document.
func everyMap(in any, visit func(map[string]any)) {
	switch node := in.(type) {
	case map[string]any:
		visit(node)
		for _, child := range node {
			everyMap(child, visit)
		}
	case []any:
		for _, child := range node {
			everyMap(child, visit)
		}
	}
}
