package object

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// hostileKeys are keys that a naive path makes leave the folder, share a file,
// or fail always.
func hostileKeys() []string {
	long := strings.Repeat("x", 300)
	return []string{
		"../../x", "/abs", "a//b", "a/./b", "a/../b", "..", ".", "...", "../", "a/..", "a/.", "/", "//", "/..",
		"a", "a/b", "a/b/c", "a.txt", "a.txt/b.txt", "a.file", "a.file/b", "a/b.file", "a.", "a ", " a", "a.txt ", " ",
		"a /b", "a /b ", "C:/x.txt", "-rf", ".hidden", ".hidden/x", "a+b.txt", "a b.txt", "a,b;c=d@e&f$g!h'i*j?k.txt",
		long, long + "/x", long + ".txt", long + "/" + long + "/" + long + ".txt", strings.Repeat("d/", 500) + "x.txt",
		strings.Repeat("k", 1024), "photos/2024/a b (1).jpg", "con", "con.txt", "NUL/x", "conin$", "CONOUT$.txt", "conout$/x", "a.FILE", "a.File", "lpt9 .x", "com1.a.b", "%63on", "aux .txt",
		"%2E%2E/x", "%2e", "%2F", "%long", "%long/x", "a%20b.txt", "a%2520b.txt", "C%3A/x.txt",
		`..\..\x.txt`, "~/x.txt", "a\nb.txt", "a\x00b.txt", "é.txt", "\u202e.txt", "a\xffb.txt", "",
	}
}

func TestOrdinaryKeysKeepTheirPath(t *testing.T) {
	for key, want := range map[string]string{
		"photos/2024/a.jpg":              "uploads/photos/2024/a.jpg",
		"photos/Holiday (1)/A b-c_d.JPG": "uploads/photos/Holiday (1)/A b-c_d.JPG",
		"b0c4-11ee/archive.tar.gz":       "uploads/b0c4-11ee/archive.tar.gz",
		"avatars/7/avatar":               "uploads/avatars/7/avatar.file",
		"v1.2/a.jpg":                     "uploads/v1%2E2/a.jpg",
		"../../x":                        "uploads/%2E%2E/%2E%2E/x.file",
		"/abs.txt":                       "uploads/%2F/abs.txt",
		"..":                             "uploads/...file",
		"con.txt":                        "uploads/%63on.txt",
	} {
		require.Equal(t, want, SafePath(key, "uploads"), "%q", key)
	}
}

func TestPathsOfHostileKeysStayInTheFolderAndApart(t *testing.T) {
	files, folders := map[string]string{}, map[string]string{}
	buckets := []string{"a", "a.b", "A b ", "..", strings.Repeat("b", 100), strings.Repeat(".", 100), "con"}
	for _, bucket := range buckets {
		for _, key := range hostileKeys() {
			path := SafePath(key, bucket)
			requireSafePath(t, path)
			other, taken := files[path]
			require.False(t, taken, "%q and %q share the file %q", key, other, path)
			files[path] = key
			for dir := filepath.Dir(path); dir != "."; dir = filepath.Dir(dir) {
				folders[dir] = key
			}
		}
	}
	for path, key := range files {
		require.NotContains(t, folders, path, "%q is a file and %q needs it to be a folder", key, folders[path])
	}
}

// device matches the names that Windows keeps for devices.
var device = regexp.MustCompile(`(?i)^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9]) *(\.|$)`)

func requireSafePath(t testing.TB, path string) {
	t.Helper()
	require.True(t, filepath.IsLocal(path), "%q leaves the folder", path)
	require.Equal(t, path, filepath.Clean(path))
	require.LessOrEqual(t, len(path), 900)
	for name := range strings.SplitSeq(path, "/") {
		require.LessOrEqual(t, len(name), 255, "%q", name)
		require.False(t, strings.ContainsAny(name, `<>:"\|?*`), "%q", name)
		require.False(t, strings.ContainsFunc(name, func(c rune) bool { return c < ' ' }), "%q", name)
		require.Equal(t, strings.TrimRight(name, ". "), name)
		require.False(t, device.MatchString(name), "%q", name)
	}
}

func TestOnlyKeysThatDifferInCaseHavePathsThatDo(t *testing.T) {
	paths := map[string]string{}
	for _, key := range hostileKeys() {
		path := strings.ToLower(SafePath(key, "uploads"))
		if other, taken := paths[path]; taken {
			require.Equal(t, strings.ToLower(other), strings.ToLower(key))
		}
		paths[path] = key
	}
}

func FuzzPathsOfTwoKeysNeverCollide(f *testing.F) {
	for _, key := range hostileKeys() {
		f.Add(key, "uploads", "a/b", "uploads")
		f.Add("a/b", key, "a", "b")
	}
	f.Fuzz(func(t *testing.T, keyA, bucketA, keyB, bucketB string) {
		a, b := SafePath(keyA, bucketA), SafePath(keyB, bucketB)
		requireSafePath(t, a)
		if slices.Equal([]string{keyA, bucketA}, []string{keyB, bucketB}) {
			return
		}
		require.NotEqual(t, a, b)
		require.False(t, strings.HasPrefix(b, a+"/"), "%q is a file and a folder", a)
		require.False(t, strings.HasPrefix(a, b+"/"), "%q is a file and a folder", b)
	})
}

func BenchmarkSafePath(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_ = SafePath("photos/2024/01/IMG_2041 (1).jpg", "user-uploads")
	}
}
