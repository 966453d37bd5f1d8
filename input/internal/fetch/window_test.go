package fetch

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// downloadMany reads n small objects through a window (0 adapts) and returns how
// long it took.
func downloadMany(t *testing.T, s *store, g *gauges, window, n int, k *sink) time.Duration {
	t.Helper()
	opts := options(s, g)
	opts.MaxDownloads = window
	opts.Retry = retry.Policy{MaxAttempts: 50, InitialInterval: 200 * time.Millisecond, MaxInterval: 5 * time.Second}
	var objs []object.Object
	for i := range n {
		objs = append(objs, s.put(fmt.Sprintf("k%06d", i), []byte("x")))
	}
	start := time.Now()
	failures, err := runAll(t, opts, objectsOf(objs), k)
	require.NoError(t, err)
	require.Empty(t, failures)
	require.Len(t, k.got, n)
	return time.Since(start)
}

// notUnderRace leaves a test out that moves tens of thousands of objects in virtual
// time: the race detector runs out of clocks there (ThreadSanitizer: CHECK failed).
// The other tests look for races.
func notUnderRace(t *testing.T) {
	if underRace {
		t.Skip("moves tens of thousands of objects in virtual time, which the race detector does not bear; the other tests look for races")
	}
}

func TestTheWindowOpensWhereLatencyIsAllThereIs(t *testing.T) {
	notUnderRace(t)
	synctest.Test(t, func(t *testing.T) {
		s, g := newStore(), &gauges{}
		s.latency = 20 * time.Millisecond
		took := downloadMany(t, s, g, 0, 2000, &sink{})
		require.Equal(t, windowCeiling, slices.Max(g.windows))
		require.LessOrEqual(t, took, 400*time.Millisecond, "a window of 64 needs 640 ms")
	})
}

// about is a duration that differs a little each time, as all that is real does.
func about(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.9 + 0.2*rand.Float64()))
}

// queueing is a server that works on so many requests at a time; others wait.
func queueing(places int, each func() time.Duration) func(context.Context, string, int) error {
	free := make(chan struct{}, places)
	return func(ctx context.Context, _ string, _ int) error {
		free <- struct{}{}
		defer func() { <-free }()
		return retry.Sleep(ctx, each())
	}
}

func TestTheWindowStaysSmallWhereTheServerOnlyQueues(t *testing.T) {
	notUnderRace(t)
	for _, places := range []int{1, 4, 16, 40} {
		t.Run(fmt.Sprint(places), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, g := newStore(), &gauges{}
				s.serve = queueing(places, func() time.Duration { return about(20 * time.Millisecond) })
				n := 300 * places
				took := downloadMany(t, s, g, 0, n, &sink{})
				require.LessOrEqual(t, slices.Max(g.windows), max(2*windowStart, 4*places))
				require.LessOrEqual(t, g.windows[len(g.windows)-1], max(windowStart, 2*places))
				require.LessOrEqual(t, took, time.Duration(1.2*float64(n/places)*float64(20*time.Millisecond)))
			})
		})
	}
}

func TestTheWindowKeepsItsSizeUnderNoise(t *testing.T) {
	notUnderRace(t)
	synctest.Test(t, func(t *testing.T) {
		s, g := newStore(), &gauges{}
		s.serve = queueing(1000, func() time.Duration { return time.Duration(5+rand.ExpFloat64()*15) * time.Millisecond })
		took := downloadMany(t, s, g, 0, 10_000, &sink{})
		require.GreaterOrEqual(t, slices.Min(g.windows), windowStart/2)
		require.LessOrEqual(t, took, 10_000/30*20*time.Millisecond, "no slower than a fixed window of 30")
	})
}

func TestTheWindowShrinksAtOnceWhenDownloadsSlowDown(t *testing.T) {
	notUnderRace(t)
	synctest.Test(t, func(t *testing.T) {
		s, g := newStore(), &gauges{}
		start, places := time.Now(), 100
		quick := queueing(places, func() time.Duration { return about(20 * time.Millisecond) })
		crowded := queueing(4, func() time.Duration { return about(20 * time.Millisecond) })
		var atCrowd int
		s.serve = func(ctx context.Context, key string, active int) error {
			if since := time.Since(start); since > time.Second && since < 8*time.Second {
				if atCrowd == 0 {
					g.mu.Lock()
					atCrowd = len(g.windows)
					g.mu.Unlock()
				}
				return crowded(ctx, key, active)
			}
			return quick(ctx, key, active)
		}
		downloadMany(t, s, g, 0, 30_000, &sink{})
		before, after := g.windows[atCrowd-1], g.windows[atCrowd:]
		require.GreaterOrEqual(t, before, 64)
		require.LessOrEqual(t, slices.Min(after), before/2)
		require.GreaterOrEqual(t, after[len(after)-1], before/2, "and grows again")
	})
}

func TestTheWindowSettlesBelowWhereTheEndpointThrottles(t *testing.T) {
	notUnderRace(t)
	const allowed, n = 20, 8_000
	throttling := func(s *store) func(context.Context, string, int) error {
		return func(ctx context.Context, key string, active int) error {
			if active > allowed {
				_ = retry.Sleep(ctx, time.Millisecond)
				return &object.Error{Op: "reading", Key: key, Kind: object.ErrThrottled, Status: 429}
			}
			return nil
		}
	}
	synctest.Test(t, func(t *testing.T) {
		var best time.Duration
		for _, fixed := range []int{8, 16, 20, 24, 32} {
			s := newStore()
			s.latency, s.serve = 20*time.Millisecond, throttling(s)
			if took := downloadMany(t, s, &gauges{}, fixed, n, &sink{}); best == 0 || took < best {
				best = took
			}
		}
		s, g := newStore(), &gauges{}
		s.latency, s.serve = 20*time.Millisecond, throttling(s)
		took := downloadMany(t, s, g, 0, n, &sink{})
		t.Logf("adaptive %v, best fixed window %v, %d push-backs, windows %v", took, best, len(g.retries), g.windows)
		require.LessOrEqual(t, took, best*13/10)
		require.LessOrEqual(t, len(g.retries), n/100, "push-backs are rare")
		require.LessOrEqual(t, g.windows[len(g.windows)-1], allowed)
	})
}

func TestTheWindowShrinksOnThrottlingAndGrowsAgain(t *testing.T) {
	notUnderRace(t)
	synctest.Test(t, func(t *testing.T) {
		s, g := newStore(), &gauges{}
		from, to := time.Now().Add(500*time.Millisecond), time.Now().Add(4*time.Second)
		s.latency = 10 * time.Millisecond
		s.serve = func(ctx context.Context, key string, _ int) error {
			if now := time.Now(); now.After(from) && now.Before(to) {
				_ = retry.Sleep(ctx, time.Millisecond)
				return &object.Error{Op: "reading", Key: key, Kind: object.ErrThrottled, Status: 429}
			}
			return nil
		}
		downloadMany(t, s, g, 0, 50_000, &sink{})
		low := slices.Index(g.windows, slices.Min(g.windows))
		require.LessOrEqual(t, g.windows[low], windowStart/2)
		require.Greater(t, slices.Max(g.windows[low:]), 4*windowStart, "and grown again")
	})
}

func TestASlowPipelineDoesNotOpenTheWindow(t *testing.T) {
	notUnderRace(t)
	synctest.Test(t, func(t *testing.T) {
		s, g := newStore(), &gauges{}
		s.latency = time.Millisecond
		output := queueing(1, func() time.Duration { return 5 * time.Millisecond })
		k := &sink{hold: func(d *Download) { _ = output(t.Context(), d.Key, 0) }}
		downloadMany(t, s, g, 0, 5000, k)
		require.LessOrEqual(t, slices.Max(g.windows), 2*windowStart)
	})
}

func TestTheWindowStartsWiderForObjectsThatAreMostlyTransfer(t *testing.T) {
	notUnderRace(t)
	for size, want := range map[int]int{1 << 10: windowStart, minPart - 1: windowStart, minPart: 2 * windowStart} {
		synctest.Test(t, func(t *testing.T) {
			s, g := newStore(), &gauges{}
			s.latency = time.Second
			opts := options(s, g)
			opts.MaxDownloads, opts.BufferBytes = 0, 1<<30
			var objs []object.Object
			for i := range 3 * windowStart {
				objs = append(objs, s.put(fmt.Sprint(i), make([]byte, size)))
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
			defer cancel()
			_ = run(ctx, opts, objectsOf(objs), (&sink{}).deliver, func(Failure) {})
			require.Equal(t, want, s.most, size)
		})
	}
}

func TestAFixedWindowStaysAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g := newStore(), &gauges{}
		s.latency = 20 * time.Millisecond
		downloadMany(t, s, g, 7, 1000, &sink{})
		require.Equal(t, []int{7}, g.windows)
	})
}
