package binary_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestREADMEQuotesMessagesThatTheBinaryGives(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	script, err := os.ReadFile("testdata/script/troubleshooting.txtar")
	require.NoError(t, err)

	_, section, ok := strings.Cut(string(readme), "\n## Troubleshooting\n")
	require.True(t, ok)
	section, _, _ = strings.Cut(section, "\n## ")
	quoted := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(section, -1)
	require.Greater(t, len(quoted), 10)
	for _, row := range quoted {
		// The script's patterns are regular expressions, matched against logs in
		// which quotation marks are escaped.
		pattern := strings.ReplaceAll(regexp.QuoteMeta(row[1]), `"`, `\\"`)
		require.Contains(t, string(script), pattern, "no script provokes this message of the README's table")
	}
}

func TestREADMEConfigLintsAndIsShort(t *testing.T) {
	config := readmeBlock(t, "yaml")
	require.LessOrEqual(t, strings.Count(config, "\n"), 15)
	file := filepath.Join(t.TempDir(), "readme.yaml")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	lint := exec.CommandContext(t.Context(), filepath.Join(binDir, binary), "lint", file)
	lint.Env = append(os.Environ(), "SUPABASE_S3_ACCESS_KEY_ID=0123456789abcdef0123456789abcdef",
		"SUPABASE_S3_SECRET_ACCESS_KEY=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
	out, err := lint.CombinedOutput()
	require.NoError(t, err, string(out))
}

func TestREADMEProgramCompiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(file, []byte(readmeBlock(t, "go")), 0o600))
	vet := exec.CommandContext(t.Context(), "go", "vet", file)
	out, err := vet.CombinedOutput()
	require.NoError(t, err, string(out))
}

// readmeBlock is the README's first code block of a language.
func readmeBlock(t *testing.T, language string) string {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, block, ok := strings.Cut(string(readme), "```"+language+"\n")
	require.True(t, ok)
	block, _, ok = strings.Cut(block, "```")
	require.True(t, ok)
	return block
}
