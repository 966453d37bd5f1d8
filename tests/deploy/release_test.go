package deploy_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	rpm "github.com/sassoftware/go-rpmutils"
	"github.com/stretchr/testify/require"
)

// releaseVersion is stamped into the releases of these tests.
const releaseVersion = "v1.2.3"

// released is the folder with a release for linux/amd64 from a clone of the last
// commit, and that of another clone in another folder.
var (
	releaseOnce sync.Once
	released    [2]string
)

func theRelease(t *testing.T) (first, second string) {
	t.Helper()
	releaseOnce.Do(func() {
		above := filepath.Dir(content)
		for i, name := range []string{"one", "another/folder"} {
			clone, out := filepath.Join(above, name, "clone"), filepath.Join(above, name, "dist")
			command(t, "git", "clone", "-q", "file://"+strings.TrimSpace(command(t, "git", "-C", root, "rev-parse", "--show-toplevel")), clone)
			printed, err := try(t, []string{"TAGS=noaws", "VERSION=" + releaseVersion}, "bash", clone+"/config/deploy/release.sh", "--out", out, "linux/amd64")
			require.NoError(t, err, printed)
			released[i] = out
		}
	})
	require.NotEmpty(t, released[1])
	return released[0], released[1]
}

// file is one of a release.
func file(dir, ending string) string {
	return filepath.Join(dir, "supabase-connect-"+releaseVersion+"-linux-amd64"+ending)
}

func TestAReleaseFromAnotherFolderIsTheSame(t *testing.T) {
	first, second := theRelease(t)
	sums := read(t, first+"/checksums.txt")
	require.Equal(t, sums, read(t, second+"/checksums.txt"))
	require.Equal(t, 4, strings.Count(sums, "\n"))
	for _, ending := range []string{".tar.gz", ".deb", ".rpm", ".cdx.json"} {
		require.Contains(t, sums, "  "+filepath.Base(file(first, ending))+"\n")
	}
	_, err := try(t, nil, "sh", "-c", "cd "+second+" && sha256sum --check --strict checksums.txt")
	require.NoError(t, err)
}

func TestAReleaseSaysWhatItIs(t *testing.T) {
	dist, _ := theRelease(t)
	dir := t.TempDir()
	command(t, "tar", "-C", dir, "-xzf", file(dist, ".tar.gz"))
	top := filepath.Join(dir, "supabase-connect-"+releaseVersion+"-linux-amd64")
	for _, name := range []string{"LICENSE", "NOTICE", "README.md", "CHANGELOG.md"} {
		require.FileExists(t, filepath.Join(top, name))
	}
	version := command(t, filepath.Join(top, "supabase-connect"), "--version")
	require.Contains(t, version, "Version: "+releaseVersion+"\n")
	require.Contains(t, version, "Commit: "+strings.TrimSpace(command(t, "git", "-C", root, "rev-parse", "HEAD"))+"\n")
	_, benthos, ok := strings.Cut(version, "Benthos: ")
	require.True(t, ok)
	benthos, _, _ = strings.Cut(benthos, "\n")
	require.Regexp(t, `^v4\.`, benthos)

	// The list of components agrees.
	var bom struct {
		BomFormat  string
		Metadata   struct{ Component struct{ Version string } }
		Components []struct{ Name, Version string }
	}
	require.NoError(t, json.Unmarshal([]byte(read(t, file(dist, ".cdx.json"))), &bom))
	require.Equal(t, "CycloneDX", bom.BomFormat)
	require.Equal(t, releaseVersion, bom.Metadata.Component.Version)
	versions := map[string]string{}
	for _, c := range bom.Components {
		versions[c.Name] = c.Version
	}
	require.Equal(t, benthos, versions["github.com/redpanda-data/benthos/v4"])
	require.Greater(t, len(versions), 50)
}

func TestPackagesInstallTheSameFiles(t *testing.T) {
	dist, _ := theRelease(t)
	require.Equal(t, "1.2.3\n", command(t, "dpkg-deb", "--field", file(dist, ".deb"), "Version"))
	want := []string{
		"/usr/bin/supabase-connect",
		"/usr/lib/systemd/system/supabase-connect@.service",
		"/usr/lib/systemd/system/supabase-connect-once@.service",
		"/usr/lib/systemd/system/supabase-connect-once@.timer",
		"/usr/share/doc/supabase-connect/examples/pipeline.yaml",
	}
	deb := unpacked(t)
	for _, path := range want {
		require.FileExists(t, filepath.Join(deb, path))
	}
	info, err := os.Stat(filepath.Join(deb, want[0]))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o755), info.Mode())

	f, err := os.Open(file(dist, ".rpm"))
	require.NoError(t, err)
	defer f.Close()
	pkg, err := rpm.ReadRpm(f)
	require.NoError(t, err)
	files, err := pkg.Header.GetFiles()
	require.NoError(t, err)
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	require.Subset(t, names, want)
}

// unpacked is a folder with what the Debian package installs.
func unpacked(t *testing.T) string {
	t.Helper()
	dist, _ := theRelease(t)
	dir := t.TempDir()
	command(t, "dpkg-deb", "--extract", file(dist, ".deb"), dir)
	return dir
}

func TestAReleaseIsMadeOfCommitsOnly(t *testing.T) {
	clone := filepath.Join(t.TempDir(), "clone")
	theRelease(t)
	command(t, "git", "clone", "-q", filepath.Join(filepath.Dir(content), "one/clone"), clone)
	write(t, clone+"/cmd/supabase-connect/more.go", "package main\n")
	out, err := try(t, nil, "bash", clone+"/config/deploy/release.sh", "--out", t.TempDir(), "linux/amd64")
	require.Error(t, err)
	require.Contains(t, out, "changes that are not committed")
}
