package limiter

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

func TestTheLimitOpensWhereLatencyIsAllThereIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{latency: 20 * time.Millisecond}
		took, g := e.drive(t, 0, 2000)
		require.Equal(t, most, slices.Max(g.windows))
		require.LessOrEqual(t, took, 400*time.Millisecond, "64 at a time need 640 ms")
	})
}

func TestTheLimitOpensWhereTransferIsAllThereIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{latency: 20 * time.Millisecond, transfer: 160 * time.Millisecond}
		_, g := e.drive(t, 0, 2000)
		require.Equal(t, most, slices.Max(g.windows))
	})
}

func TestTheLimitStaysWhereTheEndpointOnlyQueues(t *testing.T) {
	for _, workers := range []int{1, 4, 16, 32} {
		t.Run(fmt.Sprint(workers), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &endpoint{workers: workers, latency: 20 * time.Millisecond, noise: rand.New(rand.NewPCG(1, 1))}
				n := 120 * workers
				took, g := e.drive(t, 0, n)
				require.LessOrEqual(t, slices.Max(g.windows), easy)
				require.LessOrEqual(t, took, time.Duration(1.15*float64(n/workers)*float64(20*time.Millisecond)), "all workers are busy")
			})
		})
	}
}

func TestSlowAnswersNeverMakeTheLimitSmaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{latency: 5 * time.Millisecond, noise: rand.New(rand.NewPCG(2, 2)), tail: 15 * time.Millisecond}
		from := time.Now().Add(300 * time.Millisecond)
		e.before = func() {
			if since := time.Since(from); since > 0 && since < time.Second {
				time.Sleep(200 * time.Millisecond)
			}
		}
		_, g := e.drive(t, 0, 3000)
		require.True(t, slices.IsSorted(g.windows), g.windows)
	})
}

func TestTheLimitSettlesBelowWhatTheEndpointRefuses(t *testing.T) {
	for _, kind := range []error{object.ErrThrottled, object.ErrUnavailable, object.ErrUnreachable} {
		synctest.Test(t, func(t *testing.T) {
			const allowed, n = 20, 4000
			refusing := func() *endpoint {
				return &endpoint{
					latency: 20 * time.Millisecond, allowed: allowed,
					refusal: &object.Error{Kind: kind, Status: 503}, noise: rand.New(rand.NewPCG(3, 3)),
				}
			}
			best, _ := refusing().drive(t, allowed, n)
			took, g := refusing().drive(t, 0, n)
			t.Logf("adaptive %v, best fixed number %v, %d push-backs, %v", took, best, g.failures, g.windows)
			require.LessOrEqual(t, took, best*11/10)
			require.LessOrEqual(t, g.failures, n/50, "push-backs are rare")
			require.LessOrEqual(t, g.windows[len(g.windows)-1], allowed)
		})
	}
}

func TestTheLimitShrinksInAStormAndIsSoonBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, to := time.Now().Add(500*time.Millisecond), time.Now().Add(3*time.Second)
		e := &endpoint{latency: 50 * time.Millisecond, refusal: &object.Error{Kind: object.ErrThrottled, Status: 429}}
		e.refuses = func() bool { return time.Now().After(from) && time.Now().Before(to) }
		l, g := e.limiter(t, 0)
		var before, during, after int
		time.AfterFunc(490*time.Millisecond, func() { before = l.Size() })
		time.AfterFunc(2900*time.Millisecond, func() { during = l.Size() })
		time.AfterFunc(3700*time.Millisecond, func() { after = l.Size() })
		e.work(t, l, g, 6000)
		require.Equal(t, most, before)
		require.Equal(t, least, during)
		require.Greater(t, after, easy)
	})
}

func TestOfManyThatArePushedBackTogetherOnlyTheFirstCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := new(endpoint).limiter(t, 0)
		var places []*Place
		for p, ok := l.Take(); ok; p, ok = l.Take() {
			places = append(places, p)
		}
		require.Len(t, places, start)
		for _, p := range places {
			p.Failed(&object.Error{Kind: object.ErrThrottled})
			p.Leave()
		}
		once := l.Size()
		require.Less(t, once, start)
		require.GreaterOrEqual(t, once, start/2)
		p, _ := l.Take()
		p.Failed(&object.Error{Kind: object.ErrThrottled})
		require.Less(t, l.Size(), once, "this one was begun since")
	})
}

func TestOnlyPushBackMakesTheLimitSmaller(t *testing.T) {
	for name, c := range map[string]struct {
		err     error
		smaller bool
	}{
		"429":             {&object.Error{Kind: object.ErrThrottled, Status: 429}, true},
		"SlowDown in 400": {&object.Error{Kind: object.ErrThrottled, Status: 400}, true},
		"503":             {&object.Error{Kind: object.ErrUnavailable, Status: 503}, true},
		"504":             {&object.Error{Kind: object.ErrUnavailable, Status: 504}, true},
		"544":             {&object.Error{Kind: object.ErrUnavailable, Status: 544}, true},
		"refused":         {fmt.Errorf("x: %w", &object.Error{Kind: object.ErrUnreachable}), true},
		"500":             {&object.Error{Kind: object.ErrUnavailable, Status: 500}, false},
		"cut":             {&object.Error{Kind: object.ErrUnavailable, Err: io.ErrUnexpectedEOF}, false},
		"404":             {&object.Error{Kind: object.ErrNotFound, Status: 404}, false},
		"mismatch":        {&object.Error{Kind: object.ErrMismatch}, false},
		"output":          {errors.New("the output says no"), false},
	} {
		synctest.Test(t, func(t *testing.T) {
			l, _ := new(endpoint).limiter(t, 0)
			p, _ := l.Take()
			p.Failed(c.err)
			require.Equal(t, c.smaller, l.Size() < start, name)
		})
	}
}

func TestASlowPipelineDoesNotOpenTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{latency: time.Millisecond, output: make(chan struct{}, 1)}
		_, g := e.drive(t, 0, 1000)
		require.LessOrEqual(t, slices.Max(g.windows), easy)
	})
}

func TestAFixedNumberStaysAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{latency: 20 * time.Millisecond, allowed: 5, refusal: &object.Error{Kind: object.ErrThrottled}}
		_, g := e.drive(t, 7, 500)
		require.Equal(t, []int{7}, g.windows)
		require.Equal(t, 7, g.inFlight)
	})
}

func TestAListingAlwaysGoesOnAndItsOtherPagesTakeTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := new(endpoint).limiter(t, 0)
		first, ok := l.TakePage(0)
		require.True(t, ok)
		second, ok := l.TakePage(1)
		require.True(t, ok)
		_, ok = l.TakePage(2)
		require.False(t, ok, "two are the most")
		second(nil)
		var places []*Place
		for p, ok := l.Take(); ok; p, ok = l.Take() {
			places = append(places, p)
		}
		require.Len(t, places, start-1)
		_, ok = l.TakePage(1)
		require.False(t, ok, "the downloads have the places")
		first(nil)
		_, ok = l.TakePage(0)
		require.True(t, ok)
		_, ok = l.Take()
		require.False(t, ok)
	})
}

func TestPagesHaveTheirOwnPlacesNextToAFixedNumberOfDownloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := new(endpoint).limiter(t, 1)
		p, ok := l.Take()
		require.True(t, ok)
		_, _ = l.TakePage(0)
		_, ok = l.TakePage(1)
		require.True(t, ok)
		_, ok = l.Take()
		require.False(t, ok)
		p.Leave()
		_, ok = l.Take()
		require.True(t, ok)
	})
}

func TestPagesFeelPushBackNextToAFixedNumberOfDownloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := new(endpoint).limiter(t, 4)
		for range 20 { // attempts of a page that goes on trying
			time.Sleep(time.Second)
			l.Heard(&object.Error{Kind: object.ErrThrottled, Status: 429})
			l.Heard(&object.Error{Kind: object.ErrThrottled, Status: 429})
		}
		l.opts.MaxPages = 16
		var releases []func(error)
		for release, ok := l.TakePage(0); ok; release, ok = l.TakePage(len(releases)) {
			releases = append(releases, release)
		}
		require.Len(t, releases, least)
		for range 100 {
			for _, release := range releases {
				release(nil)
			}
			releases = nil
			for release, ok := l.TakePage(0); ok; release, ok = l.TakePage(len(releases)) {
				releases = append(releases, release)
			}
		}
		require.Len(t, releases, 16, "good pages bring them back")
	})
}

func TestTheMeterHearsHowManyPagesMayBeUnderWay(t *testing.T) {
	for _, fixed := range []int{0, 64} {
		synctest.Test(t, func(t *testing.T) {
			l, g := new(endpoint).limiter(t, fixed)
			require.Equal(t, l.opts.MaxPages, g.pages)
			l.opts.MaxPages = 16
			pushBacks := 0
			for ; l.limit > least; pushBacks++ {
				time.Sleep(2 * time.Second)
				l.Heard(&object.Error{Kind: object.ErrThrottled, Status: 429})
			}
			require.Greater(t, pushBacks, 3)
			require.Equal(t, least, g.pages)
			allowed := 0
			for _, ok := l.TakePage(0); ok; _, ok = l.TakePage(allowed) {
				allowed++
			}
			require.Equal(t, g.pages, allowed)
		})
	}
}

func TestWhoLeavesHearsNothingMoreOfPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(t.Context(), Options{Meter: &gauges{}})
		heard := map[string]int{}
		hear := func(name string) func() { return l.OnFreed(func() { heard[name]++ }) }
		leave, _ := hear("leaves"), hear("stays")
		page := func() {
			release, ok := l.TakePage(0)
			require.True(t, ok)
			release(nil)
		}
		page()
		leave()
		leave() // again changes nothing
		page()
		require.Equal(t, map[string]int{"leaves": 1, "stays": 2}, heard)
		require.Len(t, l.freed, 1)
	})
}
