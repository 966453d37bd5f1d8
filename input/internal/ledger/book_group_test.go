package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

// slow is a store that takes a second for each write, and fails some.
type slow struct {
	*ledger.MemStore
	writes atomic.Int64
	fails  func(n int64) error
}

func (s *slow) Put(ctx context.Context, entries ...ledger.Entry) error {
	n := s.writes.Add(1)
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return ctx.Err()
	}
	if s.fails != nil {
		if err := s.fails(n); err != nil {
			return err
		}
	}
	return s.MemStore.Put(ctx, entries...)
}

func TestChangesOfTheBookThatWaitTogetherAreOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slow{MemStore: ledger.NewMemStore()}
		b := openBook(t, store)
		var group sync.WaitGroup
		began := time.Now()
		for n := range 1000 {
			group.Go(func() { require.NoError(t, b.Put(t.Context(), entry(fmt.Sprintf("bucket-%04d", n)))) })
		}
		group.Wait()
		require.LessOrEqual(t, time.Since(began), 2*time.Second)
		require.Len(t, openBook(t, store).Entries(), 1000)
		require.Len(t, b.Entries(), 1000)
	})
}

func TestAWriteOfTheBookThatFailsIsTheFailureOfOneCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		store := &slow{MemStore: ledger.NewMemStore(), fails: func(n int64) error {
			if n == 2 {
				return broken
			}
			return nil
		}}
		b := openBook(t, store)
		var group sync.WaitGroup
		var failed atomic.Int64
		for n := range 100 {
			group.Go(func() {
				if err := b.Put(t.Context(), entry(fmt.Sprintf("bucket-%03d", n))); err != nil {
					require.ErrorIs(t, err, broken)
					failed.Add(1)
				}
			})
		}
		group.Wait()
		require.EqualValues(t, 1, failed.Load())
		require.Len(t, openBook(t, store).Entries(), 99)
		require.Equal(t, b.Entries(), openBook(t, store).Entries())
	})
}

func TestAChangeOfTheBookThatIsGivenUpIsNotMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slow{MemStore: ledger.NewMemStore()}
		b := openBook(t, store)
		var group sync.WaitGroup
		group.Go(func() { require.NoError(t, b.Put(t.Context(), entry("first"))) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		group.Go(func() { require.ErrorIs(t, b.Put(ctx, entry("given up")), context.DeadlineExceeded) })
		group.Go(func() { require.NoError(t, b.Put(t.Context(), entry("last"))) })
		group.Wait()
		require.Equal(t, []string{"first", "last"}, buckets(openBook(t, store)))
	})
}

func TestTheBookTellsTheBucketsOfOneEndpoint(t *testing.T) {
	b := openBook(t, ledger.NewMemStore())
	for _, of := range []struct{ endpoint, bucket string }{{"b", "2"}, {"a", "1"}, {"b", "1"}, {"c", "1"}, {"bb", "1"}} {
		require.NoError(t, b.Put(t.Context(), ledger.BookEntry{Endpoint: of.endpoint, Bucket: of.bucket}))
	}
	var found []string
	for _, endpoint := range []string{"", "a", "b", "bb", "c", "d"} {
		for _, e := range b.Of(endpoint) {
			found = append(found, e.Endpoint+e.Bucket)
		}
	}
	require.Equal(t, []string{"a1", "b1", "b2", "bb1", "c1"}, found)
}
