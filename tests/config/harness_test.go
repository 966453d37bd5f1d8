// Package config_test lints and runs the configurations in config/ against an
// emulated Supabase Storage. Those that need a neighbour run where the neighbour
// is: see runElsewhere.
package config_test

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/redpanda-data/benthos/v4/public/components/io"
	_ "github.com/redpanda-data/benthos/v4/public/components/pure"
	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

const configDir = "../../config"

// startProject serves an emulated project until the test ends, and returns the
// variables that a config needs to read its bucket "uploads".
func startProject(t *testing.T, o emulator.Options) (*emulator.Server, map[string]string) {
	t.Helper()
	project := emulator.New(o)
	listener, err := project.Start("")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) })
	s := project.Settings()
	return project, map[string]string{
		"SUPABASE_S3_ENDPOINT":          listener.Endpoint(),
		"SUPABASE_PROJECT_REF":          s.ProjectRef,
		"SUPABASE_REGION":               s.Region,
		"SUPABASE_S3_ACCESS_KEY_ID":     s.AccessKeyID,
		"SUPABASE_S3_SECRET_ACCESS_KEY": s.SecretAccessKey,
		"SUPABASE_ANON_KEY":             s.AnonKey,
		"SUPABASE_SOURCE_PATH":          "uploads",
	}
}

func readConfig(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(configDir, name))
	require.NoError(t, err)
	return string(text)
}

// runConfig lints and runs a config to its end, with env and nothing else for
// its variables, and returns what became of the objects.
func runConfig(t *testing.T, yaml string, env map[string]string) input.Report {
	t.Helper()
	stream, err := build(t, yaml, env)
	require.NoError(t, err)
	before := len(input.Reports())
	require.NoError(t, stream.Run(t.Context()))
	reports := input.Reports()
	require.Len(t, reports, before+1)
	return reports[before]
}

// startConfig lints a config and runs it until stop is called.
func startConfig(t *testing.T, yaml string, env map[string]string) (stop func()) {
	t.Helper()
	stream, err := build(t, yaml, env)
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- stream.Run(context.WithoutCancel(t.Context())) }()
	return func() {
		t.Helper()
		require.NoError(t, stream.StopWithin(20*time.Second))
		require.NoError(t, <-ended)
	}
}

// build lints a config and builds its pipeline.
func build(t *testing.T, yaml string, env map[string]string) (*service.Stream, error) {
	t.Helper()
	builder := service.NewStreamBuilder()
	builder.SetEnvVarLookupFunc(func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	})
	builder.SetLogger(slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err := builder.SetYAML(yaml); err != nil {
		return nil, err
	}
	return builder.Build()
}

// with is env and the given names and values.
func with(env map[string]string, pairs ...string) map[string]string {
	env = maps.Clone(env)
	for i := 0; i < len(pairs); i += 2 {
		env[pairs[i]] = pairs[i+1]
	}
	return env
}

// captureStdout returns what run writes to the standard output.
func captureStdout(t *testing.T, run func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	read := make(chan string)
	go func() {
		text, _ := io.ReadAll(r)
		read <- string(text)
	}()
	stdout := os.Stdout
	os.Stdout = w
	func() {
		defer func() {
			os.Stdout = stdout
			_ = w.Close()
		}()
		run()
	}()
	return <-read
}

// readTree returns the contents of all files below dir by their slash-separated
// path.
func readTree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = string(content)
		return err
	}))
	return files
}
