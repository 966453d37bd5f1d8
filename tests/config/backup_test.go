package config_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// backup runs backup_project.yaml for one bucket.
func backup(t *testing.T, env map[string]string, bucket string) error {
	t.Helper()
	return runConfig(t, readConfig(t, "backup_project.yaml"), with(env, "SUPABASE_SOURCE_PATH", bucket)).Err
}

// runToStdout runs a config without the input of this project, and returns the lines
// that it prints.
func runToStdout(t *testing.T, config string, env map[string]string) []string {
	t.Helper()
	out := captureStdout(t, func() {
		stream, err := build(t, readConfig(t, config), env)
		require.NoError(t, err)
		require.NoError(t, stream.Run(t.Context()))
	})
	return slices.Collect(strings.Lines(out))
}

// lastLines are the last lines of a manifest by bucket and key.
func lastLines(t *testing.T, dir string) map[string]map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "manifest.jsonl"))
	require.NoError(t, err)
	lines := map[string]map[string]any{}
	for line := range strings.Lines(string(text)) {
		var doc map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &doc))
		lines[fmt.Sprint(doc["bucket"], "/", doc["key"])] = doc
	}
	return lines
}

func TestABackupIsRestoredIntoAnotherProjectObjectByObject(t *testing.T) {
	objects := map[string]map[string]whole{"uploads": projectObjects(800), "avatars": projectObjects(200)}
	source, target, env := startProjects(t, objects)
	settings := emulator.BucketSettings{Public: true, FileSizeLimit: 5 << 20, AllowedMIMETypes: []string{"image/*"}}
	source.SetBucket("avatars", settings)
	dir := t.TempDir()
	env = with(env, "BACKUP_DIR", dir)
	require.NoError(t, backup(t, env, "*/"))
	lines := lastLines(t, dir)
	require.Len(t, lines, 1000)
	for bucket, all := range objects {
		for key, o := range all {
			line := lines[bucket+"/"+key]
			content, err := os.ReadFile(filepath.Join(dir, "objects", fmt.Sprint(line["path"])))
			require.NoError(t, err)
			require.Equal(t, o.Content, string(content))
			require.EqualValues(t, len(o.Content), line["size"])
			require.Equal(t, o.ContentType, line["content_type"])
			require.Equal(t, o.CacheControl, line["cache_control"])
			require.Equal(t, line["etag"], line["md5"])
			require.Len(t, line["sha256"], 64)
			require.NotEmpty(t, line["last_modified"])
		}
	}

	require.Empty(t, runToStdout(t, "restore_project.yaml", env))
	require.Empty(t, runToStdout(t, "verify_restore.yaml", env))
	for bucket, want := range objects {
		requireStored(t, target, bucket, want)
	}
	got, ok := target.BucketSettings("avatars")
	require.True(t, ok)
	require.Equal(t, settings, got)
}

func TestContentsWhoseETagInTheProjectIsNoMD5AreCompared(t *testing.T) {
	large := whole{Content: strings.Repeat("a film ", 3<<20), ContentType: "video/mp4", CacheControl: "no-cache", Metadata: `{}`}
	_, target, env := startProjects(t, map[string]map[string]whole{"uploads": {"film.mp4": large}})
	env = with(env, "BACKUP_DIR", t.TempDir())
	require.NoError(t, backup(t, env, "uploads"))
	require.Empty(t, runToStdout(t, "restore_project.yaml", env))
	require.Empty(t, runToStdout(t, "verify_restore.yaml", env))
	require.Equal(t, 1, target.Count(emulator.OpRESTGet), "its ETag is that of an upload in parts")

	other := large
	other.Content = "A" + large.Content[1:]
	put(t, target, "uploads", "film.mp4", other)
	differences := runToStdout(t, "verify_restore.yaml", env)
	require.Len(t, differences, 1)
	require.Contains(t, differences[0], "differs in sha256")
}

func TestALineOfTheManifestThatWasCutIsTold(t *testing.T) {
	o := whole{Content: "content", ContentType: "text/plain", CacheControl: "no-cache", Metadata: `{}`}
	_, _, env := startProjects(t, map[string]map[string]whole{"uploads": {"a": o, "b": o, "c": o}})
	dir := t.TempDir()
	env = with(env, "BACKUP_DIR", dir)
	require.NoError(t, backup(t, env, "uploads"))
	manifest := filepath.Join(dir, "manifest.jsonl")
	text, err := os.ReadFile(manifest)
	require.NoError(t, err)
	lines := strings.SplitAfter(string(text), "\n")
	lines[1] = lines[1][:40] // the disk was full, and the next line was written behind it
	require.NoError(t, os.WriteFile(manifest, []byte(strings.Join(lines, "")), 0o600))
	for _, config := range []string{"restore_project.yaml", "verify_restore.yaml"} {
		told := runToStdout(t, config, env)
		require.Len(t, told, 1, config)
		require.Contains(t, told[0], "not JSON")
	}
}

func TestALaterBackupHoldsWhatChangedAndWhatWasDeleted(t *testing.T) {
	plain := func(content string) whole {
		return whole{Content: content, ContentType: "text/plain", CacheControl: "no-cache", Metadata: `{"n":1}`}
	}
	source, target, env := startProjects(t, map[string]map[string]whole{
		"uploads": {"kept": plain("kept"), "changed": plain("old"), "deleted": plain("gone")},
	})
	dir := t.TempDir()
	env = with(env, "BACKUP_DIR", dir)
	require.NoError(t, backup(t, env, "uploads"))
	changed := plain("new")
	changed.Metadata = `{"N":2}`
	put(t, source, "uploads", "changed", changed)
	put(t, source, "uploads", "added", plain("added"))
	source.Delete("uploads", "deleted")
	gets := source.Count(emulator.OpRESTGet)
	require.NoError(t, backup(t, env, "uploads"))
	require.Equal(t, 2, source.Count(emulator.OpRESTGet)-gets, "only what is new or changed is read")

	require.Equal(t, "deleted", lastLines(t, dir)["uploads/deleted"]["event"])
	require.FileExists(t, filepath.Join(dir, "objects", "uploads", "deleted.file"), "a deleted object keeps its file")
	require.Empty(t, runToStdout(t, "restore_project.yaml", env))
	require.Empty(t, runToStdout(t, "verify_restore.yaml", env))
	requireStored(t, target, "uploads", map[string]whole{"kept": plain("kept"), "changed": changed, "added": plain("added")})
	_, _, ok := target.Get("uploads", "deleted")
	require.False(t, ok)
	require.Equal(t, 3, target.Count(emulator.OpRESTPut), "no old version is restored")
}

func TestARestoreTellsWhatItCouldNotBringBack(t *testing.T) {
	objects := map[string]whole{}
	for _, key := range []string{"whole", "damaged", "lost", "refused"} {
		objects[key] = whole{Content: "content of " + key, ContentType: "text/plain", CacheControl: "no-cache", Metadata: `{}`}
	}
	_, target, env := startProjects(t, map[string]map[string]whole{"uploads": objects})
	dir := t.TempDir()
	env = with(env, "BACKUP_DIR", dir)
	require.NoError(t, backup(t, env, "uploads"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "objects", "uploads", "damaged.file"), []byte("content 0f damaged"), 0o600))
	require.NoError(t, os.Remove(filepath.Join(dir, "objects", "uploads", "lost.file")))
	target.SetFaults(func(r emulator.Request) emulator.Fault {
		if r.Op == emulator.OpRESTPut && r.Key == "refused" {
			return emulator.Fault{Status: 413}
		}
		return emulator.Fault{}
	})
	reasons := func(lines []string) map[string]string {
		found := map[string]string{}
		for _, line := range lines {
			var doc struct{ Key, Error string }
			require.NoError(t, json.Unmarshal([]byte(line), &doc))
			found[doc.Key] = doc.Error
		}
		return found
	}
	failed := reasons(runToStdout(t, "restore_project.yaml", env))
	require.ElementsMatch(t, []string{"damaged", "lost", "refused"}, slices.Collect(maps.Keys(failed)))
	require.Contains(t, failed["damaged"], "SHA-256")
	require.Contains(t, failed["lost"], "no such file")
	require.Contains(t, failed["refused"], "413")
	requireStored(t, target, "uploads", map[string]whole{"whole": objects["whole"]})
	differs := reasons(runToStdout(t, "verify_restore.yaml", env))
	require.ElementsMatch(t, []string{"damaged", "lost", "refused"}, slices.Collect(maps.Keys(differs)))

	target.SetFaults(nil)
	other := objects["whole"]
	other.ContentType, other.Metadata = "text/html", `{"a":1}`
	put(t, target, "uploads", "whole", other)
	differs = reasons(runToStdout(t, "verify_restore.yaml", env))
	require.Contains(t, differs["whole"], "content_type, metadata")
}
