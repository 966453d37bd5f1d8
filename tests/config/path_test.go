package config_test

import (
	"path/filepath"
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

// hostileKeys are keys that a naive path makes leave the folder, share a file,
// or fail always.
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

// A disk that ignores case takes A.jpg and a.jpg for one file.
func TestPathsStayApartOnDisksThatIgnoreCase(t *testing.T) {
	cookbook := readConfig(t, "README.md")
	_, after, found := strings.Cut(cookbook, "put a hash in front of the name:\n\n```yaml\n")
	require.True(t, found)
	text, _, _ := strings.Cut(after, "```")
	mapping := mappingOf(t, text)
	paths := map[string]string{}
	for key, safe := range map[string]string{
		"A": "A.file", "a": "a.file", "A/B": "A/B.file", "a/b": "a/b.file", "a.TXT": "a.TXT", "a.txt": "a.txt",
		"Photos/A.jpg": "Photos/A.jpg", "photos/a.JPG": "photos/a.JPG", "": ".file", "/": "%2F/.file",
	} {
		msg := service.NewMessage(nil)
		msg.MetaSetMut("supabase_storage_key", key)
		msg.MetaSetMut("supabase_storage_safe_path", "uploads/"+safe)
		out, err := msg.BloblangQuery(mapping)
		require.NoError(t, err)
		path, ok := out.MetaGet("file_path")
		require.True(t, ok)
		require.True(t, filepath.IsLocal(path), "%q", path)
		require.NotContains(t, paths, strings.ToLower(path), "%q", key)
		paths[strings.ToLower(path)] = key
	}
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
