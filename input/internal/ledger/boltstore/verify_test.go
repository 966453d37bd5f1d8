package boltstore_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/boltstore"
)

// history writes to a store what a ledger might: values of all sizes, which come,
// change and go. It returns what is there in the end.
func history(t testing.TB, s *boltstore.Store, rnd *rand.Rand, steps int, each func()) map[string][]byte {
	t.Helper()
	there := map[string][]byte{}
	for range steps {
		var entries []ledger.Entry
		var gone []string
		for range rnd.IntN(6) + 1 {
			key := fmt.Sprintf("supabase-storage-0123456789abcdef-%c%d", "mj"[rnd.IntN(2)], rnd.IntN(150))
			if rnd.IntN(3) == 0 {
				gone = append(gone, key)
				continue
			}
			value := bytes.Repeat([]byte(key), 1+rnd.IntN([]int{2, 20, 400}[rnd.IntN(3)]))
			entries = append(entries, ledger.Entry{Key: key, Value: value})
			there[key] = value
		}
		require.NoError(t, s.Put(t.Context(), entries...))
		require.NoError(t, s.Delete(t.Context(), gone...))
		for _, key := range gone {
			delete(there, key)
		}
		each()
	}
	return there
}

func holds(t *testing.T, s *boltstore.Store, want map[string][]byte) {
	t.Helper()
	for key, value := range want {
		got, err := s.Get(t.Context(), key)
		require.NoError(t, err)
		require.True(t, bytes.Equal(value, got), key)
	}
}

func TestWhateverWasWrittenPasses(t *testing.T) {
	for seed := range uint64(4) {
		path := filepath.Join(t.TempDir(), "state.db")
		s, err := boltstore.Open(path)
		require.NoError(t, err)
		require.NoError(t, boltstore.Verify(path))
		want := history(t, s, rand.New(rand.NewPCG(seed, 0)), 60, func() { require.NoError(t, boltstore.Verify(path)) })
		require.NoError(t, s.Close())
		s, err = boltstore.Open(path)
		require.NoError(t, err)
		holds(t, s, want)
		require.NoError(t, s.Delete(t.Context(), keysIn(want)...))
		require.NoError(t, boltstore.Verify(path), "nothing is left in it")
		require.NoError(t, s.Close())
	}
}

func keysIn(m map[string][]byte) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

// A flipped byte is found when the file is opened, or it changes nothing that
// bbolt goes by: then all is there, also after more was written. A flip in a
// value, or in the length of the last one of a page, is found when that value is
// read, since the ledger's values carry checksums of their own.
func TestAFlippedByteAnywhereIsRefusedOrHarmless(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := boltstore.Open(path)
	require.NoError(t, err)
	want := history(t, s, rand.New(rand.NewPCG(7, 7)), 12, func() {})
	require.NoError(t, s.Close())
	good, err := os.ReadFile(path)
	require.NoError(t, err)

	refused, harmless := 0, 0
	rnd := rand.New(rand.NewPCG(1, 1))
	flip := func(at int) {
		bad := bytes.Clone(good)
		bad[at] ^= 1 << rnd.IntN(8)
		require.NoError(t, os.WriteFile(path, bad, 0o600))
		s, err := boltstore.Open(path)
		if err != nil {
			refused++
			require.ErrorContains(t, err, path)
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			require.True(t, bytes.Equal(bad, after), "the refused file was changed")
			return
		}
		harmless++
		for i := range 2 {
			require.NoError(t, s.Put(t.Context(), ledger.Entry{Key: fmt.Sprintf("new%d", i), Value: make([]byte, 9000*i+1)}))
		}
		wrong := 0
		for key, value := range want {
			got, err := s.Get(t.Context(), key)
			require.NoError(t, err, "byte %d", at)
			if !bytes.Equal(value, got) {
				wrong++
			}
		}
		require.LessOrEqual(t, wrong, 1, "byte %d: more than the value that was flipped", at)
		require.NoError(t, s.Close())
		require.NoError(t, boltstore.Verify(path), "byte %d", at)
	}
	pageSize := os.Getpagesize()
	for start := 0; start < len(good); start += pageSize {
		for at := start; at < start+80; at++ { // the headers of the page and its first elements
			if good[at] != 0 || at%16 == 0 {
				flip(at)
			}
		}
		for range 3 {
			flip(start + rnd.IntN(pageSize))
		}
	}
	t.Logf("%d refused, %d harmless", refused, harmless)
	require.Positive(t, refused)
	require.Positive(t, harmless)
}

// Each of these is read without complaint by bbolt.
func TestDamageThatBboltDoesNotSee(t *testing.T) {
	pageSize := int64(os.Getpagesize())
	for name, tc := range map[string]struct {
		spoil func(t *testing.T, f *os.File)
		says  string
	}{
		"a page in use is listed as free": {func(t *testing.T, f *os.File) {
			t.Helper()
			freelist := field(t, f, newest(t, f)+16+32)
			root := field(t, f, newest(t, f)+16+16)
			put(t, f, int64(freelist)*pageSize+16, root)
		}, "which is not free"},
		"a page is listed as free twice": {func(t *testing.T, f *os.File) {
			t.Helper()
			at := int64(field(t, f, newest(t, f)+16+32)) * pageSize
			put(t, f, at+24, field(t, f, at+16))
		}, "which is not free"},
		"the list of free pages goes on over pages in use": {func(t *testing.T, f *os.File) {
			t.Helper()
			at := int64(field(t, f, newest(t, f)+16+32)) * pageSize
			put(t, f, at+8, field(t, f, at+8)|3<<32)
		}, "damaged"},
		"the newest header page is gone, and an older one is there": {func(t *testing.T, f *os.File) {
			t.Helper()
			put(t, f, newest(t, f)+16+56, 0)
		}, "is not as it was written"},
		"the state of a moment ago": {func(t *testing.T, f *os.File) {
			t.Helper()
			// Whole and sound, with a root of before the last key was added.
			new, old := newest(t, f), pageSize-newest(t, f)
			root := field(t, f, old+16+16)
			put(t, f, new+16+16, root)
			meta := make([]byte, 64)
			_, err := f.ReadAt(meta, new+16)
			require.NoError(t, err)
			sum := fnv.New64a()
			_, _ = sum.Write(meta[:56])
			put(t, f, new+16+56, sum.Sum64())
		}, "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			path := sound(t)
			s, err := boltstore.Open(path)
			require.NoError(t, err)
			require.NoError(t, s.Delete(t.Context(), "k3", "k4", "k9"))
			require.NoError(t, s.Close())
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			require.NoError(t, err)
			tc.spoil(t, f)
			require.NoError(t, f.Close())
			_, err = boltstore.Open(path)
			require.ErrorContains(t, err, tc.says)
			_, err = boltstore.OpenSnapshot(t.Context(), path)
			require.ErrorContains(t, err, tc.says)
		})
	}
}

// newest is where the newest header page begins.
func newest(t *testing.T, f *os.File) int64 {
	t.Helper()
	if field(t, f, 16+48) > field(t, f, int64(os.Getpagesize())+16+48) {
		return 0
	}
	return int64(os.Getpagesize())
}

func field(t *testing.T, f *os.File, at int64) uint64 {
	t.Helper()
	b := make([]byte, 8)
	_, err := f.ReadAt(b, at)
	require.NoError(t, err)
	return binary.NativeEndian.Uint64(b)
}

func put(t *testing.T, f *os.File, at int64, v uint64) {
	t.Helper()
	_, err := f.WriteAt(binary.NativeEndian.AppendUint64(nil, v), at)
	require.NoError(t, err)
}

// A file that was written before there were digests is good, and has one from
// its first write on.
func TestAFileWithoutADigestGetsOne(t *testing.T) {
	path := sound(t)
	sequence := func(set uint64) (n uint64) {
		db, err := bbolt.Open(path, 0o600, nil)
		require.NoError(t, err)
		require.NoError(t, db.Update(func(tx *bbolt.Tx) error {
			return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
				if n = b.Sequence(); set != 0 {
					return b.SetSequence(set - 1)
				}
				return nil
			})
		}))
		require.NoError(t, db.Close())
		return n
	}
	before := sequence(1)
	require.NotZero(t, before)
	s, err := boltstore.Open(path)
	require.NoError(t, err)
	require.NoError(t, s.Put(t.Context(), ledger.Entry{Key: "k0", Value: []byte("v")}))
	require.NoError(t, s.Close())
	require.Equal(t, before, sequence(0))
	sequence(before + 3)
	_, err = boltstore.Open(path)
	require.ErrorContains(t, err, "its keys are not the keys that were written")
}

// A version before this one could be killed between creating a file and its
// bucket.
func TestAFileThatWasNeverUsedIsUsedFromNowOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	db, err := bbolt.Open(path, 0o600, nil)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	s, err := boltstore.Open(path)
	require.NoError(t, err)
	require.NoError(t, s.Put(t.Context(), ledger.Entry{Key: "k", Value: []byte("v")}))
	require.NoError(t, s.Close())
}
