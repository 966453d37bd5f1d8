//go:build unix

package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Commands of this document are written by the benchmark, with placeholders.
const benchmarkResults = "tests/bench/RESULTS.md"

// elsewhere are commands that only their words are checked of: they load
// something, build, or run other tests.
var elsewhere = regexp.MustCompile(`^(git|cd|go (install|build|test|vet|tool)|bash|curl)\b`)

// inAClone is what runs the binary without installing it.
const inAClone = "go run ./cmd/supabase-connect"

func TestEveryCommandExists(t *testing.T) {
	commands := 0
	for _, d := range documents(t) {
		if d.path == benchmarkResults {
			continue
		}
		for _, b := range d.blocks {
			if b.language != "sh" {
				continue
			}
			for line := range strings.Lines(b.text) {
				commands++
				requireCommand(t, d.at(b), strings.TrimSpace(line), true)
			}
		}
		for _, m := range codeSpan.FindAllStringSubmatch(d.prose, -1) {
			if regexp.MustCompile(`^(supabase-connect|go (run|test|build|install|tool)|bash) `).MatchString(m[1]) {
				commands++
				requireCommand(t, d.path, m[1], false)
			}
		}
	}
	require.Greater(t, commands, 50)
}

// requireCommand requires that the words of a command mean something: the program
// is known, and subcommands, flags, packages, tests and scripts exist. Where files
// are set, the configs that it names exist as well.
func requireCommand(t *testing.T, at, line string, files bool) {
	t.Helper()
	line, _, _ = strings.Cut(line, " #")
	line, _, _ = strings.Cut(line, " > ")
	words := strings.Fields(line)
	for len(words) > 0 && regexp.MustCompile(`^[A-Z0-9_]+=`).MatchString(words[0]) {
		words = words[1:]
	}
	if len(words) == 0 || strings.HasPrefix(line, "#") {
		return
	}
	switch words[0] {
	case binary:
		requireSubcommand(t, at, words[1:], files)
	case "go":
		requireGo(t, at, words[1:])
	case "bash":
		require.FileExists(t, filepath.Join(root, words[1]), at)
	case "git", "cd", "mkdir", "echo", "export", "cat", "curl", "test":
	case "docker", "buildah", "kubectl", "helm", "sudo", "printf", "journalctl": // of config/deploy/README.md
	default:
		t.Errorf("%s: the command %q is not known here", at, line)
	}
}

func requireSubcommand(t *testing.T, at string, words []string, files bool) {
	t.Helper()
	subcommand := ""
	for i, word := range words {
		word, _, _ = strings.Cut(word, "=")
		switch {
		case word == "-c": // of the root, which does not list it
		case strings.HasPrefix(word, "-"):
			require.Regexp(t, `(?m)(^|[ ,])`+regexp.QuoteMeta(word)+`\b`, help(t, subcommand), "%s: %s %s", at, binary, strings.Join(words, " "))
		case subcommand == "" && (i == 0 || words[i-1] != "-c"):
			require.Regexp(t, `(?m)^   `+regexp.QuoteMeta(word)+` `, help(t, ""), "%s: no such command", at)
			subcommand = word
		case files && strings.HasPrefix(word, "config/"):
			found, err := filepath.Glob(filepath.Join(root, word))
			require.NoError(t, err, at)
			require.NotEmpty(t, found, "%s: %s", at, word)
		}
	}
}

var helps = map[string]string{}

// help is what a subcommand prints with --help.
func help(t *testing.T, subcommand string) string {
	t.Helper()
	if text, ok := helps[subcommand]; ok {
		return text
	}
	args := []string{subcommand, "--help"}
	if subcommand == "" {
		args = args[1:]
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(binDir, binary), args...).CombinedOutput()
	require.NoError(t, err, string(out))
	helps[subcommand] = string(out)
	return string(out)
}

// requireGo requires that the packages of a go command exist, and that -run names
// tests in them.
func requireGo(t *testing.T, at string, words []string) {
	t.Helper()
	module, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	first, _, _ := strings.Cut(string(module), "\n")
	var folders []string
	for _, word := range words {
		word = strings.TrimPrefix(word, strings.TrimPrefix(first, "module "))
		word, _, _ = strings.Cut(word, "@")
		word = strings.TrimSuffix(word, "/...")
		if strings.HasPrefix(word, "./") || strings.HasPrefix(word, "/") {
			folders = append(folders, word)
			require.DirExists(t, filepath.Join(root, word), at)
		}
	}
	run := slices.IndexFunc(words, func(word string) bool { return word == "-run" || word == "-fuzz" })
	if run < 0 || words[0] != "test" {
		return
	}
	name, _, _ := strings.Cut(strings.Trim(words[run+1], `'"^$`), "/")
	pattern := regexp.MustCompile(`func \w*` + name + `\w*\(`)
	for _, folder := range folders {
		tests, err := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
		require.NoError(t, err)
		require.True(t, slices.ContainsFunc(tests, func(file string) bool {
			code, err := os.ReadFile(file)
			return err == nil && pattern.Match(code)
		}), "%s: no test in %s is called so: %s", at, folder, strings.Join(words, " "))
	}
}

// The commands of a document run one after the other, in a folder like a clone.
func TestEveryCommandRuns(t *testing.T) {
	for _, d := range documents(t) {
		if d.path == benchmarkResults {
			continue
		}
		t.Run(d.path, func(t *testing.T) {
			t.Parallel()
			sandbox := newSandbox(t)
			printed := ""
			for _, b := range d.blocks {
				if name := fileOf(b); name != "" {
					sandbox.write(t, name, b.text)
				}
				switch {
				case b.language == "text":
					requireTranscript(t, d.at(b), b.text, printed)
				case b.language == "sh" && !strings.HasPrefix(b.directive, "not run: "):
					var until *regexp.Regexp
					if pattern, ok := strings.CutPrefix(b.directive, "until: "); ok {
						until = regexp.MustCompile(pattern)
					}
					if script := runnable(b.text); script != "" {
						printed = sandbox.run(t, d.at(b), script, until)
					}
				}
			}
		})
	}
}

// runnable is a block without what runs elsewhere, and without values that the
// reader has to fill in: the sandbox has set them.
func runnable(text string) string {
	var script strings.Builder
	for line := range strings.Lines(text) {
		line = strings.Replace(line, inAClone, binary, 1)
		if strings.HasPrefix(line, binary+" emulator ") && !strings.Contains(line, "--addr") {
			// The default may be in use, by the stack of the Supabase CLI.
			line = strings.TrimSuffix(line, "\n") + " --addr 127.0.0.1:0\n"
		}
		if elsewhere.MatchString(line) || regexp.MustCompile(`^export \w+=\.\.\.`).MatchString(line) {
			continue
		}
		script.WriteString(line)
	}
	return strings.TrimSpace(script.String())
}

// requireTranscript requires that the lines of a transcript were printed in this
// order. A line "..." stands for lines that were left out.
func requireTranscript(t *testing.T, at, transcript, printed string) {
	t.Helper()
	for line := range strings.Lines(transcript) {
		if strings.TrimSpace(line) == "..." {
			continue
		}
		_, rest, ok := strings.Cut(printed, line)
		require.True(t, ok, "%s shows %q, and what was printed from there on is:\n%s", at, line, printed)
		printed = rest
	}
}

// Configs lint as they are; fields of the input alone lint in a config around them.
func TestEveryConfigInADocumentLints(t *testing.T) {
	configs := 0
	for _, d := range documents(t) {
		if d.path == benchmarkResults {
			continue
		}
		for _, b := range d.blocks {
			if b.language != "yaml" {
				continue
			}
			configs++
			text := b.text
			if !regexp.MustCompile(`(?m)^input:`).MatchString(text) {
				text = "input:\n  supabase_storage:\n    endpoint: http://127.0.0.1:54321/storage/v1/s3\n    source_path: user-uploads\n" +
					"    credentials: {access_key_id: \"${SUPABASE_S3_ACCESS_KEY_ID}\", secret_access_key: \"${SUPABASE_S3_SECRET_ACCESS_KEY}\"}\n" + text
			}
			sandbox := newSandbox(t)
			sandbox.write(t, "config.yaml", text)
			sandbox.run(t, d.at(b), binary+" lint config.yaml", nil)
		}
	}
	require.Greater(t, configs, 3)
}
