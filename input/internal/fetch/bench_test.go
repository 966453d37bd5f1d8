package fetch

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// BenchmarkSmallObjects downloads 20,000 objects of 1 KB in one run, from a source that
// answers at once: what is measured is the run.
func BenchmarkSmallObjects(b *testing.B) {
	const n = 20_000
	s := newStore()
	s.put("k", make([]byte, 1000))
	obj, _, _ := s.Listed(b.Context(), "k")
	var all iter.Seq2[object.Object, error] = func(yield func(object.Object, error) bool) {
		for range n {
			if !yield(obj, nil) {
				return
			}
		}
	}
	for _, downloads := range []int{0, 8} {
		b.Run(fmt.Sprint("downloads=", downloads), func(b *testing.B) {
			opts := options(s, &gauges{})
			opts.MaxDownloads, opts.TakesWhole = downloads, true
			for b.Loop() {
				if err := run(b.Context(), opts, all, func(context.Context, *Download) error { return nil }, func(f Failure) { b.Error(f.Err) }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/object")
		})
	}
}
