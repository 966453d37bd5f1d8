package listing_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sort"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

func TestOneListerListsInOrderAndAsksForNothingTwice(t *testing.T) {
	keys := keysOf(shapes[1].key, 50_000)
	srv := newServer(keys)
	var got, afters []string
	for _, rg := range collect(t, listing.Options{Pager: srv, Listers: 1}) {
		for _, o := range rg.Objects {
			got = append(got, o.Key)
		}
	}
	require.Empty(t, cmp.Diff(srv.keys, got))
	for i := 0; i < len(srv.keys); i += 1000 {
		afters = append(afters, append([]string{""}, srv.keys...)[i])
	}
	require.Equal(t, afters, srv.afters)
}

func TestFirstRangeComesWithTheFirstPage(t *testing.T) {
	srv := newServer(keysOf(shapes[0].key, 20_000))
	var sizes []int
	for _, rg := range collect(t, listing.Options{Pager: srv, Listers: 1}) {
		sizes = append(sizes, len(rg.Objects))
	}
	require.Equal(t, []int{1000, 2000, 4000, 4000, 4000, 4000, 1000}, sizes)
}

func TestSegmentsComeBackAsRanges(t *testing.T) {
	keys := newServer(keysOf(shapes[4].key, 60_000)).keys
	want := map[string]int{"": 4096}
	var bounds []string
	for i := 4096; i < len(keys); i += 4096 {
		bounds = append(bounds, keys[i])
		want[keys[i]] = min(4096, len(keys)-i)
	}
	for _, listers := range []int{1, 3, 4, 16} {
		synctest.Test(t, func(t *testing.T) {
			srv := &server{keys: keys, latency: latency}
			got := make(map[string]int)
			o := listing.Options{Pager: srv, Bounds: append(slices.Clone(bounds), bounds[0]), Listers: listers}
			ranges := collect(t, o)
			joined(t, "", ranges)
			for _, rg := range ranges {
				got[rg.Lo] = len(rg.Objects)
			}
			require.Empty(t, cmp.Diff(want, got))
			require.LessOrEqual(t, srv.requests(), 60+2*(listers-1), "each share that another lister takes over costs at most one request")
		})
	}
}

func TestGrownSegmentComesBackAsSeveralRanges(t *testing.T) {
	srv := newServer(keysOf(shapes[0].key, 100_000))
	ranges := collect(t, listing.Options{Pager: srv, Bounds: []string{"4", "c"}})
	require.Len(t, joined(t, "", ranges), 100_000)
	bounds := make(map[string]bool)
	for _, rg := range ranges {
		require.LessOrEqual(t, len(rg.Objects), 9000)
		bounds[rg.Lo] = true
	}
	require.True(t, bounds["4"])
	require.True(t, bounds["c"])
}

func TestBoundsOutsideThePrefixAreIgnored(t *testing.T) {
	srv := newServer([]string{"a/1", "b/1", "b/2", "b/3", "c/1"})
	ranges := collect(t, listing.Options{Pager: srv, Prefix: "b/", Bounds: []string{"a/1", "b/", "b/2", "c/1"}})
	require.Equal(t, []string{"b/1", "b/2", "b/3"}, joined(t, "b/", ranges))
	require.Len(t, ranges, 2)
}

func TestEmptyBucketIsOneEmptyRange(t *testing.T) {
	srv := newServer(nil)
	require.Equal(t, []listing.Range{{}}, collect(t, listing.Options{Pager: srv}))
	require.Equal(t, []listing.Range{{Lo: "x/"}}, collect(t, listing.Options{Pager: srv, Prefix: "x/"}))
}

func TestErrorOfAPageComesLastAndOnce(t *testing.T) {
	lost := &object.Error{Op: "listing", Kind: object.ErrUnavailable, Status: 544}
	keys := newServer(keysOf(shapes[4].key, 50_000)).keys
	for seed := range uint64(15) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 5))
			srv := &server{keys: keys}
			srv.latency = time.Millisecond
			fail := 1 + r.IntN(50)
			srv.before = func(n int, _ string) error {
				if n >= fail {
					return lost
				}
				return nil
			}
			var errs []error
			seen := make(map[string]bool)
			for rg, err := range listing.List(t.Context(), listing.Options{Pager: srv, Listers: 8}) {
				require.Empty(t, errs, "nothing comes after the error")
				if err != nil {
					errs = append(errs, err)
				}
				for _, o := range rg.Objects {
					require.False(t, seen[o.Key])
					seen[o.Key] = true
				}
			}
			require.Len(t, errs, 1)
			require.ErrorIs(t, errs[0], object.ErrUnavailable)
			require.Less(t, len(seen), 50_000)
			require.Zero(t, srv.inFlight, "every page was waited for")
		})
	}
}

func TestEndOfContextEndsTheListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(keysOf(shapes[0].key, 100_000))
		srv.latency = latency
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*latency+latency/2, errors.New("enough"))
		defer cancel()
		start := time.Now()
		var last error
		for _, err := range listing.List(ctx, listing.Options{Pager: srv}) {
			last = err
		}
		require.ErrorIs(t, last, context.DeadlineExceeded)
		require.Equal(t, 10*latency+latency/2, time.Since(start))
	})
}

// A goroutine left behind would keep the bubble from ending.
func TestConsumerMayStopAtAnyRange(t *testing.T) {
	for stop := range 15 {
		synctest.Test(t, func(t *testing.T) {
			srv := newServer(keysOf(shapes[0].key, 50_000))
			srv.latency = latency
			n := 0
			for _, err := range listing.List(t.Context(), listing.Options{Pager: srv, Listers: 16}) {
				require.NoError(t, err)
				if n++; n > stop {
					break
				}
			}
			require.Zero(t, srv.inFlight)
			asked := srv.requests()
			time.Sleep(time.Minute)
			require.Equal(t, asked, srv.requests())
		})
	}
}

func TestListingWaitsForASlowConsumer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(keysOf(shapes[0].key, 300_000))
		srv.latency = latency
		const listers = 8
		n, listed := 0, 0
		for rg, err := range listing.List(t.Context(), listing.Options{Pager: srv, Listers: listers}) {
			require.NoError(t, err)
			listed += len(rg.Objects)
			if n++; n%10 == 0 {
				time.Sleep(time.Hour)
				held := srv.requests() - listed/1000
				require.LessOrEqual(t, held, listers*10+30, "pages that nobody has read yet, and requests at empty shares")
				asked := srv.requests()
				time.Sleep(time.Hour)
				require.Equal(t, asked, srv.requests())
			}
		}
		require.Equal(t, 300_000, listed)
	})
}

// endless makes up the pages of a large bucket.
type endless struct{ keys int }

func (e endless) key(i int) string { return fmt.Sprintf("uploads/frame_%09d.jpg", i) }

func (e endless) Page(_ context.Context, _, after string) ([]object.Object, bool, error) {
	n := sort.Search(e.keys, func(i int) bool { return e.key(i) > after })
	objs := make([]object.Object, 0, 1000)
	for ; n < e.keys && len(objs) < 1000; n++ {
		objs = append(objs, object.Object{Key: e.key(n), ETag: fmt.Sprintf("%032x", n)})
	}
	return objs, n < e.keys, nil
}

func TestMemoryDoesNotGrowWithTheBucket(t *testing.T) {
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var most uint64
	n, listed := 0, 0
	o := listing.Options{Pager: endless{keys: 1_000_000}, Prefix: "uploads/", Listers: 16}
	for rg, err := range listing.List(t.Context(), o) {
		require.NoError(t, err)
		listed += len(rg.Objects)
		if n++; n%20 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc-min(before.HeapAlloc, now.HeapAlloc))
		}
	}
	require.Equal(t, 1_000_000, listed)
	t.Logf("%.1f MB at most", float64(most)/1e6)
	require.Less(t, most, uint64(60_000_000))
}

func TestPagerIsCalledByAsManyAsAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, listers := range []int{-1, 1, 2, 7} {
			srv := newServer(keysOf(shapes[0].key, 100_000))
			srv.latency = latency
			collect(t, listing.Options{Pager: srv, Listers: listers})
			require.Equal(t, max(listers, 1), srv.most)
		}
		srv := newServer(keysOf(shapes[0].key, 100_000))
		srv.latency = latency
		collect(t, listing.Options{Pager: srv})
		require.Greater(t, srv.most, 4)
		require.LessOrEqual(t, srv.most, listing.DefaultListers)
	})
}

func TestAListingOfOnePageTakesLittleMemory(t *testing.T) {
	bucket := endsAt{keys: 3}
	list := func() {
		for _, err := range listing.List(t.Context(), listing.Options{Pager: bucket}) {
			require.NoError(t, err)
		}
	}
	list()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const times = 1000
	for range times {
		list()
	}
	runtime.ReadMemStats(&after)
	require.Less(t, (after.TotalAlloc-before.TotalAlloc)/times, uint64(8<<10), "bytes: what is learned of the keys takes twice as much")
}

// endsAt is a bucket of one page.
type endsAt struct{ keys int }

func (e endsAt) Page(context.Context, string, string) (objs []object.Object, more bool, err error) {
	for n := range e.keys {
		objs = append(objs, object.Object{Key: "folder/" + strconv.Itoa(n)})
	}
	return objs, false, nil
}
