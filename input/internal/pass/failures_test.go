package pass

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// letters takes failures one at a time, when it is asked to.
type letters struct{ out chan Failed }

func (l letters) deliver(ctx context.Context, f Failed, ack Ack) error {
	select {
	case l.out <- f:
		return ack(ctx, f.Err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestEachFailureTellsOnceHowItEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		l := letters{make(chan Failed)}
		f := newFailures(l.deliver)
		go f.run(ctx)
		var mu sync.Mutex
		ends := map[string][]error{}
		add := func(key string, refused error) {
			require.True(t, f.add(Failed{Object: object.Object{Key: key}, Err: refused}, func(err error) {
				mu.Lock()
				defer mu.Unlock()
				ends[key] = append(ends[key], err)
			}))
		}
		refused := errors.New("refused")
		for _, key := range []string{"delivered while it is sent", "acked", "nacked", "delivered while it waits", "again", "left"} {
			add(key, map[string]error{"nacked": refused}[key])
		}
		add("again", nil) // takes the place of the first one
		synctest.Wait()
		f.forget("delivered while it is sent")
		f.forget("delivered while it waits")
		var sent []string
		for range 3 {
			sent = append(sent, (<-l.out).Object.Key)
			synctest.Wait()
		}
		require.Equal(t, []string{"acked", "nacked", "again"}, sent)
		stop()
		synctest.Wait()
		require.Equal(t, map[string][]error{
			"acked": {nil}, "nacked": {refused}, "again": {nil, nil}, "left": {context.Canceled},
			"delivered while it is sent": {nil}, "delivered while it waits": {nil},
		}, ends)
		require.False(t, f.add(Failed{}, nil), "the run has ended")
		require.NoError(t, f.handedOn(t.Context()))
	})
}

func TestWithoutAReceiverNoFailureIsKept(t *testing.T) {
	f := newFailures(nil)
	require.False(t, f.add(Failed{}, nil))
	require.NoError(t, f.handedOn(t.Context()))
}

func TestNobodyWaitsForAFailureThatWasForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFailures(letters{}.deliver)
		require.True(t, f.add(Failed{Object: object.Object{Key: "k"}}, nil)) // nobody hands it on yet
		handedOn := make(chan error)
		go func() { handedOn <- f.handedOn(t.Context()) }()
		synctest.Wait()
		f.forget("k")
		require.NoError(t, <-handedOn)
	})
}
