package listing_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
)

const latency = 50 * time.Millisecond

// run is what one listing needed.
type run struct {
	pages, requests int
	took            time.Duration
	bounds          []string
}

// speedup is how many times faster the listing was than one page after another.
func (r run) speedup() float64 {
	return (time.Duration(r.pages) * latency).Seconds() / r.took.Seconds()
}

// extra is how many more requests the listing made than it has pages, as a fraction.
func (r run) extra() float64 { return float64(r.requests-r.pages) / float64(r.pages) }

// timed lists a bucket in virtual time. The latency varies by a tenth.
func timed(t *testing.T, keys, bounds []string, listers int) (r run) {
	synctest.Test(t, func(t *testing.T) {
		srv := &server{keys: keys, latency: latency * 9 / 10}
		jitter := rand.New(rand.NewPCG(5, 6))
		srv.before = func(int, string) error {
			srv.mu.Lock()
			d := time.Duration(jitter.Int64N(int64(latency / 5)))
			srv.mu.Unlock()
			time.Sleep(d)
			return nil
		}
		start := time.Now()
		ranges := collect(t, listing.Options{Pager: srv, Bounds: bounds, Listers: listers})
		r = run{pages: int(math.Ceil(float64(len(keys)) / 1000)), requests: srv.requests(), took: time.Since(start)}
		listed := 0
		for _, rg := range ranges {
			listed += len(rg.Objects)
			r.bounds = append(r.bounds, rg.Lo)
		}
		require.Equal(t, len(keys), listed)
	})
	return r
}

func TestMillionKeysOfAnyShapeAreListedInParallel(t *testing.T) {
	if underRace {
		t.Skip("counts requests and virtual time of millions of keys, which the race detector makes slow; the other tests look for races")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	t.Log("1 M keys, 50 ms a page: speed relative to one page after another, extra requests (by bounds: a second listing with the bounds of the first)")
	t.Logf("%-22s %-14s %-14s %-14s %-14s %s", "keys", "4 listers", "8 listers", "16 listers", "by default", "16 by bounds")
	for _, shape := range shapes {
		keys := keysOf(shape.key, 1_000_000)
		slices.Sort(keys)
		keys = slices.Compact(keys)
		row := fmt.Sprintf("%-22s", shape.name)
		var last run
		for _, want := range []struct {
			listers int
			speedup float64
		}{{4, 3.3}, {8, 6}, {16, 9}, {0, 8}} {
			last = timed(t, keys, nil, want.listers)
			row += fmt.Sprintf(" %5.1f x  +%2.0f %%", last.speedup(), 100*last.extra())
			require.Greater(t, last.speedup(), want.speedup, "%s, %d listers", shape.name, want.listers)
			require.Less(t, last.extra(), 0.15, "%s, %d listers", shape.name, want.listers)
		}
		again := timed(t, keys, last.bounds, 16)
		t.Logf("%s %5.1f x  +%2.0f %%", row, again.speedup(), 100*again.extra())
		require.Greater(t, again.speedup(), 13.0, "%s, by bounds", shape.name)
		require.Less(t, again.extra(), 0.05, "%s, by bounds", shape.name)
	}
}

func TestOddBucketsStayWithinTheirRequests(t *testing.T) {
	seeds := uint64(12)
	if underRace {
		seeds = 3
	}
	for seed := range seeds {
		keys := oddBucket(seed, 100_000)
		slices.Sort(keys)
		keys = slices.Compact(keys)
		r := timed(t, keys, nil, 16)
		t.Logf("%4.1f x  +%2.0f %%  %d pages of keys like %q", r.speedup(), 100*r.extra(), r.pages, keys[len(keys)/2])
		require.Less(t, r.extra(), 0.35)
		require.Greater(t, r.speedup(), 1.5)
	}
}

func TestSmallBucketsNeedHardlyMoreRequests(t *testing.T) {
	for _, shape := range shapes {
		for _, c := range []struct{ keys, requests int }{
			{0, 1}, {1, 1}, {1000, 1}, {2000, 2}, {3000, 3}, {5000, 6}, {10_000, 13}, {20_000, 27},
		} {
			keys := keysOf(shape.key, c.keys)
			for _, listers := range []int{0, 16} {
				srv := newServer(keys)
				collect(t, listing.Options{Pager: srv, Listers: listers})
				require.LessOrEqual(t, srv.requests(), c.requests, "%d keys, %s, %d listers", c.keys, shape.name, listers)
			}
		}
	}
}

func BenchmarkList(b *testing.B) {
	for _, shape := range shapes {
		b.Run(shape.name, func(b *testing.B) {
			srv := newServer(keysOf(shape.key, 200_000))
			b.ReportAllocs()
			listed := 0
			for b.Loop() {
				for rg, err := range listing.List(b.Context(), listing.Options{Pager: srv}) {
					require.NoError(b, err)
					listed += len(rg.Objects)
				}
			}
			b.ReportMetric(float64(listed)/b.Elapsed().Seconds(), "keys/s")
		})
	}
}
