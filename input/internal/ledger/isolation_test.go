package ledger_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/boltstore"
)

// neighbours fills the scopes of one store; the last one has only a journal yet.
// It returns how many objects each has.
func neighbours(t *testing.T, store ledger.Store) []int {
	t.Helper()
	counts := []int{3000, 2500, 40}
	for i, n := range counts {
		l := neighbour(t, store, i)
		require.NoError(t, l.SetIdentity(t.Context(), "authenticated"))
		deliver(t, l, many(n-5, "v1"))
		deliver(t, l, many(n, "v1"))
		require.NoError(t, l.Close(t.Context()))
	}
	require.NoError(t, openBook(t, store).Put(t.Context(), entry("bucket-0000")))
	return counts
}

func neighbour(t *testing.T, store ledger.Store, i int) *ledger.Ledger {
	t.Helper()
	return openOn(t, ledger.Shared(store), func(o *ledger.Options) { o.Scope = bucketScope(i) })
}

// whole makes sure that a scope has lost nothing and goes on.
func whole(t *testing.T, store ledger.Store, i, n int) {
	t.Helper()
	l := neighbour(t, store, i)
	require.Equal(t, "authenticated", l.Identity())
	require.Zero(t, deliver(t, l, many(n, "v1")))
	require.Equal(t, 3, deliver(t, l, many(n+3, "v1")))
	require.NoError(t, l.Err())
	require.NoError(t, l.Close(t.Context()))
	l = neighbour(t, store, i)
	require.Zero(t, deliver(t, l, many(n+3, "v1")))
	require.NoError(t, l.Close(t.Context()))
}

// broken makes sure that a scope is refused, when it is opened or when it is used.
func broken(t *testing.T, store ledger.Store, i int, key string) {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Options{Store: ledger.Shared(store), Scope: bucketScope(i)})
	if err == nil {
		_, err = l.Compare(t.Context(), many(2000, "v2"))
		require.ErrorIs(t, l.Err(), ledger.ErrDamaged)
	}
	require.ErrorIs(t, err, ledger.ErrDamaged)
	require.ErrorContains(t, err, key)
}

// values are those of a disk that belong to a scope, except the one that is not read
// while an index is there.
func values(d *disk, i int) []string {
	var keys []string
	for key := range d.values {
		if strings.HasPrefix(key, string(bucketScope(i).Keys())) && (i == 2 || !strings.HasSuffix(key, "-founded")) {
			keys = append(keys, key)
		}
	}
	return keys
}

func TestDamagedValueStopsOnlyItsOwnScope(t *testing.T) {
	sound := newDisk(false)
	counts := neighbours(t, sound.boot(-1))
	for of := range counts {
		keys := values(sound, of)
		require.GreaterOrEqual(t, len(keys), 4)
		for _, key := range keys {
			t.Run(key, func(t *testing.T) {
				d := newDisk(false)
				for k, v := range sound.values {
					d.values[k] = bytes.Clone(v)
				}
				d.values[key][len(d.values[key])/2] ^= 1
				store := d.boot(-1)
				broken(t, store, of, key)
				for i, n := range counts {
					if i != of {
						whole(t, store, i, n)
					}
				}
				require.Len(t, openBook(t, store).Entries(), 1)
				broken(t, store, of, key)
			})
		}
	}
}

func TestDamagedBookStopsNoLedger(t *testing.T) {
	d := newDisk(false)
	counts := neighbours(t, d.boot(-1))
	d.values[bookKey(t, d)] = []byte("torn")
	for i, n := range counts {
		whole(t, d.boot(-1), i, n)
	}
}

// The bytes of one value are wrong in the file, whose pages are sound.
func TestValueDamagedInTheFileStopsOnlyItsOwnScope(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	store, err := boltstore.Open(path)
	require.NoError(t, err)
	counts := neighbours(t, store)
	key := bucketScope(0).Keys().Index()
	value, err := store.Get(t.Context(), key)
	require.NoError(t, err)
	require.NoError(t, store.Close())

	file, err := os.ReadFile(path)
	require.NoError(t, err)
	for at := 0; ; at += len(value) { // pages that are free now may have it, too
		next := bytes.Index(file[at:], value)
		if next < 0 {
			require.Positive(t, at)
			break
		}
		at += next
		file[at+len(value)/2] ^= 1
	}
	require.NoError(t, os.WriteFile(path, file, 0o600))

	store, err = boltstore.Open(path)
	require.NoError(t, err)
	broken(t, store, 0, key)
	whole(t, store, 1, counts[1])
	whole(t, store, 2, counts[2])
	require.NoError(t, store.Close())
}

// A store may fail for the values of one scope alone, such as a cache of which one
// shard is down. That scope goes on when it answers again.
func TestStoreThatFailsForOneScopeHoldsUpNoOther(t *testing.T) {
	disk := newDisk(false)
	counts := neighbours(t, disk.boot(-1))
	store := &failingStore{Store: disk.boot(-1), below: string(bucketScope(0).Keys())}
	var all []*ledger.Ledger
	for i := range counts {
		all = append(all, neighbour(t, store, i))
	}
	store.failing = true
	w := compare(t, all[1], many(counts[1]+1, "v1"))
	w.Delivered(w.Due[0].Object)
	require.NoError(t, all[1].Checkpoint(t.Context()))
	_, err := all[0].Compare(t.Context(), many(counts[0]+1, "v1"))
	require.ErrorIs(t, err, errHiccup)
	require.False(t, ledger.Lasting(err))
	store.failing = false
	require.Equal(t, 1, deliver(t, all[0], many(counts[0]+1, "v1")))
	for _, l := range all {
		require.NoError(t, l.Close(t.Context()))
	}
	whole(t, disk.boot(-1), 1, counts[1]+1)
}

// failingStore fails while failing is set, for keys that begin with below.
type failingStore struct {
	ledger.Store
	below   string
	failing bool
}

func (s *failingStore) fails(keys ...string) error {
	if s.failing && slices.ContainsFunc(keys, func(k string) bool { return strings.HasPrefix(k, s.below) }) {
		return errHiccup
	}
	return nil
}

func (s *failingStore) Get(ctx context.Context, key string) ([]byte, error) {
	if err := s.fails(key); err != nil {
		return nil, err
	}
	return s.Store.Get(ctx, key)
}

func (s *failingStore) Put(ctx context.Context, entries ...ledger.Entry) error {
	if err := s.fails(entries[0].Key); err != nil {
		return err
	}
	return s.Store.Put(ctx, entries...)
}
