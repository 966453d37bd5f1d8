package boltstore_test

import (
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/boltstore"
)

// noCopiesLeft makes the folder for temporary files one of the test's own, and
// returns a check that nothing is left in it.
func noCopiesLeft(t *testing.T) func() {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	return func() {
		t.Helper()
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, left)
	}
}

func TestASnapshotLeavesTheFileToItsUser(t *testing.T) {
	check := noCopiesLeft(t)
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := boltstore.Open(path)
	require.NoError(t, err)
	require.NoError(t, s.Put(t.Context(), ledger.Entry{Key: "k", Value: []byte("v")}))

	snapshot, err := boltstore.OpenSnapshot(t.Context(), path)
	require.NoError(t, err)
	require.True(t, snapshot.InUse())
	require.NoError(t, s.Put(t.Context(), ledger.Entry{Key: "k", Value: []byte("later")}))
	value, err := snapshot.Get(t.Context(), "k")
	require.NoError(t, err)
	require.Equal(t, "v", string(value))
	require.Error(t, snapshot.Put(t.Context(), ledger.Entry{Key: "k", Value: []byte("mine")}))
	require.Error(t, snapshot.Delete(t.Context(), "k"))
	require.NoError(t, s.Close())

	before, err := os.ReadFile(path)
	require.NoError(t, err)
	second, err := boltstore.OpenSnapshot(t.Context(), path)
	require.NoError(t, err)
	require.False(t, second.InUse())
	s, err = boltstore.Open(path)
	require.NoError(t, err, "an open snapshot keeps nobody from the file")
	require.NoError(t, s.Close())
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.NoError(t, snapshot.Close())
	require.NoError(t, second.Close())
	check()
}

// Two values are written together, again and again; no snapshot may show one
// without the other, or a database with parts of two moments.
func TestASnapshotOfAFileInUseIsOfOneMoment(t *testing.T) {
	check := noCopiesLeft(t)
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := boltstore.Open(path)
	require.NoError(t, err)
	var writing sync.WaitGroup
	put := func(n uint64) error {
		value := make([]byte, 8+int(n%7)*3000)
		binary.BigEndian.PutUint64(value, n)
		return s.Put(t.Context(), ledger.Entry{Key: "a", Value: value}, ledger.Entry{Key: "z", Value: value})
	}
	require.NoError(t, put(1))
	var ballast []ledger.Entry // a file that takes a while to be copied
	for i := range 500 {
		ballast = append(ballast, ledger.Entry{Key: "m" + strconv.Itoa(i), Value: make([]byte, 4000)})
	}
	require.NoError(t, s.Put(t.Context(), ballast...))
	seen := map[uint64]bool{}
	for n := uint64(2); n < 62; n += 3 {
		// A few writes meet the copy; then the file rests, so that a slow machine can
		// copy it as well.
		writing.Go(func() {
			for i := range uint64(3) {
				if err := put(n + i); err != nil {
					t.Error(err)
					return
				}
			}
		})
		snapshot, err := boltstore.OpenSnapshot(t.Context(), path)
		if err != nil {
			require.ErrorContains(t, err, "written to faster than it can be copied")
			writing.Wait()
			continue
		}
		a, err := snapshot.Get(t.Context(), "a")
		require.NoError(t, err)
		z, err := snapshot.Get(t.Context(), "z")
		require.NoError(t, err)
		require.Equal(t, a, z)
		seen[binary.BigEndian.Uint64(a)] = true
		require.NoError(t, snapshot.Close())
		writing.Wait()
	}
	require.NoError(t, s.Close())
	require.Greater(t, len(seen), 1, "the file was not written to meanwhile")
	check()
}

func TestASnapshotOfWhatIsNoStateSaysSo(t *testing.T) {
	check := noCopiesLeft(t)
	dir := t.TempDir()
	_, err := boltstore.OpenSnapshot(t.Context(), filepath.Join(dir, "none.db"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = boltstore.OpenSnapshot(t.Context(), dir)
	require.ErrorContains(t, err, "it is a folder")
	for name, content := range map[string]string{"empty": "", "text": "this was never a database", "zeroes": string(make([]byte, 1<<17))} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		_, err := boltstore.OpenSnapshot(t.Context(), path)
		require.ErrorContains(t, err, path)
		require.ErrorContains(t, err, "move it away")
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, content, string(after))
	}
	check()
}
