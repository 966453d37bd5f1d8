package configfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"
)

func TestAPatternWithoutQuotesIsNamed(t *testing.T) {
	schema := service.NewEnvironment().FullConfigSchema("", "")
	for path, want := range map[string]string{
		"*/": `"*/"`, "{avatars,docs}/public/": `"{avatars,docs}/public/"`, "[ab]*/ # some": `"[ab]*/"`, "*tenant": `"*tenant"`, "{a,'b}": "write it in quotes",
	} {
		name := filepath.Join(t.TempDir(), "c.yaml")
		require.NoError(t, os.WriteFile(name, []byte("input:\n  supabase_storage:\n    source_path: "+path+"\n"), 0o600))
		_, err := readConfig(schema, name, false)
		require.ErrorContains(t, err, "c.yaml(3,1) source_path: YAML reads the first character of a pattern as its own; write it in quotes", path)
		require.ErrorContains(t, err, want, path)
	}
	require.NoError(t, unquoted("c.yaml", `source_path: "*/"`))
	require.NoError(t, unquoted("c.yaml", `source_path: a*/`))
}
