//go:build linux || darwin

package boltstore_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/boltstore"
)

const (
	childPath  = "BOLTSTORE_TEST_CREATE"
	childLimit = "BOLTSTORE_TEST_LIMIT"
	childLives = "BOLTSTORE_TEST_LIVES"
)

// TestMain is also the process that creates a file and gets no further than a
// number of bytes.
func TestMain(m *testing.M) {
	path := os.Getenv(childPath)
	if path == "" {
		os.Exit(m.Run())
	}
	limit, err := strconv.ParseUint(os.Getenv(childLimit), 10, 64)
	if err != nil {
		panic(err)
	}
	if os.Getenv(childLives) != "" {
		signal.Ignore(syscall.SIGXFSZ) // the write fails, as on a full disk
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
		panic(err)
	}
	s, err := boltstore.Open(path)
	if err != nil {
		fmt.Println(err)
		os.Exit(3)
	}
	_ = s.Close()
	os.Exit(0)
}

// A process that is killed while it creates a file, or whose disk is full, leaves
// nothing at the path, or a file that is whole; and nothing that keeps the next
// one from it.
func TestACreationThatIsCutOffAnywhereLeavesNothingOrAGoodFile(t *testing.T) {
	for limit := 0; limit <= 48<<10; limit += 4096 {
		for _, lives := range []string{"", "yes"} {
			t.Run(fmt.Sprintf("%d bytes, lives %s", limit, lives), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "new", "state.db")
				child := exec.Command(os.Args[0])
				child.Env = append(os.Environ(), childPath+"="+path, childLimit+"="+strconv.Itoa(limit), childLives+"="+lives)
				out, err := child.CombinedOutput()
				if err != nil && lives != "" {
					require.Contains(t, string(out), "creating it")
					left, err := os.ReadDir(filepath.Dir(path))
					require.NoError(t, err)
					require.Empty(t, left, "a process that goes on cleans up")
				}
				if err != nil {
					_, err := os.Lstat(path)
					require.ErrorIs(t, err, os.ErrNotExist)
				}
				s, err := boltstore.Open(path)
				require.NoError(t, err)
				require.NoError(t, s.Put(t.Context(), ledger.Entry{Key: "k", Value: []byte("v")}))
				require.NoError(t, s.Close())
				left, err := os.ReadDir(filepath.Dir(path))
				require.NoError(t, err)
				require.Len(t, left, 1, "what a creation left is removed")
			})
		}
	}
}

func TestWhatIsNoFileIsSaidAndLeftAlone(t *testing.T) {
	dir := t.TempDir()
	link := func(target string) func(string) error {
		return func(path string) error { return os.Symlink(target, path) }
	}
	for name, tc := range map[string]struct {
		make func(path string) error
		says string
	}{
		"dangling link": {link(filepath.Join(dir, "gone", "state.db")), `it is a link to "` + filepath.Join(dir, "gone", "state.db") + `", which is not there`},
		"link to a dangling link": {func(path string) error {
			if err := os.Symlink("nowhere", path+".1"); err != nil {
				return err
			}
			return os.Symlink(path+".1", path)
		}, "which is not there"},
		"link to itself":   {func(path string) error { return os.Symlink(path, path) }, "too many levels of symbolic links"},
		"pipe":             {func(path string) error { return syscall.Mkfifo(path, 0o600) }, "it is no regular file (p"},
		"device":           {link("/dev/null"), "it is no regular file (Dc"},
		"link to a folder": {link(dir), "it is a folder"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			require.NoError(t, tc.make(path))
			before, err := os.Lstat(path)
			require.NoError(t, err)
			_, err = boltstore.Open(path)
			require.ErrorContains(t, err, tc.says)
			require.ErrorContains(t, err, path)
			_, err = boltstore.OpenSnapshot(t.Context(), path)
			require.ErrorContains(t, err, tc.says)
			require.NotErrorIs(t, err, os.ErrNotExist, "else it would count as a state that is created with the first run")
			after, err := os.Lstat(path)
			require.NoError(t, err)
			require.Equal(t, before.Mode(), after.Mode())
		})
	}
}

func TestALinkToAStateFileIsFollowed(t *testing.T) {
	path := sound(t)
	link := filepath.Join(t.TempDir(), "link.db")
	require.NoError(t, os.Symlink(path, link))
	s, err := boltstore.Open(link)
	require.NoError(t, err)
	require.NoError(t, s.Put(t.Context(), ledger.Entry{Key: "k", Value: []byte("v")}))
	require.NoError(t, s.Close())
	_, err = os.Readlink(link)
	require.NoError(t, err, "it is a link still")
}

func TestOnlyWhatACreationLeftIsRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	keep := []string{".state.db", ".state.db.being-created-", ".state.db.being-created-by-me", "state.db.new", ".other.db.being-created-" + strings.Repeat("A", 26)}
	for _, name := range keep {
		require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(path), name), []byte("mine"), 0o600))
	}
	leftover := filepath.Join(filepath.Dir(path), ".state.db.being-created-"+strings.Repeat("A", 26))
	require.NoError(t, os.WriteFile(leftover, []byte("cut off"), 0o600))
	s, err := boltstore.Open(path)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoFileExists(t, leftover)
	for _, name := range keep {
		b, err := os.ReadFile(filepath.Join(filepath.Dir(path), name))
		require.NoError(t, err)
		require.Equal(t, "mine", string(b))
	}
}

// What is written to a file that has lost its name is lost.
func TestAFileThatWasRemovedOrReplacedTakesNoMoreWrites(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(path string) error
		says  string
	}{
		"removed":            {os.Remove, "was removed"},
		"removed with all":   {func(path string) error { return os.RemoveAll(filepath.Dir(path)) }, "was removed"},
		"moved away":         {func(path string) error { return os.Rename(path, path+".old") }, "was removed"},
		"restored meanwhile": {func(path string) error { return os.Rename(sound(t), path) }, "another file was put in its place"},
	} {
		t.Run(name, func(t *testing.T) {
			path := sound(t)
			s, err := boltstore.Open(path)
			require.NoError(t, err)
			require.NoError(t, s.Put(t.Context(), ledger.Entry{Key: "k", Value: []byte("v")}))
			require.NoError(t, tc.spoil(path))
			err = s.Put(t.Context(), ledger.Entry{Key: "k", Value: []byte("v")})
			require.ErrorIs(t, err, ledger.ErrLost)
			require.ErrorContains(t, err, tc.says)
			require.True(t, ledger.Lasting(err))
			require.NoError(t, s.Close())
		})
	}
}

func TestAFullDiskPasses(t *testing.T) {
	path := sound(t)
	s, err := boltstore.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	for err, lasting := range map[error]bool{
		syscall.ENOSPC: false, syscall.EDQUOT: false, syscall.ETIMEDOUT: false,
		syscall.EROFS: true, syscall.EIO: true, syscall.ENODEV: true, syscall.ENXIO: true, syscall.ESTALE: true, syscall.EFBIG: true,
	} {
		require.Equal(t, lasting, ledger.Lasting(boltstore.Lasting(fmt.Errorf("write: %w", err))), err.Error())
	}
}
