package config_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// member is a file in an archive; a name that ends with a slash is a folder.
type member struct{ name, content string }

func zipOf(t *testing.T, members ...member) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, m := range members {
		file, err := w.Create(m.name)
		require.NoError(t, err)
		_, err = io.WriteString(file, m.content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

func tarOf(t *testing.T, members ...member) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, m := range members {
		h := &tar.Header{Name: m.name, Mode: 0o600, Size: int64(len(m.content)), Typeflag: tar.TypeReg}
		if strings.HasSuffix(m.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		require.NoError(t, w.WriteHeader(h))
		_, err := io.WriteString(w, m.content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

func gzipOf(t *testing.T, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(content)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

func TestEveryFileInAnArchiveIsAMessageWithItsName(t *testing.T) {
	project, env := startProject(t, emulator.Options{})
	members := []member{{"docs/", ""}, {"docs/a.txt", "a"}, {"docs/b c.txt", "b"}, {"empty", ""}}
	project.Put("uploads", "x.zip", zipOf(t, members...))
	project.Put("uploads", "f/x.tar", tarOf(t, members...))
	project.Put("uploads", "x.tar.gz", gzipOf(t, tarOf(t, members...)))
	project.Put("uploads", "x.tgz", gzipOf(t, tarOf(t, members...)))
	project.Put("uploads", "log.txt.gz", gzipOf(t, []byte("lines")))
	project.Put("uploads", "other.txt", []byte("no archive"))
	dir := t.TempDir()
	report := runConfig(t, readConfig(t, "unpack.yaml"), with(env, "OUTPUT_DIR", dir))
	require.NoError(t, report.Err)
	require.Equal(t, map[string]int64{"include": 1}, report.Filtered)
	want := map[string]string{"uploads/log.txt.gz/log.txt": "lines"}
	for _, archive := range []string{"x.zip", "f/x.tar", "x.tar.gz", "x.tgz"} {
		for name, content := range map[string]string{"docs/a.txt": "a", "docs/b+c.txt": "b", "empty": ""} {
			want["uploads/"+archive+"/"+name] = content
		}
	}
	require.Equal(t, want, readTree(t, dir))
}

func TestNamesInArchivesStayInTheFolderAndApart(t *testing.T) {
	project, env := startProject(t, emulator.Options{})
	var members []member
	for i, name := range []string{
		"../../x", "x", "/x", "//x", "./x", "a/../x", "a//x", "a/x", "..%2Fx", "C:\\x", "c:/x", "a b", "a+b", "ä", "a\\b", "%2E%2E/x", "...", ".hidden",
	} {
		members = append(members, member{name, fmt.Sprint(i)})
	}
	project.Put("uploads", "hostile.zip", zipOf(t, members...))
	project.Put("uploads", "hostile.tar", tarOf(t, members...))
	root := t.TempDir()
	report := runConfig(t, readConfig(t, "unpack.yaml"), with(env, "OUTPUT_DIR", root+"/a/b/c"))
	require.NoError(t, report.Err)
	require.Len(t, readTree(t, root+"/a/b/c/uploads/hostile.zip"), len(members))
	require.Len(t, readTree(t, root+"/a/b/c/uploads/hostile.tar"), len(members))
	require.Len(t, readTree(t, root), 2*len(members), "a file outside of the folders of the archives")
}

func TestADamagedArchiveIsParkedAndTheOthersArrive(t *testing.T) {
	project, env := startProject(t, emulator.Options{})
	whole := zipOf(t, member{"a.txt", strings.Repeat("text ", 1000)})
	project.Put("uploads", "good.zip", whole)
	project.Put("uploads", "cut.zip", whole[:len(whole)/2])
	project.Put("uploads", "cut.tar.gz", gzipOf(t, tarOf(t, member{"a", "text"}))[:40])
	project.Put("uploads", "none.gz", []byte("not compressed"))
	dir := t.TempDir()
	report := runConfig(t, readConfig(t, "unpack.yaml"), with(env, "OUTPUT_DIR", dir))
	require.Error(t, report.Err)
	require.EqualValues(t, 1, report.Delivered)
	require.Equal(t, map[string]string{"uploads/good.zip/a.txt": strings.Repeat("text ", 1000)}, readTree(t, dir))
}

func TestObjectsArePackedIntoArchives(t *testing.T) {
	project, env := startProject(t, emulator.Options{})
	want := map[string]string{}
	for i := range 250 {
		key := fmt.Sprintf("f%d/%03d.txt", i%3, i)
		project.Put("uploads", key, []byte("content of "+key))
		want["uploads/"+key] = "content of " + key
	}
	dir := t.TempDir()
	report := runConfig(t, readConfig(t, "pack.yaml"), with(env, "OUTPUT_DIR", dir, "ARCHIVE_OBJECTS", "100"))
	require.NoError(t, report.Err)
	archives := readTree(t, dir)
	require.GreaterOrEqual(t, len(archives), 3)
	got := map[string]string{}
	for name, content := range archives {
		require.Regexp(t, `^uploads-[0-9a-f-]+\.zip$`, name)
		r, err := zip.NewReader(strings.NewReader(content), int64(len(content)))
		require.NoError(t, err)
		require.LessOrEqual(t, len(r.File), 100)
		for _, file := range r.File {
			require.NotContains(t, got, file.Name, "an object in two archives")
			in, err := file.Open()
			require.NoError(t, err)
			data, err := io.ReadAll(in)
			require.NoError(t, err)
			got[file.Name] = string(data)
		}
	}
	require.Equal(t, want, got)
}
