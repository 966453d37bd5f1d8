package config_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/redpanda-data/benthos/v4/public/service"
	_ "github.com/redpanda-data/connect/v4/public/components/aws"   // a config uses it
	_ "github.com/redpanda-data/connect/v4/public/components/kafka" // as above
	"github.com/stretchr/testify/require"
)

// hint is a line that is commented out for a reader to put in force: a field with
// its value, or a line of a mapping.
var hint = regexp.MustCompile(`^( *)# (([a-z_]+): [\[{].*|let \w+ = .*)$`)

// inForce gives a config with the hint in one of its lines in force. A field
// takes the place of the one of the same name.
func inForce(lines []string, at int) string {
	found := hint.FindStringSubmatch(lines[at])
	indent, text, field := found[1], found[2], found[3]
	var out []string
	replaced := false
	for i, line := range lines {
		own := strings.HasPrefix(line, indent+" ") // below the field of the same name
		replaced = field != "" && (strings.HasPrefix(line, indent+field+":") || replaced && own)
		switch {
		case i == at:
			out = append(out, indent+text)
		case !replaced:
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

func TestEveryHintWorksWhenItIsPutInForce(t *testing.T) {
	hints := map[string]int{}
	require.NoError(t, fs.WalkDir(os.DirFS(configDir), ".", func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) != ".yaml" {
			return err
		}
		lines := strings.Split(readConfig(t, path), "\n")
		for i, line := range lines {
			if !hint.MatchString(line) {
				continue
			}
			hints[path]++
			text := inForce(lines, i)
			require.NotContains(t, text, line)
			lints, err := service.NewEnvironment().FullConfigSchema("", "").NewStreamConfigLinter().
				SetEnvVarLookupFunc(lookup).LintYAML([]byte(text))
			require.NoError(t, err, text)
			require.Empty(t, lints, text)
		}
		return nil
	}))
	require.Equal(t, map[string]int{"json_lines.yaml": 1, "scale_out/lister.yaml": 2, "self_hosted.yaml": 1, "to_kafka.yaml": 2}, hints)
}

// lookup has a well-formed value of every variable that has no default.
func lookup(_ context.Context, name string) (string, bool) {
	value, ok := map[string]string{
		"SUPABASE_PROJECT_REF":          "abcdefghijklmnopqrst",
		"SUPABASE_S3_ACCESS_KEY_ID":     strings.Repeat("0a", 16),
		"SUPABASE_S3_SECRET_ACCESS_KEY": strings.Repeat("0b", 32),
		"SUPABASE_SOURCE_PATH":          "uploads",
	}[name]
	return value, ok
}
