package binary_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
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

func TestREADMEProgramTellsByItsExitCodeWhetherItsWorkIsDone(t *testing.T) {
	dir := t.TempDir()
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	require.NoError(t, os.WriteFile(source, []byte(readmeBlock(t, "go")), 0o600))
	out, err := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-s -w", "-o", program, source).CombinedOutput()
	require.NoError(t, err, string(out))

	project := emulator.New(emulator.Options{})
	listener, err := project.Start("")
	require.NoError(t, err)
	defer listener.Close()
	project.CreateBucket("uploads")
	project.Put("uploads", "a.txt", []byte("one"))
	s := project.Settings()
	for bucket, want := range map[string]struct {
		code           int
		stdout, stderr string
	}{
		"uploads": {0, "one\n", "1 listed, 1 delivered"},
		"nowhere": {1, "", "The run is not complete: .*nowhere"},
	} {
		config := filepath.Join(dir, bucket+".yaml")
		require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
input:
  supabase_storage:
    endpoint: %s
    region: %s
    credentials: {access_key_id: "%s", secret_access_key: "%s"}
    source_path: %s
output: {stdout: {codec: lines}}
http: {enabled: false}
`, listener.Endpoint(), s.Region, s.AccessKeyID, s.SecretAccessKey, bucket), 0o600))
		run := exec.CommandContext(t.Context(), program, "run", config)
		var stdout, stderr strings.Builder
		run.Stdout, run.Stderr = &stdout, &stderr
		_ = run.Run() // whose error is the exit code
		require.Equal(t, want.code, run.ProcessState.ExitCode(), stderr.String())
		require.Equal(t, want.stdout, stdout.String())
		require.Regexp(t, want.stderr, stderr.String())
	}
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
