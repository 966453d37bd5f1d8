package fetch

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"testing"

	"github.com/seed75cbcda6/supabase-storage/input/internal/limiter"
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

// BenchmarkManyRuns is the same with 200 runs, of as many endpoints or of one, that
// share a room and wait for its places.
func BenchmarkManyRuns(b *testing.B) {
	const runs, n = 200, 100
	s := newStore()
	obj := s.put("k", make([]byte, 1000))
	var all iter.Seq2[object.Object, error] = func(yield func(object.Object, error) bool) {
		for range n {
			if !yield(obj, nil) {
				return
			}
		}
	}
	for _, endpoints := range []int{1, runs} {
		b.Run(fmt.Sprint("endpoints=", endpoints), func(b *testing.B) {
			for b.Loop() {
				opts := options(s, &gauges{})
				opts.MaxDownloads, opts.TakesWhole = 0, true
				opts.Room = NewRoom(RoomOptions{Bytes: 64 << 20, Places: 64, Whole: true})
				var limiters []*limiter.Limiter
				for range endpoints {
					limiters = append(limiters, limiter.New(b.Context(), limiter.Options{Meter: opts.Meter}))
				}
				var begun []*Run
				for i := range runs {
					opts.Limiter = limiters[i%endpoints]
					begun = append(begun, New(b.Context(), opts).Begin(items(all, &takers{
						deliver: func(context.Context, *Download) error { runtime.Gosched(); return nil },
						failed:  func(f Failure) { b.Error(f.Err) },
					})))
				}
				for _, r := range begun {
					<-r.Done()
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*runs*n), "ns/object")
		})
	}
}
