package ledger_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/boltstore"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// benchKeys is the number of objects in the benchmarks; LEDGER_BENCH_KEYS sets
// another, such as 10000000.
func benchKeys(b *testing.B) int {
	b.Helper()
	s := os.Getenv("LEDGER_BENCH_KEYS")
	if s == "" {
		return 1_000_000
	}
	n, err := strconv.Atoi(s)
	require.NoError(b, err)
	return n
}

// uuids yields ranges of n objects with 91-byte keys of two UUIDs, in
// order, without having all of them in memory: the first bytes of the first
// UUID count up, everything else is random and always the same.
func uuids(n int, etag byte) iter.Seq[ledger.Range] {
	return func(yield func(ledger.Range) bool) {
		const each = 4096
		lo := ""
		for from := 0; from < n; from += each {
			rnd := rand.NewChaCha8([32]byte{byte(from), byte(from >> 8), byte(from >> 16), byte(from >> 24)})
			s := ledger.Range{Lo: lo}
			var raw [48]byte
			for i := from; i < min(from+each, n); i++ {
				_, _ = rnd.Read(raw[:])
				prefix := uint32(uint64(i) * (1 << 32) / uint64(n))
				raw[0], raw[1], raw[2], raw[3] = byte(prefix>>24), byte(prefix>>16), byte(prefix>>8), byte(prefix)
				raw[32] ^= etag
				o := object.Object{Key: uuidKey(raw[:32]), ETag: hex.EncodeToString(raw[32:]), Size: int64(raw[31])<<8 | int64(raw[30]), LastModified: noon}
				s.Objects = append(s.Objects, ledger.Listed{Object: o, Matches: true})
			}
			if from+each < n {
				next := uint32(uint64(from+each) * (1 << 32) / uint64(n))
				s.Hi = fmt.Sprintf("users/%08x", next)
			}
			slices.SortFunc(s.Objects, func(a, b ledger.Listed) int {
				if a.Key < b.Key {
					return -1
				}
				return 1
			})
			if !yield(s) {
				return
			}
			lo = s.Hi
		}
	}
}

func uuidKey(b []byte) string {
	u := func(b []byte) string {
		h := hex.EncodeToString(b)
		return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
	}
	return "users/" + u(b[:16]) + "/media/" + u(b[16:]) + ".jpg"
}

// fill delivers everything, as a backfill does.
func fill(b *testing.B, l *ledger.Ledger, n int) {
	b.Helper()
	for s := range uuids(n, 0) {
		w, err := l.Compare(b.Context(), s)
		require.NoError(b, err)
		for _, d := range w.Due {
			w.Delivered(d.Object)
			if next := l.NextCheckpoint(); !next.IsZero() && !next.After(time.Now()) {
				require.NoError(b, l.Checkpoint(b.Context()))
			}
		}
	}
	require.NoError(b, l.CompletePass(b.Context()))
}

func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / (1 << 20)
}

// weighed is a store that knows how much is in it.
type weighed struct {
	ledger.Store
	sizes map[string]int
	put   int
}

func (w *weighed) Put(ctx context.Context, entries ...ledger.Entry) error {
	for _, e := range entries {
		w.sizes[e.Key] = len(e.Value)
		w.put += len(e.Value)
	}
	return w.Store.Put(ctx, entries...)
}

func (w *weighed) Delete(ctx context.Context, keys ...string) error {
	for _, k := range keys {
		delete(w.sizes, k)
	}
	return w.Store.Delete(ctx, keys...)
}

func (w *weighed) total() (n int) {
	for _, size := range w.sizes {
		n += size
	}
	return n
}

func benchOpen(b *testing.B, path string) (*ledger.Ledger, *weighed) {
	b.Helper()
	s, err := boltstore.Open(path)
	require.NoError(b, err)
	w := &weighed{Store: s, sizes: map[string]int{}}
	l, err := ledger.Open(b.Context(), ledger.Options{Store: w, Scope: scope})
	require.NoError(b, err)
	return l, w
}

// BenchmarkBackfill delivers a whole bucket into a bbolt file, and restarts on
// it.
func BenchmarkBackfill(b *testing.B) {
	n := benchKeys(b)
	for b.Loop() {
		path := filepath.Join(b.TempDir(), "state.db")
		before := heap()
		l, w := benchOpen(b, path)
		fill(b, l, n)
		b.ReportMetric(heap()-before, "MB-heap")
		b.ReportMetric(float64(w.total())/float64(n), "value-B/object")
		b.ReportMetric(float64(w.put)/float64(n), "written-B/object")
		require.NoError(b, l.Close(b.Context()))
		info, err := os.Stat(path)
		require.NoError(b, err)
		b.ReportMetric(float64(info.Size())/float64(n), "file-B/object")
		begin := time.Now()
		l, _ = benchOpen(b, path)
		b.ReportMetric(float64(time.Since(begin).Milliseconds()), "restart-ms")
		require.EqualValues(b, n, l.Stats().Tracked)
		require.NoError(b, l.Close(b.Context()))
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "objects/s")
}

// BenchmarkOpen restarts on a whole bucket.
func BenchmarkOpen(b *testing.B) {
	n := benchKeys(b)
	path := filepath.Join(b.TempDir(), "state.db")
	filled, _ := benchOpen(b, path)
	fill(b, filled, n)
	require.NoError(b, filled.Close(b.Context()))
	before := heap()
	for b.Loop() {
		l, _ := benchOpen(b, path)
		b.StopTimer()
		require.EqualValues(b, n, l.Stats().Tracked)
		b.ReportMetric(heap()-before, "MB-heap")
		require.NoError(b, l.Close(b.Context()))
		b.StartTimer()
	}
}

// benchPass compares a whole bucket that was delivered; etag 0 is as it was,
// another is overwritten throughout.
func benchPass(b *testing.B, each func(l *ledger.Ledger, s ledger.Range)) {
	b.Helper()
	n := min(benchKeys(b), 1_000_000)
	l, err := ledger.Open(b.Context(), ledger.Options{Store: ledger.NewMemStore(), Scope: scope})
	require.NoError(b, err)
	fill(b, l, n)
	bucket := slices.Collect(uuids(n, 0))
	b.ReportAllocs()
	for b.Loop() {
		for _, s := range bucket {
			each(l, s)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "objects/s")
}

// BenchmarkUnchanged is a pass in which all digests agree.
func BenchmarkUnchanged(b *testing.B) {
	benchPass(b, func(l *ledger.Ledger, s ledger.Range) {
		w, err := l.Compare(b.Context(), s)
		require.NoError(b, err)
		require.Len(b, s.Objects, int(w.Unchanged))
	})
}

// BenchmarkJoin is a pass in which one object of each range is gone, so that
// every manifest is read and joined.
func BenchmarkJoin(b *testing.B) {
	benchPass(b, func(l *ledger.Ledger, s ledger.Range) {
		s.Objects = s.Objects[1:]
		w, err := l.Compare(b.Context(), s)
		require.NoError(b, err)
		require.Len(b, w.Vanished, 1)
		w.Close()
	})
}

// BenchmarkFold rewrites every manifest.
func BenchmarkFold(b *testing.B) {
	benchPass(b, func(l *ledger.Ledger, s ledger.Range) {
		_, err := l.Forget(b.Context(), s.Objects[0].Key)
		require.NoError(b, err)
		w, err := l.Compare(b.Context(), s)
		require.NoError(b, err)
		for _, d := range w.Due {
			w.Delivered(d.Object)
		}
	})
}
