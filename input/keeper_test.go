package input

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

// brokenStore takes no writes while it is broken.
type brokenStore struct {
	*ledger.MemStore
	broken atomic.Bool
}

func (s *brokenStore) Put(ctx context.Context, entries ...ledger.Entry) error {
	if s.broken.Load() {
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
		var told []error
		k := keep(l, func(err error) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, err)
		})
		require.NoError(t, k.wait(t.Context()))

		work, err := l.Compare(t.Context(), ledger.Stretch{Objects: []ledger.Listed{
			{Object: bucket.Object{Key: "a", ETag: "1", Size: 1}, Matches: true},
		}})
		require.NoError(t, err)
		store.broken.Store(true)
		work.Delivered(work.Due[0].Object)
		time.Sleep(time.Minute)
		mu.Lock()
		require.ErrorContains(t, told[0], "disk full")
		require.InDelta(t, 12, len(told), 1, "tried again every five seconds")
		mu.Unlock()

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, k.wait(ctx), context.DeadlineExceeded)

		store.broken.Store(false)
		start := time.Now()
		require.NoError(t, k.wait(t.Context()))
		require.LessOrEqual(t, time.Since(start), checkpointPause)
		k.end()
		require.NoError(t, l.Close(t.Context()))
	})
}
