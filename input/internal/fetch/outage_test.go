package fetch

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// flaky is a store that is down at times.
type flaky struct {
	*store
	isDown   atomic.Bool
	requests atomic.Int64
}

func (f *flaky) err() error {
	f.requests.Add(1)
	if f.isDown.Load() {
		return &object.Error{Op: "reading", Kind: object.ErrUnreachable}
	}
	return nil
}

func (f *flaky) Open(ctx context.Context, key string, offset int64) (*object.Content, error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	return f.store.Open(ctx, key, offset)
}

func (f *flaky) Probe(context.Context) error { return f.err() }

func TestAnEndpointThatIsDownIsProbedAndWorkGoesOnWhenItIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, k, m := &flaky{store: newStore()}, &sink{}, &gauges{}
		f.latency = 100 * time.Millisecond
		var objs []object.Object
		for i := range 1000 {
			objs = append(objs, f.put(fmt.Sprint(i), []byte("x")))
		}
		const outage = 30 * time.Second
		var during int64
		time.AfterFunc(time.Second, func() {
			f.isDown.Store(true)
			before := f.requests.Load()
			time.Sleep(outage)
			during = f.requests.Load() - before
			f.isDown.Store(false)
		})
		opts := options(f.store, m)
		opts.Source, opts.MaxDownloads = f, 32
		opts.Retry = retry.Policy{MaxAttempts: 10, InitialInterval: 300 * time.Millisecond, MaxInterval: 30 * time.Second}
		began := time.Now()
		failures, err := runAll(t, opts, objectsOf(objs), k)
		require.NoError(t, err)
		require.Empty(t, failures)
		require.Len(t, k.got, 1000)
		require.Less(t, time.Since(began), outage+10*time.Second, "of which 4 are the work, and 5 the time until it is noticed that it is back")
		require.Less(t, during, int64(32+outage/time.Second))
		require.Equal(t, 1, m.up)
		require.Greater(t, m.down, 5)
	})
}

func TestAnOutageThatLastsEndsTheRunAndParksNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, k := &flaky{store: newStore()}, &sink{}
		f.isDown.Store(true)
		var objs []object.Object
		for i := range 100 {
			objs = append(objs, f.put(fmt.Sprint(i), []byte("x")))
		}
		opts := options(f.store, &gauges{})
		opts.Source = f
		released := 0
		c := &takers{deliver: k.deliver, failed: func(f Failure) { t.Error(f.Err) }, released: func() { released++ }}
		began := time.Now()
		err := runTo(t.Context(), opts, objectsOf(objs), c)
		require.ErrorIs(t, err, object.ErrUnreachable)
		require.ErrorContains(t, err, "the endpoint has been down for")
		require.InDelta(t, opts.Retry.Patience().Seconds(), time.Since(began).Seconds(), 10)
		require.Positive(t, released)
	})
}

func TestObjectsThatFailByThemselvesAreNoOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, k, m := newStore(), &sink{}, &gauges{}
		s.onOpen = func(key string, _ int, _ int64) (int64, error) { return 0, unavailable(key) }
		var objs []object.Object
		for i := range 100 {
			objs = append(objs, s.put(fmt.Sprint(i), []byte("x")))
		}
		failures, err := runAll(t, options(s, m), objectsOf(objs), k)
		require.NoError(t, err)
		require.Len(t, failures, 100)
		require.Zero(t, m.down)
	})
}

func TestRunsShareTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, k := newStore(), &sink{}
		s.latency = time.Second
		ctx, stop := context.WithCancel(t.Context())
		opts := options(s, &gauges{})
		f := New(ctx, opts)
		var runs []*Run
		for n := range 3 {
			var objs []object.Object
			for i := range 40 {
				objs = append(objs, s.put(fmt.Sprint(n, "/", i), []byte("x")))
			}
			runs = append(runs, f.Begin(items(objectsOf(objs), &takers{deliver: k.deliver, failed: func(f Failure) { t.Error(f.Err) }})))
		}
		for _, r := range runs {
			<-r.Done()
			require.NoError(t, r.Err())
		}
		stop()
		f.Wait()
		require.Len(t, k.got, 120)
		require.Equal(t, 8, s.most)
	})
}
