package config_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// runElsewhere names the test file that runs a config which needs more than the
// emulator.
var runElsewhere = map[string]string{
	"to_kafka.yaml":        "../kafka/pipeline_test.go",
	"dead_letters.yaml":    "../kafka/deadletters_test.go",
	"to_s3.yaml":           "../versitygw/pipeline_test.go",
	"streams.yaml":         "../binary/testdata/script/streams.txtar",
	"streams/photos.yaml":  "../binary/testdata/script/streams.txtar",
	"streams/exports.yaml": "../binary/testdata/script/streams.txtar",
	"to_parquet.yaml":      "../binary/testdata/script/parquet.txtar",

	"scale_out/lister.yaml":         "../drill/broker_kafka.go",
	"scale_out/worker.yaml":         "../drill/broker_kafka.go",
	"scale_out/redis_lister.yaml":   "../drill/broker_redis.go",
	"scale_out/redis_worker.yaml":   "../drill/broker_redis.go",
	"scale_out/webhook.yaml":        "../kafka/webhook_test.go",
	"scale_out/webhook_direct.yaml": "../drill/storm.go",
}

// runHere are the configs that the tests of this package run.
var runHere = []string{
	"quickstart.yaml", "to_files.yaml", "json_lines.yaml", "session_token_rls.yaml", "self_hosted.yaml", "incremental.yaml",
	"user.yaml", "access_token.yaml", "new_api_keys.yaml", "secret_files.yaml", "manifest.yaml", "inbox.yaml", "unpack.yaml", "pack.yaml", "organization.yaml",
	"backup_project.yaml", "restore_project.yaml", "verify_restore.yaml", "migrate_project.yaml", "verify_migration.yaml",
}

func TestEveryConfigHasARun(t *testing.T) {
	var found []string
	require.NoError(t, fs.WalkDir(os.DirFS(configDir), ".", func(path string, _ fs.DirEntry, err error) error {
		if path == "monitoring" || path == "deploy" { // files of other programs, and tests of their own
			return fs.SkipDir
		}
		if filepath.Ext(path) == ".yaml" {
			found = append(found, path)
		}
		return err
	}))
	require.ElementsMatch(t, slices.Concat(runHere, slices.Collect(maps.Keys(runElsewhere))), found)
	for config, test := range runElsewhere {
		text, err := os.ReadFile(test)
		require.NoError(t, err)
		require.Contains(t, string(text), filepath.Base(config), "%s is to run %s", test, config)
	}
}

func TestQuickstartKeepsToItsPatterns(t *testing.T) {
	project, env := startProject(t, emulator.Options{})
	for _, key := range []string{"a.jpg", "f/b.png", "f/g/c.mp4", "f/a_thumbnail.jpg", "notes.txt"} {
		project.Put("uploads", key, []byte("bytes of "+key))
	}
	dir := t.TempDir()
	report := runConfig(t, readConfig(t, "quickstart.yaml"), with(env, "QUICKSTART_OUTPUT", dir))
	require.NoError(t, report.Err)
	require.Equal(t, map[string]int64{"exclude": 1, "include": 1}, report.Filtered)
	require.Equal(t, map[string]string{
		"uploads/a.jpg": "bytes of a.jpg", "uploads/f/b.png": "bytes of f/b.png", "uploads/f/g/c.mp4": "bytes of f/g/c.mp4",
	}, readTree(t, dir))
}

func TestHostileKeysBecomeFilesInsideTheFolder(t *testing.T) {
	// Only a server with its blobs in S3 takes keys with dot segments.
	project, env := startProject(t, emulator.Options{S3Backend: true})
	var want []string
	for i, key := range hostileKeys() {
		if len(key) > 1024 || strings.Contains(key, "\\") {
			continue
		}
		content := fmt.Sprintf("object %d", i)
		project.Put("uploads", key, []byte(content))
		want = append(want, content)
	}
	root := t.TempDir()
	dir := filepath.Join(root, "a", "b", "output")
	env = with(env, "OUTPUT_DIR", dir)

	for range 2 { // a second run meets the files of the first
		report := runConfig(t, readConfig(t, "to_files.yaml"), env)
		require.NoError(t, report.Err)
		require.EqualValues(t, len(want), report.Delivered)
		require.ElementsMatch(t, want, slices.Collect(maps.Values(readTree(t, filepath.Join(dir, "uploads")))))
		require.Len(t, readTree(t, root), len(want), "a file outside of the output folder")
	}
}

func TestKeysThatOnlyThePrefixTellsApartStayApart(t *testing.T) {
	project, env := startProject(t, emulator.Options{})
	project.Put("uploads", "photos/x.jpg", []byte("in the folder"))
	project.Put("uploads", "photosx.jpg", []byte("beside it"))
	dir := t.TempDir()
	report := runConfig(t, readConfig(t, "to_files.yaml"), with(env, "OUTPUT_DIR", dir, "SUPABASE_SOURCE_PATH", "uploads/photos"))
	require.NoError(t, report.Err)
	require.Equal(t, map[string]string{"uploads/photos/x.jpg": "in the folder", "uploads/photosx.jpg": "beside it"}, readTree(t, dir))
}

func TestEveryLineOfALargeObjectIsAMessageInOrder(t *testing.T) {
	const lines = 20_000
	project, env := startProject(t, emulator.Options{})
	var text strings.Builder
	for i := range lines {
		fmt.Fprintf(&text, `{"n":%d,"text":%q}`+"\n", i, strings.Repeat("x", i%300))
	}
	project.Put("uploads", "exports/big.jsonl", []byte(text.String()))
	project.Put("uploads", "exports/odd.ndjson", []byte("17\nnot JSON\n"+`{"long":"`+strings.Repeat("y", 1<<20)+`"}`))
	project.Put("uploads", "exports/other.txt", []byte("no export"))

	out := captureStdout(t, func() {
		report := runConfig(t, readConfig(t, "json_lines.yaml"), env)
		require.NoError(t, report.Err)
		require.EqualValues(t, 2, report.Delivered)
	})
	seen := map[int]bool{}
	var unparsed []string
	for line := range strings.Lines(out) {
		var doc struct {
			N        *int
			Unparsed string
			Source   string `json:"_source"`
		}
		require.NoError(t, json.Unmarshal([]byte(line), &doc))
		switch doc.Source {
		case "exports/big.jsonl":
			require.Equal(t, len(seen), *doc.N, "the lines of an object stay in order")
			seen[*doc.N] = true
		case "exports/odd.ndjson":
			if doc.Unparsed != "" {
				unparsed = append(unparsed, doc.Unparsed)
			}
		default:
			t.Errorf("a message of %q", doc.Source)
		}
	}
	require.Len(t, seen, lines)
	require.ElementsMatch(t, []string{"17", "not JSON"}, unparsed)
}

func TestUserTokenSeesWhatRowLevelSecurityGrants(t *testing.T) {
	project, env := startProject(t, emulator.Options{})
	project.Put("uploads", "ada/a.jpg", []byte("a"), emulator.WithContentType("image/jpeg"))
	project.Put("uploads", "bob/b.jpg", []byte("b"))
	project.AllowRead("uploads", func(claims map[string]any, key string) bool {
		return strings.HasPrefix(key, fmt.Sprint(claims["sub"])+"/")
	})
	out := captureStdout(t, func() {
		report := runConfig(t, readConfig(t, "session_token_rls.yaml"),
			with(env, "SUPABASE_USER_TOKEN", project.UserToken("ada", time.Hour)))
		require.NoError(t, report.Err)
	})
	var doc map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &doc), "one document: %s", out)
	require.Equal(t, "ada/a.jpg", doc["key"])
	require.Equal(t, "image/jpeg", doc["content_type"])
	require.EqualValues(t, 1, doc["size"])
	require.NotEmpty(t, doc["etag"])
	require.NotEmpty(t, doc["last_modified"])
}

func TestAUserIsSignedInAndKeptUpWith(t *testing.T) {
	project, env := startProject(t, emulator.Options{TokenLifetime: 10 * time.Second})
	project.SetUser(emulator.User{Email: "ada@example.com", Password: "p w"})
	project.Put("uploads", "ada/a.jpg", []byte("a"))
	project.Put("uploads", "bob/b.jpg", []byte("b"))
	project.AllowRead("uploads", func(claims map[string]any, key string) bool {
		return claims["email"] == "ada@example.com" && strings.HasPrefix(key, "ada/")
	})
	dir := t.TempDir()
	stop := startConfig(t, readConfig(t, "user.yaml"), with(env, "SUPABASE_USER_EMAIL", "ada@example.com", "SUPABASE_USER_PASSWORD", "p w",
		"OUTPUT_FILE", filepath.Join(dir, "visible.jsonl"), "STATE_PATH", filepath.Join(t.TempDir(), "visible.db"),
		"POLLING_INTERVAL", "1s", "HTTP_ADDRESS", "127.0.0.1:0"))
	lines := func() int { return strings.Count(readTree(t, dir)["visible.jsonl"], "\n") }
	require.Eventually(t, func() bool { return lines() == 1 }, 20*time.Second, 20*time.Millisecond)
	require.Eventually(t, func() bool { return project.Count(emulator.OpRefreshToken) > 0 }, 20*time.Second, 20*time.Millisecond)
	project.Put("uploads", "ada/c.jpg", []byte("c"))
	require.Eventually(t, func() bool { return lines() == 2 }, 20*time.Second, 20*time.Millisecond)
	stop()
	require.NotContains(t, readTree(t, dir)["visible.jsonl"], "bob/")
	require.Equal(t, 1, project.Count(emulator.OpSignIn))
}

func TestAnAccessTokenAndTheReferenceAreEnough(t *testing.T) {
	project, env := startProject(t, emulator.Options{})
	project.Put("uploads", "dir/a.txt", []byte("abc"))
	out := captureStdout(t, func() {
		report := runConfig(t, readConfig(t, "access_token.yaml"), map[string]string{
			"SUPABASE_PROJECT_REF":  env["SUPABASE_PROJECT_REF"],
			"SUPABASE_S3_ENDPOINT":  env["SUPABASE_S3_ENDPOINT"],
			"SUPABASE_API_URL":      strings.TrimSuffix(env["SUPABASE_S3_ENDPOINT"], "/storage/v1/s3"),
			"SUPABASE_ACCESS_TOKEN": project.Settings().AccessToken,
			"SUPABASE_SOURCE_PATH":  "uploads",
		})
		require.NoError(t, report.Err)
	})
	require.Contains(t, out, `"key":"dir/a.txt"`)
}

func TestASecretKeyAndTheReferenceAreEnough(t *testing.T) {
	project, env := startProject(t, emulator.Options{})
	project.SetProject(func(p *emulator.Project) { p.LegacyKeys = emulator.LegacyNone })
	project.Put("uploads", "dir/a.txt", []byte("abc"))
	for _, endpoint := range []string{env["SUPABASE_S3_ENDPOINT"], strings.TrimSuffix(env["SUPABASE_S3_ENDPOINT"], "/s3")} {
		out := captureStdout(t, func() {
			report := runConfig(t, readConfig(t, "new_api_keys.yaml"), map[string]string{
				"SUPABASE_PROJECT_REF": env["SUPABASE_PROJECT_REF"],
				"SUPABASE_S3_ENDPOINT": endpoint,
				"SUPABASE_SECRET_KEY":  project.Settings().SecretKey,
				"SUPABASE_SOURCE_PATH": "uploads",
			})
			require.NoError(t, report.Err)
		})
		require.Contains(t, out, `"key":"dir/a.txt"`)
	}
}

func TestAManifestIsMadeWithoutReadingAByte(t *testing.T) {
	project, env := startProject(t, emulator.Options{})
	for i := range 1500 {
		project.Put("uploads", fmt.Sprintf("many/%04d", i), []byte("x"))
	}
	project.Put("uploads", "dir/a b&.png", []byte("abc"), emulator.WithContentType("image/png"))
	project.Put("uploads", "empty", nil, emulator.WithContentType("text/plain"))
	config := readConfig(t, "manifest.yaml")
	before, rest, ok := strings.Cut(config, "      type: secret_key\n")
	require.True(t, ok)
	_, after, ok := strings.Cut(rest, "\n")
	require.True(t, ok)
	s := project.Settings()
	overS3 := fmt.Sprintf("%s      {type: access_key, access_key_id: %s, secret_access_key: %s}\n    region: %s\n%s", before, s.AccessKeyID, s.SecretAccessKey, s.Region, after)
	for plane, yaml := range map[string]string{"REST": config, "S3": overS3} {
		out := captureStdout(t, func() {
			report := runConfig(t, yaml, with(env, "SUPABASE_SECRET_KEY", s.SecretKey))
			require.NoError(t, report.Err)
			require.EqualValues(t, 1502, report.Delivered)
		})
		lines := map[string]map[string]any{}
		for line := range strings.Lines(out) {
			var doc map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &doc))
			lines[fmt.Sprint(doc["key"])] = doc
		}
		require.Len(t, lines, 1502, plane)
		image, empty := lines["dir/a b&.png"], lines["empty"]
		require.Equal(t, "uploads", image["bucket"])
		require.EqualValues(t, 3, image["size"])
		require.Equal(t, "900150983cd24fb0d6963f7d28e17f72", image["etag"], "the MD5 of its content")
		require.NotEmpty(t, image["last_modified"])
		require.EqualValues(t, 0, empty["size"])
		if plane == "REST" {
			require.Equal(t, "image/png", image["type"])
		} else {
			require.NotContains(t, image, "type")
		}
	}
	for _, op := range []emulator.Op{emulator.OpGet, emulator.OpHead, emulator.OpRESTGet, emulator.OpRESTHead, emulator.OpRESTInfo} {
		require.Zero(t, project.Count(op), op)
	}
}

func TestKeysMayComeFromMountedFiles(t *testing.T) {
	project, env := startProject(t, emulator.Options{})
	project.Put("uploads", "dir/a.txt", []byte("abc"))
	dir := t.TempDir()
	for name, variable := range map[string]string{"access_key_id": "SUPABASE_S3_ACCESS_KEY_ID", "secret_access_key": "SUPABASE_S3_SECRET_ACCESS_KEY"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(env[variable]+"\n"), 0o600))
		delete(env, variable)
	}
	out := captureStdout(t, func() {
		report := runConfig(t, readConfig(t, "secret_files.yaml"), with(env, "SECRETS_DIR", dir))
		require.NoError(t, report.Err)
	})
	require.Equal(t, "dir/a.txt (3 bytes)\n", out)
}

func TestSelfHostedEndpointNeedsNoProject(t *testing.T) {
	project, env := startProject(t, emulator.Options{Region: "local"})
	project.Put("uploads", "dir/a.txt", []byte("abc"))
	delete(env, "SUPABASE_PROJECT_REF")
	delete(env, "SUPABASE_REGION")
	out := captureStdout(t, func() {
		report := runConfig(t, readConfig(t, "self_hosted.yaml"), env)
		require.NoError(t, report.Err)
	})
	require.Equal(t, "dir/a.txt (3 bytes)\n", out)
}

func TestAFolderIsKeptUpWithItsBucketAcrossARestart(t *testing.T) {
	project, env := startProject(t, emulator.Options{})
	project.Put("uploads", "a.txt", []byte("first a"))
	root := t.TempDir()
	dir := filepath.Join(root, "output")
	require.NoError(t, os.Mkdir(dir, 0o700))
	env = with(env, "OUTPUT_DIR", dir, "STATE_PATH", filepath.Join(root, "state", "uploads.db"),
		"POLLING_INTERVAL", "1s", "HTTP_ADDRESS", "127.0.0.1:0")
	becomes := func(want map[string]string) {
		t.Helper()
		require.Eventually(t, func() bool { return maps.Equal(want, readTree(t, dir)) }, 20*time.Second, 20*time.Millisecond)
	}

	stop := startConfig(t, readConfig(t, "incremental.yaml"), env)
	becomes(map[string]string{"uploads/a.txt": "first a"})
	project.Put("uploads", "f/b.txt", []byte("b"))
	project.Put("uploads", "a.txt", []byte("second a"))
	becomes(map[string]string{"uploads/a.txt": "second a", "uploads/f/b.txt": "b"})
	stop()
	require.Equal(t, 3, project.Count(emulator.OpGet))

	// Whatever is written again from here on was delivered again.
	require.NoError(t, os.RemoveAll(dir))
	require.NoError(t, os.Mkdir(dir, 0o700))
	project.Put("uploads", "c.txt", []byte("c"))
	stop = startConfig(t, readConfig(t, "incremental.yaml"), env)
	becomes(map[string]string{"uploads/c.txt": "c"})
	listed := project.Count(emulator.OpList)
	require.Eventually(t, func() bool { return project.Count(emulator.OpList) > listed }, 20*time.Second, 20*time.Millisecond)
	stop()
	require.Equal(t, map[string]string{"uploads/c.txt": "c"}, readTree(t, dir))
	require.Equal(t, 4, project.Count(emulator.OpGet))
}

func TestTheInboxIsDeliveredAndMoved(t *testing.T) {
	project, env := startProject(t, emulator.Options{})
	dir := t.TempDir()
	project.Put("uploads", "inbox/f/a.txt", []byte("a"), emulator.WithContentType("text/plain"))
	project.Put("uploads", "inbox/taken.txt", []byte("new"))
	project.Put("uploads", "done/taken.txt", []byte("old"))
	project.Put("uploads", "elsewhere.txt", []byte("e"))
	env = with(env, "OUTPUT_DIR", dir, "STATE_PATH", filepath.Join(t.TempDir(), "s.db"), "SUPABASE_BUCKET", "uploads", "MIN_AGE", "0s", "POLLING_INTERVAL", "1s", "HTTP_ADDRESS", "127.0.0.1:0")
	stop := startConfig(t, readConfig(t, "inbox.yaml"), env)
	require.Eventually(t, func() bool {
		_, _, there := project.Get("uploads", "inbox/f/a.txt")
		return !there && len(readTree(t, dir)) == 2
	}, 20*time.Second, 20*time.Millisecond)
	stop()
	require.Equal(t, map[string]string{"uploads/inbox/f/a.txt": "a", "uploads/inbox/taken.txt": "new"}, readTree(t, dir))
	moved, content, there := project.Get("uploads", "done/f/a.txt")
	require.True(t, there)
	require.Equal(t, "text/plain a", moved.ContentType+" "+string(content))
	for key, want := range map[string]string{"inbox/taken.txt": "new", "done/taken.txt": "old", "elsewhere.txt": "e"} {
		_, content, _ := project.Get("uploads", key)
		require.Equal(t, want, string(content), key)
	}
}
