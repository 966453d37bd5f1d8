package ledger_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/boltstore"
)

// bucketScope is one of many scopes that share a store.
func bucketScope(i int) ledger.Scope {
	return ledger.Scope{Endpoint: scope.Endpoint, Bucket: fmt.Sprintf("bucket-%04d", i), Namespace: scope.Namespace}
}

// fillMany makes ledgers of the given number of objects each, at rest in one file.
func fillMany(tb testing.TB, path string, ledgers, objects int) {
	tb.Helper()
	store, err := boltstore.Open(path)
	require.NoError(tb, err)
	unsynced := ledger.NewMemStore()
	for i := range ledgers {
		l, err := ledger.Open(tb.Context(), ledger.Options{Store: unsynced, Scope: bucketScope(i)})
		require.NoError(tb, err)
		w, err := l.Compare(tb.Context(), many(objects, "v1"))
		require.NoError(tb, err)
		for _, d := range w.Due {
			w.Delivered(d.Object)
		}
		require.NoError(tb, l.CompletePass(tb.Context()))
		require.NoError(tb, l.Close(tb.Context()))
	}
	require.NoError(tb, store.Put(tb.Context(), unsynced.Entries()...))
	require.NoError(tb, store.Close())
}

// BenchmarkOpenMany opens 3,000 ledgers at rest from one file.
func BenchmarkOpenMany(b *testing.B) {
	const ledgers = 3000
	for _, objects := range []int{0, 50, 1000} {
		b.Run(fmt.Sprintf("%d objects each", objects), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "state.db")
			fillMany(b, path, ledgers, objects)
			store, err := boltstore.Open(path)
			require.NoError(b, err)
			for b.Loop() {
				_ = heap() // what finalizers free, the second collection finds
				before, begin := heap(), time.Now()
				all := make([]*ledger.Ledger, ledgers)
				for i := range all {
					all[i], err = ledger.Open(b.Context(), ledger.Options{Store: store, Scope: bucketScope(i)})
					require.NoError(b, err)
				}
				b.ReportMetric(float64(time.Since(begin).Milliseconds()), "open-ms")
				b.ReportMetric((heap()-before)*1024/ledgers, "KB-heap/ledger")
				runtime.KeepAlive(all)
			}
			require.NoError(b, store.Close())
		})
	}
}
