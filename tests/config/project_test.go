package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/corpus"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// whole is all that a project stores of an object, except its time.
type whole struct {
	Content, ETag, ContentType, CacheControl string
	Metadata                                 string // JSON
}

// projectEnv are the variables of a whole project, with the prefix SOURCE or TARGET.
func projectEnv(role string, project *emulator.Server, env map[string]string) map[string]string {
	return map[string]string{
		role + "_STORAGE_URL": strings.TrimSuffix(env["SUPABASE_S3_ENDPOINT"], "/s3"),
		role + "_SECRET_KEY":  project.Settings().SecretKey,
	}
}

// startProjects serves a source with the buckets of objects and an empty target.
func startProjects(t *testing.T, objects map[string]map[string]whole) (source, target *emulator.Server, env map[string]string) {
	t.Helper()
	// Only a server with its blobs in S3 takes keys with dot segments.
	source, env = startProject(t, emulator.Options{S3Backend: true})
	target, targetEnv := startProject(t, emulator.Options{S3Backend: true, ProjectRef: "anotherprojectoftest"})
	env = with(projectEnv("SOURCE", source, env), "STATE_PATH", filepath.Join(t.TempDir(), "state.db"))
	maps.Copy(env, projectEnv("TARGET", target, targetEnv))
	for bucket, all := range objects {
		source.CreateBucket(bucket)
		for key, o := range all {
			put(t, source, bucket, key, o)
		}
	}
	return source, target, env
}

func put(t *testing.T, project *emulator.Server, bucket, key string, o whole) {
	t.Helper()
	var metadata map[string]any
	require.NoError(t, json.Unmarshal([]byte(o.Metadata), &metadata))
	options := []emulator.PutOption{
		emulator.WithContentType(o.ContentType), emulator.WithCacheControl(o.CacheControl), emulator.WithMetadata(metadata),
	}
	if o.ETag != "" {
		options = append(options, emulator.WithETag(o.ETag))
	}
	project.Put(bucket, key, []byte(o.Content), options...)
}

// projectObjects are n objects with odd keys, types, cache control and user metadata
// of all kinds, the same in every call.
func projectObjects(n int) map[string]whole {
	random := rand.New(rand.NewPCG(1, 2))
	keys := slices.Concat(corpus.Keys, corpus.KeysOfNoFile)
	for _, key := range hostileKeys() {
		if len(key) <= 1024 && !strings.ContainsAny(key, "\\") && !strings.HasSuffix(key, "/") && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	for _, c := range "!*'()&$=@;:+,?- ." {
		keys = append(keys, "char/x"+string(c)+"y", "char/"+string(c))
	}
	types := []string{"image/jpeg", "text/plain;charset=UTF-8", "application/json", "application/octet-stream", "video/mp4", "application/x-www-form-urlencoded", "text/html; charset=utf-8"}
	caches := []string{"no-cache", "max-age=3600", "public, max-age=31536000, immutable", "private"}
	metadata := []string{`{}`, `{"author":"ada"}`, `{"Name":"Ünïcode 日本","n":7,"deep":{"a":[1,null,"x"]},"f":0.1}`, `{"quote":"a \"b\" \\ c"}`}
	objects := map[string]whole{}
	for i := range n {
		key := fmt.Sprintf("folder-%02d/object-%04d.bin", i%37, i)
		if i < len(keys) {
			key = keys[i]
		}
		content := make([]byte, i*131%4096)
		for at := range content {
			content[at] = byte(random.Uint32())
		}
		if i%6 == 5 { // what a JSON parser reads and would write in another way
			content = fmt.Appendf(nil, "{ \"b\": %d,\n\t\"a\": 1.0, \"a\": 12345678901234567890 }\n", i)
		}
		objects[key] = whole{
			Content: string(content), ContentType: types[i%len(types)], CacheControl: caches[i%len(caches)], Metadata: metadata[i%len(metadata)],
		}
	}
	return objects
}

// storedIn reads all that a project stores of the given keys of a bucket, over its REST
// API.
func storedIn(t *testing.T, project *emulator.Server, bucket string, keys []string) map[string]whole {
	t.Helper()
	client := &http.Client{Transport: project.Transport()}
	get := func(route, key string) []byte {
		url := strings.TrimSuffix(project.Endpoint(), "/s3") + "/object/" + route + "/" + bucket + "/" + escapeKey(key)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		require.NoError(t, err)
		req.Header.Set("apikey", project.Settings().SecretKey)
		res, err := client.Do(req)
		require.NoError(t, err)
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, res.StatusCode, "%q: %s", key, body)
		return body
	}
	found := map[string]whole{}
	for _, key := range keys {
		var info struct {
			ETag         string          `json:"etag"`
			ContentType  string          `json:"content_type"`
			CacheControl string          `json:"cache_control"`
			Metadata     json.RawMessage `json:"metadata"`
		}
		require.NoError(t, json.Unmarshal(get("info", key), &info))
		found[key] = whole{
			Content: string(get("authenticated", key)), ContentType: info.ContentType, CacheControl: info.CacheControl,
			Metadata: canonical(t, info.Metadata),
		}
	}
	return found
}

func escapeKey(key string) string {
	var out strings.Builder
	for _, b := range []byte(key) {
		if b == '/' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' {
			out.WriteByte(b)
		} else {
			fmt.Fprintf(&out, "%%%02X", b)
		}
	}
	return out.String()
}

// canonical is JSON with sorted keys, its numbers as they are.
func canonical(t *testing.T, text []byte) string {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	require.NoError(t, decoder.Decode(&value))
	if value == nil {
		value = map[string]any{}
	}
	out, err := json.Marshal(value)
	require.NoError(t, err)
	return string(out)
}

// requireStored requires that a project has these objects in a bucket, each of them with
// all that is stored with it.
func requireStored(t *testing.T, project *emulator.Server, bucket string, want map[string]whole) {
	t.Helper()
	got := storedIn(t, project, bucket, slices.Sorted(maps.Keys(want)))
	for key, w := range want {
		w.ETag, w.Metadata = "", canonical(t, []byte(w.Metadata))
		require.Equal(t, w, got[key], "%q", key)
	}
}
