package boltstore_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/boltstore"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/ledgertest"
)

func TestStore(t *testing.T) {
	root := t.TempDir()
	paths := map[string]string{}
	ledgertest.TestStore(t, func(t *testing.T) ledger.Store {
		if paths[t.Name()] == "" {
			paths[t.Name()] = filepath.Join(root, strconv.Itoa(len(paths)), "state.db")
		}
		s, err := boltstore.Open(paths[t.Name()])
		require.NoError(t, err)
		return s
	})
}

func TestFileAndFolderAreCreatedForTheOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "state.db")
	s, err := boltstore.Open(path)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	if runtime.GOOS == "windows" {
		return
	}
	for p, mode := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		info, err := os.Stat(p)
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm(), p)
	}
}

func TestSecondUserIsRefusedSoon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := boltstore.Open(path)
	require.NoError(t, err)
	begin := time.Now()
	_, err = boltstore.Open(path)
	require.ErrorContains(t, err, "in use by another process or another input")
	require.ErrorContains(t, err, path)
	require.Less(t, time.Since(begin), 3*time.Second)
	require.NoError(t, s.Close())
	s, err = boltstore.Open(path)
	require.NoError(t, err)
	require.NoError(t, s.Close())
}

// sound makes a state file with something in it.
func sound(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := boltstore.Open(path)
	require.NoError(t, err)
	for i := range 20 {
		require.NoError(t, s.Put(t.Context(), ledger.Entry{Key: fmt.Sprintf("k%d", i), Value: bytes.Repeat([]byte{byte(i)}, 5000)}))
	}
	require.NoError(t, s.Close())
	return path
}

func TestFileThatIsNoSoundStateIsRefusedAndLeftAlone(t *testing.T) {
	tests := []struct {
		name, says string
		spoil      func(t *testing.T, path string)
	}{
		{"truncated to nothing", "it is empty", func(t *testing.T, path string) {
			require.NoError(t, os.Truncate(path, 0))
		}},
		{"truncated in its first page", "damaged", func(t *testing.T, path string) {
			require.NoError(t, os.Truncate(path, 100))
		}},
		{"truncated after the first pages", "it is cut off", func(t *testing.T, path string) {
			require.NoError(t, os.Truncate(path, 40<<10))
		}},
		{"truncated in its last page", "it is cut off", func(t *testing.T, path string) {
			db, err := bbolt.Open(path, 0o600, nil)
			require.NoError(t, err)
			var used int64
			require.NoError(t, db.View(func(tx *bbolt.Tx) error {
				used = tx.Size()
				return nil
			}))
			require.NoError(t, db.Close())
			require.NoError(t, os.Truncate(path, used-1))
		}},
		{"a text file", "it is no state file", func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("hello world\n"), 5000), 0o600))
		}},
		{"zeroed pages", "it is", func(t *testing.T, path string) {
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			clear(b[2*os.Getpagesize():])
			require.NoError(t, os.WriteFile(path, b, 0o600))
		}},
		{"another program's database", `another program (it holds "theirs")`, func(t *testing.T, path string) {
			require.NoError(t, os.Remove(path))
			db, err := bbolt.Open(path, 0o600, nil)
			require.NoError(t, err)
			require.NoError(t, db.Update(func(tx *bbolt.Tx) error {
				_, err := tx.CreateBucket([]byte("theirs"))
				return err
			}))
			require.NoError(t, db.Close())
		}},
		{"a folder", "it is a folder", func(t *testing.T, path string) {
			require.NoError(t, os.Remove(path))
			require.NoError(t, os.Mkdir(path, 0o700))
		}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			path := sound(t)
			tc.spoil(t, path)
			before, _ := os.ReadFile(path)
			for range 2 {
				_, err := boltstore.Open(path)
				require.ErrorContains(t, err, tc.says)
				require.ErrorContains(t, err, path)
			}
			after, _ := os.ReadFile(path)
			require.True(t, bytes.Equal(before, after), "the refused file was changed")
		})
	}
}

func TestEveryFlippedByteIsRefusedOrHarmless(t *testing.T) {
	path := sound(t)
	good, err := os.ReadFile(path)
	require.NoError(t, err)
	for at := 0; at < len(good); at += 397 {
		bad := bytes.Clone(good)
		bad[at] ^= 0x41
		require.NoError(t, os.WriteFile(path, bad, 0o600))
		s, err := boltstore.Open(path)
		if err != nil {
			require.ErrorContains(t, err, path)
			continue
		}
		for i := range 20 {
			_, err := s.Get(t.Context(), fmt.Sprintf("k%d", i))
			if err != nil {
				require.ErrorIs(t, err, ledger.ErrNotFound)
			}
		}
		require.NoError(t, s.Close())
	}
}

func TestClosedStoreTakesNothing(t *testing.T) {
	s, err := boltstore.Open(sound(t))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	require.Error(t, s.Put(t.Context(), ledger.Entry{Key: "k", Value: []byte("v")}))
	_, err = s.Get(t.Context(), "k0")
	require.Error(t, err)
	require.NotErrorIs(t, err, ledger.ErrNotFound)
}
