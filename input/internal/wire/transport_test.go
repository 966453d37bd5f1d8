package wire

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFewConnectionsAreInTheMakingAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		active, most := 0, 0
		dial := fewAtATime(func(context.Context, string, string) (net.Conn, error) {
			mu.Lock()
			active++
			most = max(most, active)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			active--
			mu.Unlock()
			return nil, errors.New("nobody there")
		})
		var wg sync.WaitGroup
		for range 4 * maxDials {
			wg.Go(func() { _, _ = dial(t.Context(), "tcp", "") })
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		_, err := dial(ctx, "tcp", "")
		require.ErrorIs(t, err, context.DeadlineExceeded, "a call that waits ends with its context")
		wg.Wait()
		require.Equal(t, maxDials, most)
	})
}
