package ledger_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/ledgertest"
)

func openBook(t *testing.T, store ledger.Store) *ledger.Book {
	t.Helper()
	b, err := ledger.OpenBook(t.Context(), store, "test")
	require.NoError(t, err)
	return b
}

func entry(bucket string) ledger.BookEntry {
	return ledger.BookEntry{ProjectRef: "abc", ProjectName: "Shop", Endpoint: scope.Endpoint, Bucket: bucket}
}

func bookKey(t *testing.T, d *disk) string {
	t.Helper()
	return keyOf(t, d, "-book")
}

func TestBookOutlivesTheProcess(t *testing.T) {
	d := newDisk(false)
	b := openBook(t, d.boot(-1))
	require.Empty(t, b.Entries())
	gone := entry("b")
	gone.Gone = noon.Add(123456789 * time.Nanosecond)
	require.NoError(t, b.Put(t.Context(), entry("c"), gone, entry("a")))
	require.Empty(t, cmp.Diff(b.Entries(), openBook(t, d.boot(-1)).Entries()))
	require.Equal(t, []string{"a", "b", "c"}, buckets(b))

	renamed := entry("a")
	renamed.ProjectName = "Shop 2"
	require.NoError(t, b.Put(t.Context(), renamed))
	require.NoError(t, b.Remove(t.Context(), entry("c"), entry("never there")))
	b = openBook(t, d.boot(-1))
	require.Equal(t, []string{"a", "b"}, buckets(b))
	require.Equal(t, "Shop 2", b.Entries()[0].ProjectName)
	require.Equal(t, gone.Gone.UnixMilli(), b.Entries()[1].Gone.UnixMilli())
}

func buckets(b *ledger.Book) []string {
	var names []string
	for _, e := range b.Entries() {
		names = append(names, e.Bucket)
	}
	return names
}

func TestBookWritesOnlyWhatChanges(t *testing.T) {
	d := newDisk(false)
	b := openBook(t, d.boot(-1))
	require.NoError(t, b.Remove(t.Context(), entry("a")))
	require.NoError(t, b.Put(t.Context()))
	require.Zero(t, d.writes)
	gone := entry("a")
	gone.Gone = time.Now() // no store keeps its nanoseconds
	require.NoError(t, b.Put(t.Context(), gone, entry("b")))
	require.Equal(t, 1, d.writes)
	require.NoError(t, b.Put(t.Context(), gone))
	require.NoError(t, openBook(t, d.boot(-1)).Put(t.Context(), entry("b"), gone))
	require.NoError(t, b.Remove(t.Context(), entry("z")))
	require.Equal(t, 1, d.writes)
}

func TestBooksOfTwoNamespacesDoNotMeet(t *testing.T) {
	store := ledger.NewMemStore()
	require.NoError(t, openBook(t, store).Put(t.Context(), entry("a")))
	for _, other := range []string{"", "Test", "test "} {
		b, err := ledger.OpenBook(t.Context(), store, other)
		require.NoError(t, err)
		require.Empty(t, b.Entries())
		require.NoError(t, b.Put(t.Context(), entry("b")))
	}
	require.Equal(t, []string{"a"}, buckets(openBook(t, store)))
}

func TestDamagedBookIsRefusedWithTheRemedy(t *testing.T) {
	for name, spoil := range map[string]func(v []byte) []byte{
		"torn":            func(v []byte) []byte { v[len(v)/2] ^= 1; return v },
		"truncated":       func(v []byte) []byte { return v[:len(v)-1] },
		"another program": func([]byte) []byte { return []byte("[]") },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(false)
			require.NoError(t, openBook(t, d.boot(-1)).Put(t.Context(), entry("a"), entry("b")))
			key := bookKey(t, d)
			d.values[key] = spoil(d.values[key])
			_, err := ledger.OpenBook(t.Context(), d.boot(-1), "test")
			require.ErrorIs(t, err, ledger.ErrDamaged)
			require.ErrorContains(t, err, key)
			require.ErrorContains(t, err, "state.namespace")
		})
	}
}

func TestBookOfAnotherProcessIsNotOverwritten(t *testing.T) {
	d := newDisk(false)
	mine, other := openBook(t, d.boot(-1)), openBook(t, d.boot(-1))
	require.NoError(t, other.Put(t.Context(), entry("b")))
	require.ErrorIs(t, mine.Put(t.Context(), entry("a")), ledger.ErrTaken)
	require.Equal(t, []string{"b"}, buckets(openBook(t, d.boot(-1))))
}

// A write that was answered with an error may have happened or not. Either way the
// next one goes through, and says what is true then.
func TestBookGoesOnAfterAWriteThatFailed(t *testing.T) {
	for done := range 2 {
		d := newDisk(false)
		store := d.boot(-1)
		b := openBook(t, store)
		require.NoError(t, b.Put(t.Context(), entry("a")))
		store.hiccup = func(int) int { return done }
		require.ErrorIs(t, b.Put(t.Context(), entry("b")), errHiccup)
		require.Equal(t, []string{"a"}, buckets(b))
		store.hiccup = nil
		require.NoError(t, b.Put(t.Context(), entry("a")), "this may change what is stored")
		require.Equal(t, []string{"a"}, buckets(openBook(t, d.boot(-1))))
		require.NoError(t, b.Put(t.Context(), entry("b")))
		require.Equal(t, []string{"a", "b"}, buckets(openBook(t, d.boot(-1))))
	}
}

func TestBookIsSafeForConcurrentUse(t *testing.T) {
	store := ledger.NewMemStore()
	b := openBook(t, store)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			e := entry(fmt.Sprintf("bucket-%02d", i))
			if err := b.Put(t.Context(), e); err != nil {
				t.Error(err)
			}
			_ = b.Entries()
			if i%2 == 1 {
				if err := b.Remove(t.Context(), e); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	require.Len(t, b.Entries(), 25)
	require.Equal(t, buckets(b), buckets(openBook(t, store)))
}

// The book and the ledgers are written at different times.
func TestBookAndLedgersDoNotNeedEachOther(t *testing.T) {
	d := newDisk(false)
	l := openOn(t, d.boot(-1))
	deliver(t, l, many(10, "v1"))
	b := openBook(t, d.boot(-1)) // the ledger is not in it
	require.Empty(t, b.Entries())
	require.NoError(t, b.Put(t.Context(), entry(scope.Bucket), entry("without a ledger")))
	l = openOn(t, d.boot(-1))
	require.Zero(t, deliver(t, l, many(10, "v1")))
	l = openOn(t, d.boot(-1), func(o *ledger.Options) { o.Scope.Bucket = "without a ledger" })
	require.Equal(t, 10, deliver(t, l, many(10, "v1")))
	require.NoError(t, ledger.Drop(t.Context(), d.boot(-1), scope))
	require.Len(t, openBook(t, d.boot(-1)).Entries(), 2)
}

// An organization's book is one value, which every cache must accept.
func TestBookOfAnOrganizationIsSmall(t *testing.T) {
	d := newDisk(false)
	var entries []ledger.BookEntry
	for p := range 1000 {
		ref := fmt.Sprintf("%020x", uint64(p)*0x9e3779b97f4a7c15)
		for _, bucket := range []string{"avatars", "documents", "user-uploads"} {
			entries = append(entries, ledger.BookEntry{
				ProjectRef: ref, ProjectName: fmt.Sprintf("Customer %d", p),
				Endpoint: "https://" + ref + ".supabase.co/storage/v1/s3", Bucket: bucket,
			})
		}
	}
	b := openBook(t, d.boot(-1))
	require.NoError(t, b.Put(t.Context(), entries...))
	size := len(d.values[bookKey(t, d)])
	t.Logf("%d bytes for %d scopes", size, len(entries))
	require.Less(t, size, 256<<10)
	require.Len(t, openBook(t, d.boot(-1)).Entries(), len(entries))
}

func TestSharedStoreIsClosedByItsOwnerAlone(t *testing.T) {
	store := &closing{Store: ledger.NewMemStore()}
	for i := range 2 {
		l := openOn(t, ledger.Shared(store), func(o *ledger.Options) { o.Scope = bucketScope(i) })
		deliver(t, l, many(10, "v1"))
		require.NoError(t, l.Close(t.Context()))
	}
	require.Zero(t, store.closed)
	l := openOn(t, store, func(o *ledger.Options) { o.Scope = bucketScope(1) })
	require.Zero(t, deliver(t, l, many(10, "v1")))
	require.NoError(t, l.Close(t.Context()))
	require.Equal(t, 1, store.closed)
}

type closing struct {
	ledger.Store
	closed int
}

func (c *closing) Close() error { c.closed++; return c.Store.Close() }

func TestSharedStoreIsAStore(t *testing.T) {
	stores := map[string]ledger.Store{}
	ledgertest.TestStore(t, func(t *testing.T) ledger.Store {
		if stores[t.Name()] == nil {
			stores[t.Name()] = ledger.NewMemStore()
		}
		return ledger.Shared(stores[t.Name()])
	})
}
