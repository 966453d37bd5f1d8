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

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
)

// seen is how many listers there were when a page was asked for.
type seen struct {
	at      time.Duration
	listers int
}

// paced is how a listing went.
type paced struct {
	took time.Duration
	seen []seen
}

// settled is how many listers there were in the second half, on average.
func (p paced) settled() float64 {
	half := p.seen[len(p.seen)/2:]
	sum := 0
	for _, s := range half {
		sum += s.listers
	}
	return float64(sum) / float64(len(half))
}

// since is the time of the first page after from that was asked for by at least
// so many listers.
func (p paced) since(from time.Duration, listers int) time.Duration {
	i := slices.IndexFunc(p.seen, func(s seen) bool { return s.at >= from && s.listers >= listers })
	if i < 0 {
		return math.MaxInt64
	}
	return p.seen[i].at
}

// flat is so many keys of one folder.
func flat(n int) []string {
	keys := keysOf(shapes[0].key, n)
	slices.Sort(keys)
	return slices.Compact(keys)
}

// pace lists keys from a server that answers each page once serve has returned.
func pace(t *testing.T, keys []string, limit *listing.Limit, serve func()) (p paced) {
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
	for _, st := range collect(t, listing.Options{Pager: srv, Listers: limit}) {
		listed += len(st.Objects)
	}
	require.Equal(t, len(keys), listed)
	p.took = time.Since(start)
	return p
}

// paceOnce is pace in a bubble of its own.
func paceOnce(t *testing.T, keys []string, listers int, serve func(*listing.Limit) func()) (p paced) {
	synctest.Test(t, func(t *testing.T) {
		limit := listing.NewLimit(listers)
		p = pace(t, keys, limit, serve(limit))
	})
	return p
}

// steady makes pages take the same time, however many are asked for.
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

// busy works on so many pages at a time, while the others wait.
func busy(workers int, work func()) func() {
	free := make(chan struct{}, workers)
	return func() {
		free <- struct{}{}
		work()
		<-free
	}
}

// bears turns away what is more than so many pages at a time.
func bears(n int, limit *listing.Limit, refused *atomic.Int64) func() {
	var serving atomic.Int64
	return func() {
		for serving.Add(1) > int64(n) {
			serving.Add(-1)
			refused.Add(1)
			limit.SlowDown(bucket.ErrThrottled)
			time.Sleep(300 * time.Millisecond)
		}
		time.Sleep(latency)
		serving.Add(-1)
	}
}

const query = 19 * time.Millisecond // of the server's processor, for a page

func TestListersSettleAtWhatTheServerWorksOnAtATime(t *testing.T) {
	if underRace {
		t.Skip("compares many long listings")
	}
	keys := flat(400_000)
	works := map[string]func() func(){
		"steady": func() func() { return steady(query) },
		"noisy":  func() func() { return noisy(query, 1) },
	}
	for name, work := range works {
		for _, workers := range []int{1, 2, 4, 8} {
			serve := func(*listing.Limit) func() { return busy(workers, work()) }
			best := time.Duration(math.MaxInt64)
			for _, fixed := range []int{1, 2, 4, 8, 16} {
				best = min(best, paceOnce(t, keys, fixed, serve).took)
			}
			p := paceOnce(t, keys, 0, serve)
			t.Logf("%s, %d at a time: %4.1f listers, %.2f of the time with the best fixed number", name, workers, p.settled(), p.took.Seconds()/best.Seconds())
			require.LessOrEqual(t, p.settled(), 2*float64(workers)+1)
			require.LessOrEqual(t, p.took.Seconds(), 1.1*best.Seconds())
		}
	}
}

func TestListersSettleBelowWhatIsTurnedAway(t *testing.T) {
	keys := flat(1_000_000)
	for _, n := range []int{1, 3, 6, 10, 15} {
		var refused, again atomic.Int64
		p := paceOnce(t, keys, 0, func(limit *listing.Limit) func() { return bears(n, limit, &refused) })
		fixed := paceOnce(t, keys, n, func(limit *listing.Limit) func() { return bears(n, limit, &again) })
		t.Logf("429 above %2d: %4.1f listers, %d refusals, %.2f of the time of %d", n, p.settled(), refused.Load(), p.took.Seconds()/fixed.took.Seconds(), n)
		require.Zero(t, again.Load())
		require.LessOrEqual(t, p.settled(), float64(n)+0.1)
		require.LessOrEqual(t, refused.Load(), int64(20))
		require.LessOrEqual(t, p.took.Seconds(), 1.3*fixed.took.Seconds())
	}
}

func TestNoisyPagesDoNotMisleadTheListers(t *testing.T) {
	keys := flat(400_000)
	for seed := range uint64(8) {
		for _, d := range []time.Duration{latency, time.Second} {
			serve := func(*listing.Limit) func() { return noisy(d, seed) }
			p, fixed := paceOnce(t, keys, 0, serve), paceOnce(t, keys, listing.MaxListers(0), serve)
			require.GreaterOrEqual(t, p.settled(), 11.0)
			require.LessOrEqual(t, p.took.Seconds(), 1.35*fixed.took.Seconds(), "with the start, at which there are four")
		}
	}
}

func TestListersComeBackAfterASlowPhase(t *testing.T) {
	keys := flat(1_000_000)
	phases := map[string]func() func(){
		"pages take ten times as long":       func() func() { return steady(10 * latency) },
		"one page at a time":                 func() func() { return busy(1, steady(latency)) },
		"two long pages at a time":           func() func() { return busy(2, steady(4*latency)) },
		"pages take a hundred times as long": func() func() { return steady(100 * latency) },
	}
	const from, to = time.Second, 4 * time.Second
	for name, slow := range phases {
		p := paceOnce(t, keys, 0, func(*listing.Limit) func() {
			start, quick, slow := time.Now(), steady(latency), slow()
			return func() {
				if s := time.Since(start); s >= from && s < to {
					slow()
				} else {
					quick()
				}
			}
		})
		t.Logf("%s: %v in all, back at 8 listers at %v, at 16 at %v, %v", name, p.took, p.since(to, 8), p.since(to, 16), p.seen[len(p.seen)-1])
		require.Equal(t, 16, p.seen[len(p.seen)-1].listers)
	}
}

func TestNextListingBeginsWithWhatTheLastOneFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := flat(200_000)
		limit := listing.NewLimit(0)
		require.Equal(t, 4, limit.Listers())
		pace(t, keys, limit, steady(latency))
		require.Equal(t, 16, limit.Listers())
		time.Sleep(time.Hour)
		p := pace(t, keys, limit, steady(latency))
		require.Equal(t, 16, p.seen[0].listers)

		time.Sleep(time.Hour)
		pace(t, keys, limit, busy(2, steady(query)))
		require.LessOrEqual(t, limit.Listers(), 4)
		time.Sleep(time.Hour)
		p = pace(t, keys, limit, steady(latency))
		require.LessOrEqual(t, p.seen[0].listers, 4)
		require.Less(t, p.since(0, 16), 3*time.Second)
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
