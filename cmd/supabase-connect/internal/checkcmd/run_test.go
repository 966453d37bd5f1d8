package checkcmd

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "github.com/redpanda-data/benthos/v4/public/components/pure"
	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/configfile"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/terminal"
	"github.com/seed75cbcda6/supabase-storage/input"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(string(want), got))
}

// project is an emulated project whose times are always the same.
func project(t *testing.T) *emulator.Listener {
	t.Helper()
	s := emulator.New(emulator.Options{Clock: func() time.Time { return time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC) }})
	s.CreateBucket("user-uploads")
	for key, size := range map[string]int64{
		"photos/2026/cat.jpg": 184_320, "photos/2026/cat_thumbnail.jpg": 4_096, "photos/2026/dog.jpg": 2_411_724,
		"photos/2026/dog_thumbnail.jpg": 4_096, "photos/readme & notes.md": 512, "videos/intro.mp4": 99,
	} {
		s.PutGenerated("user-uploads", key, size, 1)
	}
	l, err := s.Start("")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	settings := s.Settings()
	t.Setenv("ENDPOINT", l.Endpoint())
	t.Setenv("KEY_ID", settings.AccessKeyID)
	t.Setenv("SECRET", settings.SecretAccessKey)
	return l
}

const config = `
input:
  label: uploads
  supabase_storage:
    endpoint: ${ENDPOINT}
    region: ${REGION:eu-central-1}
    credentials: {access_key_id: "${KEY_ID}", secret_access_key: "${SECRET}"}
    source_path: user-uploads/photos/
    include_patterns: ["*.mp4", "*.jpg"]
    exclude_patterns: ["*_thumbnail.*"]
    sync_mode: continuous
    state: {path: ./state/uploads.db}
`

// check runs the command on a config, and returns what it prints with the port
// and the durations replaced.
func check(t *testing.T, text string, o Options) (string, error) {
	t.Helper()
	l := project(t)
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("uploads.yaml", []byte(text), 0o600))
	o.Config = "uploads.yaml"
	var out strings.Builder
	err := Run(t.Context(), &out, service.GlobalEnvironment().FullConfigSchema("", ""), o)
	host := strings.TrimSuffix(strings.TrimPrefix(l.Endpoint(), "http://"), "/storage/v1/s3")
	got := strings.ReplaceAll(out.String(), host, "127.0.0.1:54321")
	return regexp.MustCompile(`in [0-9.]+m?s\b`).ReplaceAllString(got, "in 3ms"), err
}

func TestTheReportOfAGoodConfig(t *testing.T) {
	wd, err := os.Getwd()
	require.NoError(t, err)
	for name, o := range map[string]Options{
		"good.txt":  {Limit: 100},
		"good.json": {Options: configfile.Options{JSON: true}, Limit: 100, Explain: []string{"photos/2026/cat.jpg", "photos/2026/cat_thumbnail.jpg"}},
		"key.txt":   {Limit: 100, Explain: []string{"photos/2026/cat.jpg", "photos/2026/cat_thumbnail.jpg", "2026/cat.jpg"}},
		"target.txt": {Limit: 100, Target: []byte(`[
			{"type":"INSERT","schema":"storage","table":"objects","record":{"bucket_id":"user-uploads","name":"photos/2026/cat.jpg"},"old_record":null},
			{"bucket":"user-uploads","name":"photos/2026/gone.jpg","event":"deleted"},
			{"bucket":"another","name":"photos/2026/cat.jpg"},
			{"file":"photos/2026/cat.jpg"}]`)},
	} {
		got, err := check(t, config, o)
		require.NoError(t, err, got)
		t.Chdir(wd)
		golden(t, name, got)
	}
}

func TestTheReportOfABadConfig(t *testing.T) {
	wd, err := os.Getwd()
	require.NoError(t, err)
	t.Setenv("REGION", "us-west-2")
	for name, asJSON := range map[string]bool{"bad.txt": false, "bad.json": true} {
		got, err := check(t, config, Options{Options: configfile.Options{JSON: asJSON}, Limit: 100})
		require.EqualError(t, err, "a run would not work (uploads (input): region)")
		t.Chdir(wd)
		golden(t, name, got)
	}
	got, err := check(t, "input: {supabase_storage: {endpoints: x}}", Options{Options: configfile.Options{JSON: true}, Limit: 100})
	require.EqualError(t, err, "a run would not work (uploads.yaml: config)")
	t.Chdir(wd)
	golden(t, "unreadable.json", got)
}

// Benthos' linter hands on no more than texts.
func TestALintIsShownByItsField(t *testing.T) {
	for name, text := range map[string]string{
		"an input": strings.Replace(config, "sync_mode: continuous", "sync_mode: continous", 1),
		"an input of a broker": "input: {broker: {inputs: [{generate: {mapping: root = 1}}, {supabase_storage: " +
			"{endpoint: 'http://127.0.0.1:1/s3', credentials: {access_key_id: a, secret_access_key: b}, source_path: a, sync_mode: continous}}]}}",
		"a resource": "input: {resource: up}\ninput_resources: [{label: up, supabase_storage: " +
			"{endpoint: 'http://127.0.0.1:1/s3', credentials: {access_key_id: a, secret_access_key: b}, source_path: a, sync_mode: continous}}]",
	} {
		got, err := check(t, text, Options{Limit: 100, Options: configfile.Options{JSON: true}})
		require.EqualError(t, err, "a run would not work (uploads.yaml: config)", name)
		require.Regexp(t, `"field": "sync_mode",\s+"problem": "\\"continous\\" is not a mode \(uploads.yaml\(\d+,\d+\)\)",\s+`+
			`"remedy": "write one_time, continuous or scheduled: did you mean continuous\?"`, got, name)
	}
}

// With -update, the reports in the README become those of testdata.
func TestTheREADMEShowsWhatIsPrinted(t *testing.T) {
	const path = "../../README.md"
	readme, err := os.ReadFile(path)
	require.NoError(t, err)
	good, err := os.ReadFile("testdata/good.txt")
	require.NoError(t, err)
	bad, err := os.ReadFile("testdata/bad.txt")
	require.NoError(t, err)
	failed := regexp.MustCompile(`(?m)^  ✗ .*\n +→ .*\n`).FindString(string(bad))
	require.NotEmpty(t, failed)
	want := withBlock(t, string(readme), "<!-- testdata/good.txt -->", string(good))
	want = withBlock(t, want, "<!-- a step of testdata/bad.txt -->", failed)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
		return
	}
	require.Empty(t, cmp.Diff(want, string(readme)), "the README is stale; run: go test ./cmd/supabase-connect/internal/checkcmd -update")
}

// withBlock is a document whose code block after a comment holds text.
func withBlock(t *testing.T, document, comment, text string) string {
	t.Helper()
	before, rest, ok := strings.Cut(document, comment+"\n```\n")
	require.True(t, ok, comment)
	_, after, ok := strings.Cut(rest, "```\n")
	require.True(t, ok, comment)
	return before + comment + "\n```\n" + text + "```\n" + after
}

func TestATargetIsReadFromTheCommandLineOrStandardInput(t *testing.T) {
	for text, want := range map[string]string{`{"key":"a"}`: `{"key":"a"}`, "": "", "-": "from outside"} {
		got, err := message(text, strings.NewReader("from outside"))
		require.NoError(t, err)
		require.NotNil(t, got, "it was asked for")
		require.Equal(t, want, string(got))
	}
	_, err := message("-", iotest.ErrReader(errors.New("it is a folder")))
	require.EqualError(t, err, "reading the message of --target from standard input: it is a folder")
}

// brokenWriter takes nothing.
type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestAReportThatCannotBeWrittenIsAnError(t *testing.T) {
	project(t)
	path := filepath.Join(t.TempDir(), "uploads.yaml")
	require.NoError(t, os.WriteFile(path, []byte(config), 0o600))
	for _, asJSON := range []bool{false, true} {
		o := Options{Options: configfile.Options{Config: path, JSON: asJSON}, Limit: 100}
		err := Run(t.Context(), brokenWriter{}, service.GlobalEnvironment().FullConfigSchema("", ""), o)
		require.ErrorContains(t, err, "writing the output: no space left")
	}
}

// Keys are their uploaders' to choose, and a terminal obeys escape sequences.
func TestKeysCannotWriteToTheTerminal(t *testing.T) {
	const evil = "a\x1b[2J\nb.txt"
	var out strings.Builder
	p := newPrinter(&out, false)
	p.report(&input.CheckReport{
		Sample: &input.CheckSample{
			Listed: 2, Complete: true, Due: 1, First: []input.CheckObject{{Key: evil}},
			LeftOut: []input.CheckLeftOut{{Rule: "parked", Count: 1, FirstKey: evil, Reason: evil, Pattern: evil}},
		},
		Explained: []input.CheckExplanation{{Key: evil, ETag: evil, Listed: true, Parked: &input.CheckParking{Reason: evil}}},
		Targets:   &input.CheckTargets{Named: 1, Problem: evil, Explained: []input.CheckTarget{{Explanation: input.CheckExplanation{Key: evil, Why: evil}}}},
	}, 10)
	require.NoError(t, p.err)
	require.Equal(t, 10, strings.Count(out.String(), `"a\x1b[2J\nb.txt"`), out.String())
	require.NotContains(t, out.String(), "\x1b")
}

func TestColoursTellTheStatus(t *testing.T) {
	var out strings.Builder
	p := newPrinter(&out, false)
	p.paint = terminal.Painter(true)
	for _, status := range []input.CheckStatus{input.CheckOK, input.CheckWarning, input.CheckFailed, input.CheckSkipped} {
		p.step(input.CheckStep{Name: "host", Status: status, Found: "found"})
	}
	require.Equal(t, "  \x1b[32m✓\x1b[0m host         found\n"+
		"  \x1b[33m!\x1b[0m host         found\n"+
		"  \x1b[31m✗\x1b[0m host         found\n"+
		"  \x1b[2m-\x1b[0m host         \x1b[2mskipped: found\x1b[0m\n", out.String())
}
