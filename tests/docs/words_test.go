package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheREADMECanBeReadInOneGo(t *testing.T) {
	lines := strings.Count(readDocument(t, "README.md").text, "\n")
	require.GreaterOrEqual(t, lines, 150)
	require.LessOrEqual(t, lines, 220)
}

// The figures of the README are measured ones.
func TestTheREADMEShowsFiguresOfTheBenchmarks(t *testing.T) {
	readme, results := readDocument(t, "README.md"), readDocument(t, "tests/bench/RESULTS.md")
	rows := map[string]string{"2,000 files of 1 KiB": "small-latency", "20,000 files of 1 KiB": "small", "One file of 2 GiB": "large"}
	for start, name := range rows {
		row := regexp.MustCompile(`(?m)^\| ` + start + `[^|]*\| ([\d.]+) s \| ([\d.]+) s \| ([\d.]+) s \|$`).FindStringSubmatch(readme.text)
		require.NotNil(t, row, start)
		_, section, ok := strings.Cut(results.text, "\n## "+name+"\n")
		require.True(t, ok, name)
		section, _, _ = strings.Cut(section, "\n## ")
		for i, tool := range []string{"supabase_storage", "aws_s3", "rclone"} {
			measured := regexp.MustCompile(`(?m)^\| ` + tool + ` +\| +([\d.]+) \|`).FindStringSubmatch(section)
			require.NotNil(t, measured, tool)
			require.Equal(t, measured[1], row[i+1], "the time of %s in %q", tool, start)
		}
	}
}

// oddPhrases are phrases that a native reader stumbles over, and what to say.
var oddPhrases = map[*regexp.Regexp]string{
	regexp.MustCompile(`(?i)\btaken for\b`):          "treated as, counts as",
	regexp.MustCompile(`(?i)\btakes none\b`):         "counts none as, drops none",
	regexp.MustCompile(`(?i)\bbut for\b`):            "except",
	regexp.MustCompile(`(?i)\bdearer\b`):             "more expensive",
	regexp.MustCompile(`(?i)\bfor ever\b`):           "forever, again and again",
	regexp.MustCompile(`(?i)\bin good order\b`):      "cleanly",
	regexp.MustCompile(`(?i)\bwhoever\b`):            "anybody who, or name them",
	regexp.MustCompile(`(?i)\bas whom\b`):            "the identity that",
	regexp.MustCompile(`(?i)\bat hand\b`):            "available",
	regexp.MustCompile(`(?i)\bof no use\b`):          "useless",
	regexp.MustCompile(`(?i)\bbeside\b`):             "next to, in addition to",
	regexp.MustCompile(`(?i)\bgiven up\b`):           "parked",
	regexp.MustCompile(`(?i)\bleft undelivered\b`):   "parked",
	regexp.MustCompile(`(?i)\b(was|were) told to\b`): "was called for",
}

// generated is a table that a test writes from the code, whose words stand there.
var generated = regexp.MustCompile(`(?s)<!-- \w+:start -->.*?<!-- \w+:end -->`)

func TestDocumentsAreInPlainEnglish(t *testing.T) {
	texts := map[string]string{}
	for _, d := range documents(t) {
		texts[d.path] = generated.ReplaceAllString(d.text, "")
	}
	configs, err := filepath.Glob(filepath.Join(root, "config", "*.yaml"))
	require.NoError(t, err)
	streams, err := filepath.Glob(filepath.Join(root, "config", "streams", "*.yaml"))
	require.NoError(t, err)
	for _, path := range append(append(configs, streams...), filepath.Join(root, "NOTICE")) {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		texts[path] = string(text)
	}
	for path, text := range texts {
		for phrase, better := range oddPhrases {
			at := phrase.FindStringIndex(text)
			if at != nil {
				t.Errorf("%s:%d: %q; say %s", path, 1+strings.Count(text[:at[0]], "\n"), text[at[0]:at[1]], better)
			}
		}
	}
}
