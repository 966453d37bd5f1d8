package checkcmd

import (
	"strings"
	"testing"

	_ "github.com/redpanda-data/benthos/v4/public/components/io"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/configfile"
)

// files is a config whose outputs are in a broker and in a resource.
const files = config + `
output:
  broker:
    outputs:
      - file: {path: "a/${! @supabase_storage_key }"}
      - file: {path: "b/${! @supabase_storage_key }", codec: "delim:x"}
      - file: {path: "c/${! @supabase_storage_key }", codec: all-bytes}
      - file: {path: "d/${! @supabase_storage_key }", codec: append}
      - file: {path: list.txt}
      - resource: e
output_resources:
  - label: e
    file: {path: "e/${! @supabase_storage_key }", codec: lines}
`

func TestAFileOutputThatAddsToFilesIsAWarning(t *testing.T) {
	got, err := check(t, files, Options{Limit: 100})
	require.NoError(t, err)
	for _, path := range []string{"output.broker.outputs.0", "output.broker.outputs.1", "output_resources.0"} {
		require.Contains(t, got, path+".file.codec: adds a line break, or another delimiter, to each file")
	}
	require.Equal(t, 3, strings.Count(got, "→ write codec: all-bytes"), got)
	require.True(t, strings.HasSuffix(got, "\nA run should work: no step failed, and one object was read. Look at the warnings.\n"), got)
	got, err = check(t, files, Options{Options: configfile.Options{JSON: true}, Limit: 100})
	require.NoError(t, err)
	require.Contains(t, got, `"field": "output.broker.outputs.1.file.codec"`)

	// An input that splits objects into lines writes lines.
	got, err = check(t, strings.Replace(files, "    sync_mode", "    scanner: {lines: {}}\n    sync_mode", 1), Options{Limit: 100})
	require.NoError(t, err)
	require.NotContains(t, got, "file.codec")
}
