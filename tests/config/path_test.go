package config_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/redpanda-data/benthos/v4/public/bloblang"
	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// mappingOf is the mapping of a config's only processor.
func mappingOf(t testing.TB, text string) *bloblang.Executor {
	t.Helper()
	var parsed struct {
		Pipeline struct {
			Processors []struct{ Mapping string }
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(text), &parsed))
	require.Len(t, parsed.Pipeline.Processors, 1)
	mapping, err := bloblang.Parse(parsed.Pipeline.Processors[0].Mapping)
	require.NoError(t, err)
	return mapping
}

// filePath is where the mapping puts the object of that key.
func filePath(t testing.TB, mapping *bloblang.Executor, key string) string {
	t.Helper()
	msg := service.NewMessage(nil)
	msg.MetaSetMut("supabase_storage_key", key)
	out, err := msg.BloblangQuery(mapping)
	require.NoError(t, err)
	path, ok := out.MetaGet("file_path")
	require.True(t, ok)
	return path
}

// hostileKeys are keys that a naive path makes leave the folder, share a file,
// or fail forever.
func hostileKeys() []string {
	long := strings.Repeat("x", 300)
	return []string{
		"../../x", "/abs", "a//b", "a/./b", "a/../b", "..", ".", "...", "../", "a/..", "a/.", "/", "//", "/..",
		"a", "a/b", "a/b/c", "a.txt", "a.txt/b.txt", "a.file", "a.file/b", "a/b.file", "a.", "a ", " a", "a.txt ", " ",
		"C:/x.txt", "-rf", ".hidden", ".hidden/x", "a+b.txt", "a b.txt", "a,b;c=d@e&f$g!h'i*j?k.txt",
		long, long + "/x", long + ".txt", long + "/" + long + "/" + long + ".txt", strings.Repeat("d/", 500) + "x.txt",
		strings.Repeat("k", 1024), "photos/2024/a b (1).jpg",
	}
}

// foreignKeys cannot be uploaded through the API, but a row that was inserted by
// SQL may have them.
func foreignKeys() []string {
	return []string{
		"%2E%2E/x", "%2e", "%2F", "%long", "%long/x", "a%20b.txt", "a%2520b.txt", "C%3A/x.txt",
		`..\..\x.txt`, "~/x.txt", "a\nb.txt", "a\x00b.txt", "é.txt", "\u202e.txt", "",
	}
}

func TestOrdinaryKeysKeepTheirPath(t *testing.T) {
	for _, config := range []string{"quickstart.yaml", "to_files.yaml", "incremental.yaml"} {
		mapping := mappingOf(t, readConfig(t, config))
		for key, want := range map[string]string{
			"photos/2024/a.jpg":              "photos/2024/a.jpg",
			"photos/Holiday (1)/A b-c_d.JPG": "photos/Holiday (1)/A b-c_d.JPG",
			"b0c4-11ee/archive.tar.gz":       "b0c4-11ee/archive.tar.gz",
			"avatars/7/avatar":               "avatars/7/avatar.file",
			"v1.2/a.jpg":                     "v1%2E2/a.jpg",
			"../../x":                        "%2E%2E/%2E%2E/x.file",
			"/abs.txt":                       "%2F/abs.txt",
			"..":                             "...file",
		} {
			require.Equal(t, want, filePath(t, mapping, key), "%s: %q", config, key)
		}
	}
}

func TestPathsOfHostileKeysStayInTheFolderAndApart(t *testing.T) {
	keys := slices.Concat(hostileKeys(), foreignKeys())
	for _, config := range []string{"quickstart.yaml", "to_files.yaml", "incremental.yaml"} {
		checkPaths(t, mappingOf(t, readConfig(t, config)), keys, func(path string) string { return path })
	}
}

func TestPathsStayApartOnDisksThatIgnoreCase(t *testing.T) {
	const marker = "        # let file = "
	text := readConfig(t, "to_files.yaml")
	require.Contains(t, text, marker)
	mapping := mappingOf(t, strings.Replace(text, marker, "        let file = ", 1))
	checkPaths(t, mapping, slices.Concat(hostileKeys(), []string{"A", "A/B", "a.TXT", "Photos/A.jpg", "photos/a.JPG"}), strings.ToLower)
}

// checkPaths asks that no path leaves the folder, that no two are the same to a
// disk which knows a path by its folded form, and that none is a folder of
// another.
func checkPaths(t *testing.T, mapping *bloblang.Executor, keys []string, fold func(string) string) {
	t.Helper()
	files, folders := map[string]string{}, map[string]string{}
	for _, key := range keys {
		path := filePath(t, mapping, key)
		requireSafePath(t, key, path)
		other, taken := files[fold(path)]
		require.False(t, taken, "%q and %q share the file %q", key, other, path)
		files[fold(path)] = key
		for dir := filepath.Dir(path); dir != "."; dir = filepath.Dir(dir) {
			folders[fold(dir)] = key
		}
	}
	for path := range maps.Keys(files) {
		require.NotContains(t, folders, path, "%q is a file and %q needs it to be a folder", files[path], folders[path])
	}
}

func requireSafePath(t testing.TB, key, path string) {
	t.Helper()
	require.True(t, filepath.IsLocal(path), "%q leaves the folder: %q", key, path)
	require.Equal(t, path, filepath.Clean(path), "%q", key)
	require.LessOrEqual(t, len(path), 700, "%q", key)
	for name := range strings.SplitSeq(path, "/") {
		require.LessOrEqual(t, len(name), 255, "%q: %q", key, name)
		require.NotContains(t, name, ":", "%q", key)
		require.NotContains(t, name, `\`, "%q", key)
	}
}

func FuzzPathsOfTwoKeysNeverCollide(f *testing.F) {
	mapping := mappingOf(f, readConfig(f, "to_files.yaml"))
	for _, key := range slices.Concat(hostileKeys(), foreignKeys()) {
		f.Add(key, "a/b")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		pathA, pathB := filePath(t, mapping, a), filePath(t, mapping, b)
		requireSafePath(t, a, pathA)
		if a == b {
			return
		}
		require.NotEqual(t, pathA, pathB)
		require.False(t, strings.HasPrefix(pathB, pathA+"/"), "%q: %q is a file and a folder", b, pathA)
		require.False(t, strings.HasPrefix(pathA, pathB+"/"), "%q: %q is a file and a folder", a, pathB)
	})
}

func TestUserMetadataCannotTakeThePlaceOfTheInputsOwn(t *testing.T) {
	msg := service.NewMessage(nil)
	msg.MetaSetMut("supabase_storage_key", "a.jpg")
	msg.MetaSetMut("supabase_storage_meta_author", "ada")
	msg.MetaSetMut("supabase_storage_meta_key", "fine")
	msg.MetaSetMut("supabase_storage_meta_supabase_storage_key", "../stolen")
	out, err := msg.BloblangQuery(mappingOf(t, readConfig(t, "to_s3.yaml")))
	require.NoError(t, err)
	got := map[string]string{}
	require.NoError(t, out.MetaWalk(func(name, value string) error {
		got[name] = value
		return nil
	}))
	require.Equal(t, map[string]string{
		"supabase_storage_key": "a.jpg",
		"author":               "ada",
		"key":                  "fine",
		"supabase_storage_meta_supabase_storage_key": "../stolen",
	}, got)
}
