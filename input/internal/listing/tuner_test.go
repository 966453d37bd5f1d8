package listing_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// seen is the number of listers when a page was requested.
type seen struct {
	at      time.Duration
	listers int
}

// measured is how a listing went.
type measured struct {
	took time.Duration
	seen []seen
}

// settled is the average number of listers in the second half.
func (p measured) settled() float64 {
	half := p.seen[len(p.seen)/2:]
	sum := 0
	for _, s := range half {
		sum += s.listers
	}
	return float64(sum) / float64(len(half))
}

// flat makes n keys in one folder.
func flat(n int) []string {
	keys := keysOf(shapes[0].key, n)
	slices.Sort(keys)
	return slices.Compact(keys)
}

// measure lists keys from a server that answers each page once serve has returned.
func measure(t *testing.T, keys []string, limit *listing.Limit, serve func()) (p measured) {
	t.Helper()
	srv := &server{keys: keys}
	start := time.Now()
	srv.before = func(int, string) error {
		srv.mu.Lock()
		p.seen = append(p.seen, seen{time.Since(start), limit.Listers()})
		srv.mu.Unlock()
		serve()
		return nil
	}
	listed := 0
	for _, rg := range collect(t, listing.Options{Pager: srv, Listers: limit}) {
		listed += len(rg.Objects)
	}
	require.Equal(t, len(keys), listed)
	p.took = time.Since(start)
	return p
}

// measureOnce is measure in a bubble of its own.
func measureOnce(t *testing.T, keys []string, listers int, serve func(*listing.Limit) func()) (p measured) {
	synctest.Test(t, func(t *testing.T) {
		limit := listing.NewLimit(listers)
		p = measure(t, keys, limit, serve(limit))
	})
	return p
}

// steady makes every page take the same time, however many are under way.
func steady(d time.Duration) func() { return func() { time.Sleep(d) } }

// noisy makes pages take from half of d to twice d.
func noisy(d time.Duration, seed uint64) func() {
	r := lockedRand(seed)
	return func() { time.Sleep(time.Duration(float64(d) * math.Exp2(2*r()-1))) }
}

func lockedRand(seed uint64) func() float64 {
	r, lock := rand.New(rand.NewPCG(seed, 2)), make(chan struct{}, 1)
	return func() float64 {
		lock <- struct{}{}
		defer func() { <-lock }()
		return r.Float64()
	}
}

// busy works on so many pages at a time; the others wait.
func busy(workers int, work func()) func() {
	free := make(chan struct{}, workers)
	return func() {
		free <- struct{}{}
		work()
		<-free
	}
}

// turnsAway throttles requests beyond n pages at a time.
func turnsAway(n int, limit *listing.Limit, refused *atomic.Int64) func() {
	var serving atomic.Int64
	return func() {
		for serving.Add(1) > int64(n) {
			serving.Add(-1)
			refused.Add(1)
			limit.SlowDown(object.ErrThrottled)
			time.Sleep(300 * time.Millisecond)
		}
		time.Sleep(latency)
		serving.Add(-1)
	}
}

func ratio(a, b time.Duration) float64 { return a.Seconds() / b.Seconds() }

func tooLongUnderRace(t *testing.T) {
	t.Helper()
	if underRace {
		t.Skip("lists millions of keys in virtual time, which the race detector makes slow; the other tests look for races")
	}
}

const query = 19 * time.Millisecond // of the server's processor time for a page

func TestListersSettleAtWhatTheServerWorksOnAtATime(t *testing.T) {
	tooLongUnderRace(t)
	keys := flat(400_000)
	for _, c := range []struct {
		name   string
		work   func() func()
		longer float64 // than with the best fixed number
	}{
		{"steady", func() func() { return steady(query) }, 1.1},
		{"noisy", func() func() { return noisy(query, 1) }, 1.5},
	} {
		for _, workers := range []int{1, 2, 4, 8} {
			serve := func(*listing.Limit) func() { return busy(workers, c.work()) }
			best := time.Duration(math.MaxInt64)
			for _, fixed := range []int{1, 2, 4, 8, 16} {
				best = min(best, measureOnce(t, keys, fixed, serve).took)
			}
			p := measureOnce(t, keys, 0, serve)
			t.Logf("%s, %d at a time: %4.1f listers, %.2f of the time of the best fixed number", c.name, workers, p.settled(), ratio(p.took, best))
			require.LessOrEqual(t, p.settled(), 2*float64(workers)+1)
			require.LessOrEqual(t, ratio(p.took, best), c.longer)
		}
	}
}

func TestListersSettleBelowWhatIsTurnedAway(t *testing.T) {
	tooLongUnderRace(t)
	keys := flat(1_000_000)
	for _, n := range []int{1, 3, 6, 10, 15} {
		var refused, again atomic.Int64
		p := measureOnce(t, keys, 0, func(limit *listing.Limit) func() { return turnsAway(n, limit, &refused) })
		fixed := measureOnce(t, keys, n, func(limit *listing.Limit) func() { return turnsAway(n, limit, &again) })
		t.Logf("429 above %2d: %4.1f listers, %d refusals, %.2f of the time of %d", n, p.settled(), refused.Load(), ratio(p.took, fixed.took), n)
		require.Zero(t, again.Load())
		require.LessOrEqual(t, p.settled(), float64(n)+0.1)
		require.LessOrEqual(t, refused.Load(), int64(30))
		require.LessOrEqual(t, ratio(p.took, fixed.took), 1.3)
	}
}

func TestNoisyPagesDoNotMisleadTheListers(t *testing.T) {
	tooLongUnderRace(t)
	keys := flat(400_000)
	for seed := range uint64(4) {
		for _, d := range []time.Duration{latency, time.Second} {
			serve := func(*listing.Limit) func() { return noisy(d, seed) }
			p, fixed := measureOnce(t, keys, 0, serve), measureOnce(t, keys, listing.MaxListers(0), serve)
			require.GreaterOrEqual(t, p.settled(), 8.0)
			require.LessOrEqual(t, ratio(p.took, fixed.took), 1.6, "from the start, at which there are four")
		}
	}
}

func TestListersComeBackAfterASlowPhase(t *testing.T) {
	tooLongUnderRace(t)
	const from, to = time.Second, 6 * time.Second
	keys := flat(1_000_000)
	for _, c := range []struct {
		name   string
		slow   func() func()
		fewest int // listers that there may be in that phase
	}{
		{"pages take ten times as long", func() func() { return steady(10 * latency) }, 16},
		{"pages take a hundred times as long", func() func() { return steady(100 * latency) }, 8},
		{"one page at a time", func() func() { return busy(1, steady(latency)) }, 8},
		{"two long pages at a time", func() func() { return busy(2, steady(4*latency)) }, 8},
	} {
		p := measureOnce(t, keys, 0, func(*listing.Limit) func() {
			start, quick, slow := time.Now(), steady(latency), c.slow()
			return func() {
				if s := time.Since(start); s >= from && s < to {
					slow()
				} else {
					quick()
				}
			}
		})
		fewest := 16
		for _, s := range p.seen {
			if s.at >= from && s.at <= to {
				fewest = min(fewest, s.listers)
			}
		}
		last := p.seen[len(p.seen)-1]
		t.Logf("%s: %d listers at the least, %d in the end, all listed after %v", c.name, fewest, last.listers, p.took)
		require.LessOrEqual(t, fewest, c.fewest)
		require.Equal(t, 16, last.listers)
	}
}

func TestNextListingBeginsWithWhatTheLastOneFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := flat(200_000)
		limit := listing.NewLimit(0)
		require.Equal(t, 4, limit.Listers())
		measure(t, keys, limit, steady(latency))
		require.Equal(t, 16, limit.Listers())
		time.Sleep(time.Hour)
		p := measure(t, keys, limit, steady(latency))
		require.Equal(t, 16, p.seen[0].listers)

		time.Sleep(time.Hour)
		measure(t, keys, limit, busy(2, steady(query)))
		require.LessOrEqual(t, limit.Listers(), 4)
		time.Sleep(time.Hour)
		p = measure(t, keys, limit, steady(latency))
		require.LessOrEqual(t, p.seen[0].listers, 4)
		require.Equal(t, 16, limit.Listers())
	})
}

func TestPagesThatTakeNoTimeAreListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := listing.NewLimit(0)
		measure(t, flat(200_000), limit, func() {})
		require.Equal(t, 16, limit.Listers())
	})
}

func TestSmallBucketIsListedByFourAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(flat(10_000))
		srv.latency = latency
		collect(t, listing.Options{Pager: srv})
		require.LessOrEqual(t, srv.most, 4)
	})
}
