package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/limiter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// crowd are Fetchers that share a room.
type crowd struct {
	t    *testing.T
	room *Room
	ctx  context.Context //nolint:containedctx // that of all
}

// crowded makes a room whose Fetchers hold each object whole.
func crowded(t *testing.T, o RoomOptions) *crowd {
	t.Helper()
	o.Whole = true
	return &crowd{t, NewRoom(o), t.Context()}
}

// endpoint makes a limiter of so many downloads; 0 adapts.
func (c *crowd) endpoint(downloads int) *limiter.Limiter {
	return limiter.New(c.ctx, limiter.Options{MaxDownloads: downloads, Patience: time.Hour, Meter: &gauges{}})
}

// begin makes a run over so many objects of a size, each of which takes latency.
func (c *crowd) begin(ctx context.Context, l *limiter.Limiter, n int, size int64, latency time.Duration) *Run {
	s := newStore()
	s.latency = latency
	return c.beginOn(ctx, l, s, n, size)
}

func (c *crowd) beginOn(ctx context.Context, l *limiter.Limiter, s *store, n int, size int64) *Run {
	c.t.Helper()
	data := make([]byte, size)
	objs := make([]object.Object, n)
	for i := range objs {
		objs[i] = s.put(fmt.Sprint(i), data)
	}
	opts := options(s, &gauges{})
	opts.Limiter, opts.Room, opts.MaxDownloads = l, c.room, 0
	opts.HoldsWhole, opts.TakesWhole = true, true
	return New(ctx, opts).Begin(items(objectsOf(objs), &takers{
		deliver: func(context.Context, *Download) error { return nil },
		failed:  func(f Failure) { c.t.Error(f.Err) },
	}))
}

// took waits for a run.
func (c *crowd) took(r *Run) time.Duration {
	c.t.Helper()
	began := time.Now()
	<-r.Done()
	require.NoError(c.t, r.Err())
	return time.Since(began)
}

// requireEmpty says that all runs have left a room, and all that they had is back.
func (c *crowd) requireEmpty() {
	c.t.Helper()
	m := c.room
	m.mu.Lock()
	defer m.mu.Unlock()
	require.Empty(c.t, m.endpoints)
	require.Zero(c.t, m.taken)
	require.Zero(c.t, m.budget.used)
}

func TestAHugeBucketLeavesASmallOneItsShareOfTheEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := crowded(t, RoomOptions{Bytes: 64 << 20})
		l := c.endpoint(8)
		ctx, stop := context.WithCancel(t.Context())
		huge := c.begin(ctx, l, 4000, 1, 4*time.Second)
		time.Sleep(10 * time.Second)
		small := c.begin(ctx, l, 40, 1, time.Second)
		require.LessOrEqual(t, c.took(small), 15*time.Second, "four places of eight as soon as they are free")
		stop()
		<-huge.Done()
		c.requireEmpty()
	})
}

func TestASlowEndpointLeavesOthersTheirShareOfThePlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := crowded(t, RoomOptions{Bytes: 64 << 20, Places: 16})
		ctx, stop := context.WithCancel(t.Context())
		slow := c.begin(ctx, c.endpoint(16), 4000, 1, 10*time.Second)
		time.Sleep(15 * time.Second)
		var quick []*Run
		for range 3 {
			quick = append(quick, c.begin(ctx, c.endpoint(16), 400, 1, 100*time.Millisecond))
		}
		began := time.Now()
		for _, r := range quick {
			c.took(r)
		}
		require.LessOrEqual(t, time.Since(began), 17*time.Second, "four places of sixteen each, once the slow ones are back")
		stop()
		<-slow.Done()
		c.requireEmpty()
	})
}

func TestAnObjectThatWaitsForBytesGetsThemAlthoughSmallOnesKeepComing(t *testing.T) {
	for name, size := range map[string]int64{"most of the budget": 9 << 20, "more than the budget": 40 << 20} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := crowded(t, RoomOptions{Bytes: 10 << 20})
				ctx, stop := context.WithCancel(t.Context())
				small := c.begin(ctx, c.endpoint(8), 2000, 1<<20, time.Second)
				time.Sleep(4500 * time.Millisecond)
				large := c.begin(ctx, c.endpoint(8), 3, size, 100*time.Millisecond)
				require.LessOrEqual(t, c.took(large), 10*time.Second)
				stop()
				<-small.Done()
				c.requireEmpty()
			})
		})
	}
}

func TestABucketOfSmallObjectsDoesNotWaitForEachLargeOneOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := crowded(t, RoomOptions{Bytes: 64 << 20})
		ctx, stop := context.WithCancel(t.Context())
		large := c.begin(ctx, c.endpoint(32), 2000, 16<<20, 10*time.Second)
		time.Sleep(15 * time.Second)
		small := c.begin(ctx, c.endpoint(8), 400, 1000, 100*time.Millisecond)
		require.LessOrEqual(t, c.took(small), 5*time.Second+400/8*100*time.Millisecond)
		stop()
		<-large.Done()
		c.requireEmpty()
	})
}

func TestALargeObjectGetsItsBytesNextToSmallOnesThatKeepComing(t *testing.T) {
	for _, size := range []int64{40 << 20, 63 << 20, 100 << 20} {
		t.Run(fmt.Sprint(size>>20, " MiB of 64"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := crowded(t, RoomOptions{Bytes: 64 << 20, Places: 1000})
				ctx, stop := context.WithCancel(t.Context())
				small := c.begin(ctx, c.endpoint(1000), 20_000, 1000, time.Second)
				time.Sleep(2500 * time.Millisecond)
				require.LessOrEqual(t, c.took(c.begin(ctx, c.endpoint(8), 2, size, time.Second)), 6*time.Second)
				stop()
				<-small.Done()
				c.requireEmpty()
			})
		})
	}
}

func TestARunThatWaitsForBytesKeepsItsTurnFromRunsWithFewerPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := crowded(t, RoomOptions{Bytes: 10 << 20})
		l := c.endpoint(8)
		other, large, small := c.room.join(l), c.room.join(l), c.room.join(l)
		other.ask(5 << 20)
		large.ask(1)
		large.ask(6 << 20)
		small.ask(5 << 20)
		has, ok := other.collect()
		require.True(t, ok)
		_, ok = large.collect()
		require.True(t, ok)
		other.exit(has)
		_, ok = large.collect()
		require.True(t, ok, "it has waited for longer")
		_, ok = small.collect()
		require.False(t, ok)
	})
}

func TestARunThatEndsWhileItWaitsForBytesHoldsNobodyBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := crowded(t, RoomOptions{Bytes: 10 << 20})
		small := c.begin(t.Context(), c.endpoint(8), 20, 6<<20, time.Second)
		time.Sleep(500 * time.Millisecond)
		ctx, stop := context.WithCancel(t.Context())
		large := c.begin(ctx, c.endpoint(8), 1, 40<<20, time.Hour)
		other := c.begin(t.Context(), c.endpoint(8), 20, 1<<20, time.Second)
		synctest.Wait()
		stop()
		<-large.Done()
		require.ErrorIs(t, large.Err(), context.Canceled)
		c.took(small)
		require.LessOrEqual(t, c.took(other), 20*time.Second)
		c.requireEmpty()
	})
}

func TestAnEndpointThatIsDownHasNoTurnToKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := crowded(t, RoomOptions{Bytes: 10 << 20})
		ctx, stop := context.WithCancel(t.Context())
		s := newStore()
		s.down = &object.Error{Op: "probing", Kind: object.ErrUnreachable, Err: errors.New("connection refused")}
		s.onOpen = func(string, int, int64) (int64, error) { return 0, s.down }
		down := limiter.New(ctx, limiter.Options{MaxDownloads: 8, Probe: s.Probe, Patience: time.Hour, Meter: &gauges{}})
		waits := c.beginOn(ctx, down, s, 20, 10<<20)
		time.Sleep(20 * time.Second)
		require.LessOrEqual(t, c.took(c.begin(ctx, c.endpoint(8), 80, 1<<20, time.Second)), 11*time.Second)
		stop()
		<-waits.Done()
		c.requireEmpty()
	})
}

func TestAllRunsOfAnEndpointHearOfTheEndOfAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := crowded(t, RoomOptions{Bytes: 10 << 20})
		s := newStore()
		s.down = &object.Error{Op: "probing", Kind: object.ErrUnreachable, Err: errors.New("connection refused")}
		s.onOpen = func(string, int, int64) (int64, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			return -1, s.down
		}
		l := limiter.New(t.Context(), limiter.Options{MaxDownloads: 2, Probe: s.Probe, Patience: time.Minute, Meter: &gauges{}})
		var runs []*Run
		for range 10 {
			runs = append(runs, c.beginOn(t.Context(), l, s, 10, 1))
		}
		for _, r := range runs {
			<-r.Done()
			require.ErrorContains(t, r.Err(), "the endpoint has been down for 1m")
		}
		c.requireEmpty()
	})
}

func TestWhatBecomesFreeWakesOneRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := crowded(t, RoomOptions{Bytes: 64 << 20})
		l := c.endpoint(1)
		busy := c.room.join(l)
		busy.ask(1)
		has, ok := busy.collect()
		require.True(t, ok)
		var waiting []*member
		for range 50 {
			w := c.room.join(l)
			w.ask(1)
			waiting = append(waiting, w)
		}
		for range waiting {
			busy.exit(has)
			woken := 0
			for _, w := range waiting {
				if len(w.freed) > 0 {
					<-w.freed
					woken++
					busy = w
				}
			}
			require.Equal(t, 1, woken)
			has, ok = busy.collect()
			require.True(t, ok, "it is there for the run that was woken")
		}
	})
}

func TestARoomThatIsGivenAndNotUsedGoesToTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := crowded(t, RoomOptions{Bytes: 64 << 20})
		l := c.endpoint(1)
		first, second, third := c.room.join(l), c.room.join(l), c.room.join(l)
		for _, w := range []*member{first, second, third} {
			w.ask(1)
		}
		has, ok := first.collect()
		require.True(t, ok)
		first.exit(has)
		require.Len(t, second.freed, 1)
		second.withdraw() // its context ended before it looked
		require.Len(t, third.freed, 1)
		has, ok = third.collect()
		require.True(t, ok)
		third.exit(has)
		for _, w := range []*member{first, second, third} {
			w.leave()
		}
		c.requireEmpty()
	})
}

func TestPartsOfALargeObjectLeaveTheirPlacesToOtherRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := NewRoom(RoomOptions{Bytes: 64 << 20, Places: 8})
		c := &crowd{t, room, t.Context()}
		ctx, stop := context.WithCancel(t.Context())
		s := newStore()
		s.latency, s.rate = 10*time.Millisecond, 10<<20
		data := make([]byte, 80<<20)
		opts := options(s, &gauges{})
		opts.Room, opts.CheapRanges, opts.MaxDownloads = room, true, 0
		large := New(ctx, opts).Begin(items(objectsOf([]object.Object{s.put("large", data)}), &takers{
			deliver: (&sink{}).deliver, failed: func(f Failure) { t.Error(f.Err) },
		}))
		time.Sleep(100 * time.Millisecond)
		small := newStore()
		small.latency = 100 * time.Millisecond
		var objs []object.Object
		for i := range 40 {
			objs = append(objs, small.put(fmt.Sprint(i), []byte("x")))
		}
		opts.Source = small
		r := New(ctx, opts).Begin(items(objectsOf(objs), &takers{deliver: (&sink{}).deliver, failed: func(f Failure) { t.Error(f.Err) }}))
		require.LessOrEqual(t, c.took(r), 1200*time.Millisecond, "seven at a time once the first parts are there")
		c.took(large)
		stop()
		c.requireEmpty()
	})
}

func TestPartsOfALargeObjectLeaveTheirBytesToOtherEndpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{t, NewRoom(RoomOptions{Bytes: 20 << 20}), t.Context()}
		ctx, stop := context.WithCancel(t.Context())
		s := newStore()
		s.latency, s.rate = 10*time.Millisecond, 10<<20
		opts := options(s, &gauges{})
		opts.Room, opts.CheapRanges, opts.MaxDownloads = c.room, true, 0
		large := New(ctx, opts).Begin(items(objectsOf([]object.Object{s.put("large", make([]byte, 100<<20))}), &takers{
			deliver: func(ctx context.Context, d *Download) error {
				_, err := io.Copy(io.Discard, &slowReader{ctx: ctx, from: d.Body, pause: 15 * time.Millisecond}) // 8 KiB each: 26 MiB/s
				return err
			},
			failed: func(f Failure) { t.Error(f.Err) },
		}))
		time.Sleep(500 * time.Millisecond)
		other := newStore()
		opts.Source, opts.Limiter = other, nil
		r := New(ctx, opts).Begin(items(objectsOf([]object.Object{other.put("k", make([]byte, 9<<20))}), &takers{
			deliver: (&sink{}).deliver, failed: func(f Failure) { t.Error(f.Err) },
		}))
		require.LessOrEqual(t, c.took(r), time.Second, "as soon as three parts were read")
		c.took(large)
		stop()
		c.requireEmpty()
	})
}
