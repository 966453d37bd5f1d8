package fetch

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/limiter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// TestRunsThatComeAndGoAtRandom has runs of several endpoints share a room, in
// trouble, at every shape of it. Runs that go on have to deliver every object once, and
// nothing may be left: that no wake-up is lost shows in that the bubble ends.
func TestRunsThatComeAndGoAtRandom(t *testing.T) {
	for seed := range uint64(*storms / 2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { runCrowd(t, seed) })
		})
	}
}

func runCrowd(t *testing.T, seed uint64) {
	rnd := newStorm(seed).rnd
	pick := func(of ...int64) int64 { return of[rnd.IntN(len(of))] }
	var buffered int64
	room := NewRoom(RoomOptions{
		Bytes: pick(64<<10, 1<<20, 5<<20, 9<<20, 32<<20, 256<<20), Places: int(pick(0, 1, 3, 12)),
		BytesPerSecond: pick(0, 0, 1<<20, 64<<20), Whole: rnd.IntN(2) == 0,
		Buffered: func(n int64) { buffered = n },
	})
	c := &crowd{t, room, t.Context()}
	ctx, stop := context.WithCancel(t.Context())
	gauge := &last{}
	var limiters []*limiter.Limiter
	for range 1 + rnd.IntN(3) {
		limiters = append(limiters, limiter.New(ctx, limiter.Options{
			MaxDownloads: int(pick(0, 1, 2, 5)), Patience: time.Hour, Meter: gauge,
			Probe: func(context.Context) error { return nil },
		}))
	}
	type joined struct {
		*Run
		objs  []object.Object
		sink  *stormSink
		early bool
	}
	var runs []joined
	for n := range uint64(12) {
		s := newStorm(seed<<8 + n)
		j := joined{sink: &stormSink{store: s, slow: time.Duration(pick(0, 0, 1, 50)) * time.Millisecond, seed: seed + n}}
		for i := range rnd.IntN(6) {
			size := stormSize(rnd)
			if room.pace != nil {
				size /= 16
			}
			j.objs = append(j.objs, s.put(fmt.Sprint(i), size))
		}
		opts := Options{
			Source: s, Meter: gauge, Limiter: limiters[rnd.IntN(len(limiters))], Room: room,
			HoldsWhole: room.budget.whole, TakesWhole: room.budget.whole && rnd.IntN(2) == 0, CheapRanges: rnd.IntN(2) == 0,
			Retry: retry.Policy{MaxAttempts: 1000, InitialInterval: 10 * time.Millisecond, MaxInterval: time.Second},
		}
		own := ctx
		if j.early = rnd.IntN(3) == 0; j.early {
			var cancel context.CancelFunc
			own, cancel = context.WithTimeout(ctx, time.Duration(rnd.IntN(4000))*time.Millisecond)
			defer cancel()
		}
		j.Run = New(own, opts).Begin(items(objectsOf(j.objs), &takers{deliver: j.sink.deliver, failed: func(f Failure) { t.Errorf("given up: %v", f.Err) }}))
		runs = append(runs, j)
		time.Sleep(time.Duration(rnd.IntN(400)) * time.Millisecond)
	}
	for _, j := range runs {
		<-j.Done()
		require.Empty(t, j.sink.wrong)
		if j.early && j.Err() != nil {
			require.ErrorIs(t, j.Err(), context.DeadlineExceeded)
			continue
		}
		require.NoError(t, j.Err())
		for _, o := range j.objs {
			require.Equal(t, 1, j.sink.got[o.Key], o.Key)
		}
	}
	stop()
	synctest.Wait()
	c.requireEmpty()
	require.Zero(t, buffered)
	require.Zero(t, gauge.inFlight)
}
