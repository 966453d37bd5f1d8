package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// oddSecrets hold what YAML, the shell or Benthos might read as something else.
var oddSecrets = []string{
	`"`, `'`, `\`, `a"b'c\d`, `\n`, `\\`, `"quoted" and 'quoted'`, `# no comment`, `a #b`, `a: b`, `{a: b}`, `[a]`, `*a`, `&a`, `!a`, `|`, `>-`, `%a`, `@a`, "`a`",
	`$`, `$$`, `$HOME`, `${`, `${}`, `a${b`, `a${b}c`, `${a} ${b}`, `${! a }`, `}`, `- a`, `? a`, `---`, `...`, `null`, `true`, `0123`, `1e3`, `~`, `größe`, `пароль`, `密码`, "a\tb",
	"  spaces around  ", " two words ", `${A}x`, `x`,
}

// captured reads a config as Benthos does, and returns what arrives of a field of
// the credentials.
func captured(t *testing.T, yaml, field string, env map[string]string) string {
	t.Helper()
	var value string
	done := errors.New("captured")
	environment := service.NewEnvironment()
	require.NoError(t, environment.RegisterBatchInput("supabase_storage", input.Spec(), func(parsed *service.ParsedConfig, _ *service.Resources) (service.BatchInput, error) {
		var err error
		value, err = parsed.FieldString("credentials", field)
		return nil, errors.Join(err, done)
	}))
	builder := environment.NewStreamBuilder()
	builder.SetEnvVarLookupFunc(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	require.NoError(t, builder.SetYAML(yaml), yaml)
	stream, err := builder.Build()
	if err == nil {
		err = stream.Run(t.Context())
	}
	require.ErrorContains(t, err, done.Error())
	return value
}

// TestAnySecretSurvivesTheExamples puts each secret into the variables of each
// example that has one.
func TestAnySecretSurvivesTheExamples(t *testing.T) {
	variable := regexp.MustCompile(`(?m)^ +(secret_access_key|password): .*\n +\$\{(\w+)\}$`)
	examples := 0
	for _, name := range append(runHere, "to_s3.yaml", "to_kafka.yaml", "dead_letters.yaml", "streams/photos.yaml", "streams/exports.yaml") {
		text := readConfig(t, name)
		require.NotRegexp(t, `(secret_access_key|password|secret): *"?\$\{`, text, "%s: quotes would end the value", name)
		found := variable.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		examples++
		env := map[string]string{
			"SUPABASE_PROJECT_REF": "abcdefghijklmnopqrst", "SUPABASE_S3_ACCESS_KEY_ID": "id", "SUPABASE_SOURCE_PATH": "uploads", "SUPABASE_S3_ENDPOINT": "http://127.0.0.1:54321/storage/v1/s3",
			"SUPABASE_ANON_KEY": "sb_publishable_x", "SUPABASE_USER_EMAIL": "ada@example.com", "TARGET_S3_BUCKET": "b",
		}
		for _, secret := range oddSecrets {
			if found[1] != "password" && strings.TrimSpace(secret) != secret {
				continue // no key begins or ends with a space, and lint says so
			}
			require.Equal(t, secret, captured(t, text, found[1], with(env, found[2], secret)), name)
		}
	}
	require.Equal(t, 14, examples)
}

func TestOddSecretsSignIn(t *testing.T) {
	odd := strings.Join(oddSecrets, " ")
	project, env := startProject(t, emulator.Options{Region: "local", SecretAccessKey: odd})
	project.Put("uploads", "a.txt", []byte("abc"))
	captureStdout(t, func() {
		report := runConfig(t, readConfig(t, "self_hosted.yaml"), env)
		require.NoError(t, report.Err)
		require.EqualValues(t, 1, report.Delivered)
	})
}

func TestOddPasswordsSignIn(t *testing.T) {
	const email = "ada@example.com"
	project, env := startProject(t, emulator.Options{})
	project.Put("uploads", "a.txt", []byte("abc"))
	project.AllowRead("uploads", func(map[string]any, string) bool { return true })
	oneTime := strings.NewReplacer("sync_mode: continuous", "sync_mode: one_time", "    polling_interval: ${POLLING_INTERVAL:1m}\n", "").
		Replace(readConfig(t, "user.yaml"))
	dir := t.TempDir()
	delivers := func(yaml, password string, env map[string]string) {
		t.Helper()
		project.SetUser(emulator.User{Email: email, Password: password})
		report := runConfig(t, yaml, with(env, "SUPABASE_USER_EMAIL", email, "HTTP_ADDRESS", "127.0.0.1:0",
			"OUTPUT_FILE", filepath.Join(dir, "out.jsonl"), "STATE_PATH", filepath.Join(t.TempDir(), "state.db")))
		require.NoError(t, report.Err, "%q", password)
		require.EqualValues(t, 1, report.Delivered)
	}
	odd := strings.Join(oddSecrets, " ")
	for _, password := range []string{odd, "#", "${A}x", `"`} {
		delivers(oneTime, password, with(env, "SUPABASE_USER_PASSWORD", password))
	}
	t.Setenv("SUPABASE_USER_PASSWORD", "${A}")
	delivers(oneTime, "${A}", with(env, "SUPABASE_USER_PASSWORD", "${A}"))

	// What Benthos puts into a config is one line. A file may have several.
	block := regexp.MustCompile(`password: \|2-.*\n.*\n`)
	require.Regexp(t, block, oneTime)
	fromFile := block.ReplaceAllLiteralString(oneTime, "password_file: ${PASSWORD_FILE}\n")
	path := filepath.Join(dir, "password")
	for _, password := range []string{odd, "two\nlines\r\n and a third", "${NAME}", "${NAME:default}", " \"a\"\n'b' "} {
		require.NoError(t, os.WriteFile(path, []byte(password+"\n"), 0o600))
		delivers(fromFile, password, with(env, "PASSWORD_FILE", path))
	}
}
