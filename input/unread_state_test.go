package input

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

// deafStore can't be read while it is broken.
type deafStore struct {
	*ledger.MemStore
	broken atomic.Bool
}

func (s *deafStore) Get(ctx context.Context, key string) ([]byte, error) {
	if s.broken.Load() {
		return nil, errors.New("the disk does not answer")
	}
	return s.MemStore.Get(ctx, key)
}

func TestAStateThatCannotBeReadIsShownAsFailing(t *testing.T) {
	res, kept := keptMetrics(t)
	synctest.Test(t, func(t *testing.T) {
		store := &deafStore{MemStore: ledger.NewMemStore()}
		r := newRig(t, minutely)
		r.res, r.store = res, store
		for i := range 1500 { // more than is kept in memory until it is written
			r.server.Put("docs", fmt.Sprintf("%04d", i), []byte("x"))
		}
		stop := r.live()
		time.Sleep(5 * time.Minute)
		require.Empty(t, kept.of("state_failing"))
		store.broken.Store(true)
		r.server.Put("docs", "new", []byte("x"))
		time.Sleep(5 * time.Minute)
		require.Equal(t, map[string]int64{"state_failing": 1}, kept.of("state_failing"))
		store.broken.Store(false)
		time.Sleep(5 * time.Minute)
		require.Empty(t, kept.of("state_failing"))
		stop()
	})
}
