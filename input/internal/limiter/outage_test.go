package limiter

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

func (e *endpoint) setDown(down bool) (requests int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.isDown = down
	return e.requests
}

// list has n listers ask for pages until the test ends, each again and again.
func (e *endpoint) list(t *testing.T, l *Limiter, n int, page func()) {
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	for range n {
		go func() {
			for ctx.Err() == nil {
				if l.Hold(ctx) != nil {
					return
				}
				if err := e.ask(); err != nil {
					l.Heard(err)
					_ = retry.Sleep(ctx, 300*time.Millisecond)
					continue
				}
				page()
			}
		}()
	}
}

func TestAnEndpointThatIsDownIsAskedByTheProbeAlone(t *testing.T) {
	for _, fixed := range []int{0, 64} {
		synctest.Test(t, func(t *testing.T) {
			e := &endpoint{latency: 200 * time.Millisecond, refusal: &object.Error{Kind: object.ErrUnreachable}}
			l, g := e.limiter(t, fixed)
			const outage = 30 * time.Second
			var during int
			var mu sync.Mutex
			var back, page time.Time
			time.AfterFunc(time.Second, func() {
				before := e.setDown(true)
				time.Sleep(outage)
				mu.Lock()
				defer mu.Unlock()
				during, back = e.setDown(false)-before, time.Now()
			})
			e.list(t, l, 16, func() {
				mu.Lock()
				defer mu.Unlock()
				if !back.IsZero() && page.IsZero() {
					page = time.Now()
				}
			})
			e.work(t, l, g, 3000)
			synctest.Wait()
			require.Less(t, during, 2*g.inFlight+16+int(outage/(2*time.Second)), "what was under way, and one probe every few seconds")
			require.LessOrEqual(t, page.Sub(back), 5*time.Second)
			require.Equal(t, 1, g.up)
			require.Greater(t, g.down, 5)
			require.LessOrEqual(t, g.failures, 2*g.inFlight, "those under way, and those begun while the last good answers came")
		})
	}
}

func TestPagesAloneFindOutThatTheEndpointIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{latency: time.Second, refusal: &object.Error{Kind: object.ErrUnavailable, Status: 503}}
		l, g := e.limiter(t, 0)
		e.setDown(true)
		e.list(t, l, 1, func() {})
		time.Sleep(20 * time.Second)
		synctest.Wait()
		require.Less(t, e.setDown(false), 15)
		require.Positive(t, g.down)
		_, ok := l.Take()
		require.False(t, ok, "downloads wait as well")
		time.Sleep(5 * time.Second)
		_, ok = l.Take()
		require.True(t, ok)
	})
}

func TestAnOutageThatLastsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{latency: time.Second, refusal: &object.Error{Kind: object.ErrUnreachable}}
		l, _ := e.limiter(t, 0)
		e.setDown(true)
		for range suspectAfter {
			l.Heard(e.ask())
		}
		began := time.Now()
		err := l.Hold(t.Context())
		require.ErrorIs(t, err, object.ErrUnreachable)
		require.ErrorContains(t, err, "the endpoint has been down for 1m")
		require.InDelta(t, 60, time.Since(began).Seconds(), 5)
		ended, lasted := l.Outages()
		require.Equal(t, 1, ended)
		require.Equal(t, err, lasted)
		require.NoError(t, l.Hold(t.Context()), "whoever comes later tries anew")

		e.setDown(false)
		for range suspectAfter {
			l.Heard(&object.Error{Kind: object.ErrUnreachable})
		}
		require.NoError(t, l.Hold(t.Context()), "an old outage is not told again")
	})
}

func TestObjectsThatFailByThemselvesAreNoOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, g := new(endpoint).limiter(t, 0)
		for range 100 {
			p, ok := l.Take()
			for ; !ok; p, ok = l.Take() {
				time.Sleep(time.Millisecond)
			}
			p.Failed(&object.Error{Kind: object.ErrUnavailable, Status: 500})
			p.Leave()
		}
		require.Zero(t, g.down)
	})
}

func TestHoldEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{refusal: &object.Error{Kind: object.ErrUnreachable}}
		l, _ := e.limiter(t, 0)
		e.setDown(true)
		for range suspectAfter {
			l.Heard(e.ask())
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		require.ErrorIs(t, l.Hold(ctx), context.DeadlineExceeded)
	})
}
