package emulator

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// write makes a file below dir.
func write(t *testing.T, dir, name, content string) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
}

func newDirServer(t *testing.T, o Options) (string, *Server, *client) {
	t.Helper()
	dir := t.TempDir()
	s, err := NewDir(dir, o)
	require.NoError(t, err)
	return dir, s, newClient(t, s)
}

func TestFolderIsListedInTheOrderOfTheKeys(t *testing.T) {
	dir, _, c := newDirServer(t, Options{})
	keys := []string{"a-b", "a.txt", "a/b", "a/c/d", "a/c.d", "a0", "b/x", "z"}
	for _, key := range keys {
		write(t, dir, "photos/"+key, key)
	}
	write(t, dir, "loose.txt", "in no bucket")
	write(t, dir, ".hidden/x", "in no bucket")
	want := []string{"a-b", "a.txt", "a/b", "a/c.d", "a/c/d", "a0", "b/x", "z"}
	for _, size := range []string{"1", "2", "3", "1000"} {
		var got []string
		for _, page := range c.listAll("photos", url.Values{"max-keys": {size}}) {
			got = append(got, page...)
		}
		require.Equal(t, want, got, "pages of %s", size)
	}
	require.Equal(t, []string{"a/c.d", "a/c/d"}, c.list("photos", url.Values{"prefix": {"a/c"}}).entries())
	require.Equal(t, []string{"a/c/d", "a0", "b/x", "z"}, c.list("photos", url.Values{"start-after": {"a/c.d"}}).entries())
	require.Equal(t, []string{"a0", "b/x", "z"}, c.list("photos", url.Values{"start-after": {"a/zzz"}}).entries())
	buckets := c.do(http.MethodGet, "", "", "", nil, nil).body
	require.Equal(t, 1, strings.Count(buckets, "<Name>"))
	require.Equal(t, http.StatusNotFound, c.do(http.MethodGet, ".hidden", "", "list-type=2", nil, nil).status)
	require.Equal(t, http.StatusNotFound, c.do(http.MethodGet, "loose.txt", "", "list-type=2", nil, nil).status)
}

func TestChangesOfFilesShowAtOnce(t *testing.T) {
	dir, s, c := newDirServer(t, Options{})
	write(t, dir, "b/k.json", "{}")
	got := c.get("b", "k.json")
	require.Equal(t, "{}", got.body)
	require.Equal(t, "application/json", got.header.Get("Content-Type"))
	require.Equal(t, `"99914b932bd37a50b983c5e7c90ae93b"`, got.header.Get("Etag"))
	require.Equal(t, `"99914b932bd37a50b983c5e7c90ae93b"`, c.list("b", url.Values{}).Contents[0].ETag)

	write(t, dir, "b/k.json", "[1]")
	write(t, dir, "b/sub/new.txt", "new")
	require.Equal(t, "[1]", c.get("b", "k.json").body)
	require.Equal(t, []string{"k.json", "sub/new.txt"}, c.list("b", url.Values{}).entries())

	require.NoError(t, os.Remove(filepath.Join(dir, "b", "k.json")))
	require.Equal(t, http.StatusNotFound, c.get("b", "k.json").status)
	require.Equal(t, []string{"sub/new.txt"}, c.list("b", url.Values{}).entries())
	_, _, ok := s.Get("b", "k.json")
	require.False(t, ok)
}

func TestUploadsBecomeFiles(t *testing.T) {
	dir, s, c := newDirServer(t, Options{})
	s.CreateBucket("b")
	header := http.Header{"Content-Type": {"text/x-own"}, "X-Amz-Meta-A": {"1"}}
	require.Equal(t, http.StatusOK, c.do(http.MethodPut, "b", "sub/k.txt", "", header, []byte("content")).status)
	data, err := os.ReadFile(filepath.Join(dir, "b", "sub", "k.txt"))
	require.NoError(t, err)
	require.Equal(t, "content", string(data))
	got := c.get("b", "sub/k.txt")
	require.Equal(t, "text/x-own", got.header.Get("Content-Type"))
	require.Equal(t, "1", got.header.Get("X-Amz-Meta-A"))

	for _, key := range []string{"a//b", "/lead", "sub/k.txt/below", "sub", "trail/"} {
		put := c.do(http.MethodPut, "b", key, "", nil, []byte("x"))
		require.Equal(t, http.StatusBadRequest, put.status, key)
		require.Equal(t, "InvalidKey", put.code(), key)
	}
	when := time.Date(2024, 6, 1, 12, 0, 0, 0, time.UTC)
	s.PutGenerated("b", "big.bin", 100_000, 5, WithLastModified(when))
	require.Equal(t, "Sat, 01 Jun 2024 12:00:00 GMT", c.get("b", "big.bin").header.Get("Last-Modified"))
	require.Len(t, c.get("b", "big.bin").body, 100_000)

	s.Touch("b")
	require.NotEqual(t, "2024-06-01T12:00:00.000Z", c.list("b", url.Values{}).Contents[0].LastModified)
	require.Equal(t, http.StatusNoContent, c.do(http.MethodDelete, "b", "sub/k.txt", "", nil, nil).status)
	require.NoFileExists(t, filepath.Join(dir, "b", "sub", "k.txt"))
	entries, err := os.ReadDir(filepath.Join(dir, "b", "sub"))
	require.NoError(t, err)
	require.Empty(t, entries, "what uploads leave behind")
}

func TestReadOnlyFolderIsLeftAlone(t *testing.T) {
	dir, _, c := newDirServer(t, Options{ReadOnly: true})
	write(t, dir, "b/k", "x")
	for _, method := range []string{http.MethodPut, http.MethodDelete} {
		got := c.do(method, "b", "k", "", nil, []byte("y"))
		require.Equal(t, http.StatusServiceUnavailable, got.status)
		require.Equal(t, "DatabaseReadOnly", got.code())
	}
	require.Equal(t, "x", c.get("b", "k").body)
}

func TestNothingOutsideOfTheFolderIsRead(t *testing.T) {
	dir, _, c := newDirServer(t, Options{})
	outside := t.TempDir()
	write(t, outside, "secret.txt", "secret")
	write(t, dir, "b/inside.txt", "x")
	require.NoError(t, os.Symlink(filepath.Join(outside, "secret.txt"), filepath.Join(dir, "b", "link.txt")))
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "b", "folder")))
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "bucket")))
	require.NoError(t, os.Symlink("inside.txt", filepath.Join(dir, "b", "near.txt")))
	require.Equal(t, []string{"inside.txt", "near.txt"}, c.list("b", url.Values{}).entries())
	for _, key := range []string{"link.txt", "folder/secret.txt", "../secret.txt", "../b/inside.txt", "./inside.txt"} {
		require.Equal(t, http.StatusNotFound, c.get("b", key).status, key)
	}
	require.Equal(t, http.StatusNotFound, c.get("bucket", "secret.txt").status)
	require.Equal(t, http.StatusNotFound, c.get("..", "secret.txt").status)
}

func TestFileThatChangesUnderTheReadIsCut(t *testing.T) {
	dir, s, c := newDirServer(t, Options{})
	write(t, dir, "b/k", strings.Repeat("o", 1000))
	file := filepath.Join(dir, "b", "k")
	var once bool
	s.SetFaults(func(Request) Fault {
		if once {
			return Fault{}
		}
		once = true
		return Fault{OverwriteMid: func() {
			require.NoError(t, os.WriteFile(file, []byte(strings.Repeat("y", 1000)), 0o600))
			later := time.Now().Add(time.Hour)
			require.NoError(t, os.Chtimes(file, later, later))
		}}
	})
	require.Error(t, c.get("b", "k").err)
	require.Equal(t, strings.Repeat("y", 1000), c.get("b", "k").body)
}

func TestFileWithAForbiddenNameIsListedButNotRead(t *testing.T) {
	dir, _, c := newDirServer(t, Options{})
	write(t, dir, "b/ümlaut#1.txt", "x")
	require.Equal(t, []string{"ümlaut#1.txt"}, c.list("b", url.Values{}).entries())
	require.Equal(t, "InvalidKey", c.get("b", "ümlaut#1.txt").code())
}

func TestMissingFolderIsAnError(t *testing.T) {
	_, err := NewDir(filepath.Join(t.TempDir(), "nope"), Options{})
	require.ErrorContains(t, err, "opening the folder of the buckets")
}
