package config_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// migrate copies the buckets that source_path names with migrate_project.yaml.
func migrate(t *testing.T, env map[string]string, bucket string) error {
	t.Helper()
	return runConfig(t, readConfig(t, "migrate_project.yaml"), with(env, "SUPABASE_SOURCE_PATH", bucket)).Err
}

// verify returns the lines that verify_migration.yaml prints for the same buckets.
func verify(t *testing.T, env map[string]string, bucket string) (lines string, err error) {
	t.Helper()
	lines = captureStdout(t, func() {
		err = runConfig(t, readConfig(t, "verify_migration.yaml"), with(env, "SUPABASE_SOURCE_PATH", bucket)).Err
	})
	return lines, err
}

func TestAProjectArrivesInAnotherObjectByObject(t *testing.T) {
	objects := map[string]map[string]whole{"uploads": projectObjects(4000), "avatars": projectObjects(1000)}
	source, target, env := startProjects(t, objects)
	settings := emulator.BucketSettings{Public: true, FileSizeLimit: 5 << 20, AllowedMIMETypes: []string{"image/*", "text/*"}}
	source.SetBucket("avatars", settings)
	require.NoError(t, migrate(t, env, "*/"))
	for bucket, want := range objects {
		requireStored(t, target, bucket, want)
	}
	lines, err := verify(t, env, "*/")
	require.NoError(t, err)
	require.Empty(t, lines)
	got, ok := target.BucketSettings("avatars")
	require.True(t, ok)
	require.Equal(t, settings, got)
	require.Equal(t, 5000, target.Count(emulator.OpRESTPut))
}

// small are a few objects of one bucket.
func small() map[string]whole {
	objects := map[string]whole{}
	for i := range 20 {
		objects[fmt.Sprintf("f/%02d.txt", i)] = whole{
			Content: fmt.Sprint("content ", i), ContentType: "text/plain", CacheControl: "max-age=60", Metadata: `{"N":1}`,
		}
	}
	return objects
}

func TestWhatTheTargetRefusesIsCopiedByTheNextRun(t *testing.T) {
	objects := small()
	_, target, env := startProjects(t, map[string]map[string]whole{"uploads": objects})
	target.SetFaults(func(r emulator.Request) emulator.Fault {
		if r.Op == emulator.OpRESTPut && r.Key == "f/07.txt" {
			return emulator.Fault{Status: http.StatusRequestEntityTooLarge}
		}
		return emulator.Fault{}
	})
	require.Error(t, migrate(t, env, "uploads"))
	require.Equal(t, len(objects), target.Count(emulator.OpRESTPut), "what is refused is not sent again and again")
	lines, err := verify(t, env, "uploads")
	require.Error(t, err)
	require.JSONEq(t, `{"bucket":"uploads","key":"f/07.txt"}`, withoutError(t, lines))

	target.SetFaults(nil)
	require.NoError(t, migrate(t, env, "uploads"))
	require.Equal(t, len(objects)+1, target.Count(emulator.OpRESTPut), "only what was missing is copied")
	requireStored(t, target, "uploads", objects)
	lines, err = verify(t, env, "uploads")
	require.NoError(t, err)
	require.Empty(t, lines)
}

// withoutError is the only line of a comparison, without its error.
func withoutError(t *testing.T, lines string) string {
	t.Helper()
	var doc map[string]any
	require.NoError(t, json.Unmarshal([]byte(lines), &doc), lines)
	require.NotEmpty(t, doc["error"])
	delete(doc, "error")
	text, err := json.Marshal(doc)
	require.NoError(t, err)
	return string(text)
}

func TestAStoppedMigrationContinues(t *testing.T) {
	objects := small()
	_, target, env := startProjects(t, map[string]map[string]whole{"uploads": objects})
	stopped := make(chan struct{})
	target.SetFaults(func(r emulator.Request) emulator.Fault {
		if r.Op != emulator.OpRESTPut || r.N <= 10 {
			return emulator.Fault{}
		}
		return emulator.Fault{Before: func() { <-stopped }}
	})
	stop := startConfig(t, readConfig(t, "migrate_project.yaml"), with(env, "SUPABASE_SOURCE_PATH", "uploads"))
	require.Eventually(t, func() bool { return target.Count(emulator.OpRESTPut) == len(objects) }, 20*time.Second, 10*time.Millisecond)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		time.Sleep(200 * time.Millisecond)
		close(stopped)
	}()
	stop()
	<-ended
	target.SetFaults(nil)
	require.NoError(t, migrate(t, env, "uploads"))
	requireStored(t, target, "uploads", objects)
}

func TestABucketThatCannotBeMadeIsAnErrorOfItsObjects(t *testing.T) {
	_, target, env := startProjects(t, map[string]map[string]whole{"uploads": small()})
	target.SetFaults(func(r emulator.Request) emulator.Fault {
		if r.Op == emulator.OpRESTCreateBucket {
			return emulator.Fault{Status: http.StatusForbidden}
		}
		return emulator.Fault{}
	})
	require.Error(t, migrate(t, env, "uploads"))
	require.Zero(t, target.Count(emulator.OpRESTPut))
	target.SetFaults(nil)
	require.NoError(t, migrate(t, env, "uploads"))
	requireStored(t, target, "uploads", small())
}

func TestAComparisonTellsEachDifference(t *testing.T) {
	objects := small()
	source, target, env := startProjects(t, map[string]map[string]whole{"uploads": objects})
	require.NoError(t, migrate(t, env, "uploads"))
	want := map[string]string{}
	change := func(key, differs string, change func(*whole)) {
		o := objects[key]
		change(&o)
		put(t, target, "uploads", key, o)
		want[key] = differs
	}
	change("f/00.txt", "etag", func(o *whole) { o.Content = "c0ntent 0" })
	change("f/01.txt", "size, etag", func(o *whole) { o.Content = "" })
	change("f/02.txt", "content_type", func(o *whole) { o.ContentType = "text/html" })
	change("f/03.txt", "cache_control", func(o *whole) { o.CacheControl = "no-cache" })
	change("f/04.txt", "metadata", func(o *whole) { o.Metadata = `{"N":"1"}` })
	change("f/05.txt", "metadata", func(o *whole) { o.Metadata = `{}` })
	target.Delete("uploads", "f/06.txt")
	want["f/06.txt"] = "400" // the server's way to say that there is none
	// The ETag of an upload in parts is no MD5: the contents count.
	parts := objects["f/07.txt"]
	parts.ETag = "00000000000000000000000000000000-2"
	put(t, source, "uploads", "f/07.txt", parts)
	parts.Content, parts.ETag = "c0ntent 8", "11111111111111111111111111111111-3"
	put(t, target, "uploads", "f/08.txt", parts)
	want["f/08.txt"] = "etag"

	lines, err := verify(t, env, "uploads")
	require.Error(t, err)
	got := map[string]string{}
	for line := range strings.Lines(lines) {
		var doc struct{ Key, Error string }
		require.NoError(t, json.Unmarshal([]byte(line), &doc))
		got[doc.Key] = doc.Error
	}
	require.Len(t, got, len(want), lines)
	for key, differs := range want {
		require.Contains(t, got[key], differs, key)
	}
}

func TestAnOverwriteDuringACopyIsCopiedByTheNextRun(t *testing.T) {
	objects := small()
	source, target, env := startProjects(t, map[string]map[string]whole{"uploads": objects})
	newer := objects["f/03.txt"]
	newer.Content, newer.Metadata = "another content", `{"N":2}`
	var once sync.Once
	source.SetFaults(func(r emulator.Request) emulator.Fault {
		if r.Op == emulator.OpRESTInfo && r.Key == "f/03.txt" {
			return emulator.Fault{Before: func() { once.Do(func() { put(t, source, "uploads", r.Key, newer) }) }}
		}
		return emulator.Fault{}
	})
	require.Error(t, migrate(t, env, "uploads"))
	_, _, ok := target.Get("uploads", "f/03.txt")
	require.False(t, ok, "content and metadata of two versions")
	require.NoError(t, migrate(t, env, "uploads"))
	objects["f/03.txt"] = newer
	requireStored(t, target, "uploads", objects)
}
