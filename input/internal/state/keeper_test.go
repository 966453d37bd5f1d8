package state

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// brokenStore takes no writes while it is broken.
type brokenStore struct {
	*ledger.MemStore
	broken atomic.Bool
	tries  atomic.Int64
}

func (s *brokenStore) Put(ctx context.Context, entries ...ledger.Entry) error {
	if s.broken.Load() {
		s.tries.Add(1)
		return errors.New("disk full")
	}
	return s.MemStore.Put(ctx, entries...)
}

func TestNothingMoreIsDeliveredWhileTheStateCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &brokenStore{MemStore: ledger.NewMemStore()}
		l, err := ledger.Open(t.Context(), ledger.Options{Store: store})
		require.NoError(t, err)
		var mu sync.Mutex
		var lines []time.Duration
		var recovered time.Duration
		k := Keep(l, Hooks{
			Written: func() {},
			Failing: func(err error, since time.Duration) {
				mu.Lock()
				defer mu.Unlock()
				require.ErrorContains(t, err, "disk full")
				lines = append(lines, since)
			},
			Recovered: func(after time.Duration) { recovered = after },
			Fatal:     func(err error) { t.Errorf("a full disk may pass: %v", err) },
		})
		require.NoError(t, k.Wait(t.Context()))

		work, err := l.Compare(t.Context(), ledger.Range{Objects: []ledger.Listed{
			{Object: object.Object{Key: "a", ETag: "1", Size: 1}, Matches: true},
		}})
		require.NoError(t, err)
		store.broken.Store(true)
		work.Delivered(work.Due[0].Object)
		time.Sleep(24 * time.Hour)
		mu.Lock()
		require.Zero(t, lines[0])
		require.Len(t, lines, 11, "after 1, 2, 4, 8 … minutes: ever less often")
		mu.Unlock()
		require.InDelta(t, 24*60, store.tries.Load(), 15, "tried again every minute in the end")

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, k.Wait(ctx), context.DeadlineExceeded)

		store.broken.Store(false)
		start := time.Now()
		require.NoError(t, k.Wait(t.Context()))
		require.LessOrEqual(t, time.Since(start), checkpointMostPause)
		synctest.Wait()
		require.InDelta(t, 24*time.Hour, recovered, float64(2*time.Minute))
		require.NoError(t, k.End(t.Context()))
		require.NoError(t, l.Close(t.Context()))
	})
}

// slowStore answers no write before its context ends.
type slowStore struct{ *ledger.MemStore }

func (s *slowStore) Put(ctx context.Context, _ ...ledger.Entry) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestAStoreThatDoesNotAnswerIsAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := ledger.Open(t.Context(), ledger.Options{Store: &slowStore{ledger.NewMemStore()}})
		require.NoError(t, err)
		failing := make(chan error, 100)
		k := Keep(l, Hooks{Failing: func(err error, _ time.Duration) { failing <- err }})
		work, err := l.Compare(t.Context(), ledger.Range{Objects: []ledger.Listed{
			{Object: object.Object{Key: "a", ETag: "1", Size: 1}, Matches: true},
		}})
		require.NoError(t, err)
		work.Delivered(work.Due[0].Object)
		require.ErrorIs(t, <-failing, context.DeadlineExceeded)
		require.NoError(t, k.End(t.Context()))
	})
}

// By a clock that goes on between two looks at it, as no bubble's does.
func TestTheFirstFailedCheckpointIsToldAsTheFirst(t *testing.T) {
	var out stall
	now := time.Now()
	since, say := out.failed(now)
	require.True(t, say)
	require.Zero(t, since)
	since, say = out.failed(now.Add(time.Second))
	require.False(t, say)
	require.Equal(t, time.Second, since)
	_, say = out.failed(now.Add(stallLine))
	require.True(t, say)
}
