package listing_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// places is a limiter with a number of places that all its users share.
type places struct {
	mu     sync.Mutex
	places int
	taken  int
	most   int // taken at a time
	errs   []error
}

func (p *places) TakePage(underWay int) (release func(error), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if underWay > 0 && p.taken >= p.places {
		return nil, false
	}
	p.taken++
	p.most = max(p.most, p.taken)
	return p.release, true
}

func (p *places) release(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	p.errs = append(p.errs, err)
}

func (p *places) set(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.places = n
}

func TestNoMorePagesAreUnderWayThanTheLimiterAllows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 3} {
			srv := newServer(keysOf(shapes[0].key, 30_000))
			srv.latency = latency
			limiter := &places{places: n}
			require.Len(t, joined(t, "", collect(t, listing.Options{Pager: srv, Limiter: limiter})), 30_000)
			require.Equal(t, max(n, 1), srv.most)
			require.Zero(t, limiter.taken)
			require.Len(t, limiter.errs, srv.requests())
			require.NoError(t, errors.Join(limiter.errs...))
		}
	})
}

// A page that is pushed back is tried again within Page, and the limiter hears of
// it from there.
func TestPagesThatArePushedBackAreListedByFewer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const atATime, pages = 5, 100
		srv := newServer(keysOf(shapes[1].key, pages*1000))
		limiter := &places{places: 16}
		serving, refused := 0, 0
		srv.before = func(int, string) error {
			for {
				srv.mu.Lock()
				free := serving < atATime
				if free {
					serving++
				} else {
					refused++
				}
				srv.mu.Unlock()
				if free {
					break
				}
				limiter.set(atATime - 1)
				time.Sleep(500 * time.Millisecond)
			}
			time.Sleep(latency)
			srv.mu.Lock()
			serving--
			srv.mu.Unlock()
			return nil
		}
		start := time.Now()
		require.Len(t, joined(t, "", collect(t, listing.Options{Pager: srv, Limiter: limiter})), pages*1000)
		speedup := (pages * latency).Seconds() / time.Since(start).Seconds()
		t.Logf("%d of %d requests were refused; %.1f times as fast as one lister", refused, srv.requests(), speedup)
		require.Positive(t, refused)
		require.LessOrEqual(t, refused, listing.DefaultListers)
		require.Greater(t, speedup, 2.0)
		require.Zero(t, limiter.taken)
	})
}

func TestEveryPlaceIsGivenBackHoweverTheListingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost := &object.Error{Op: "listing", Kind: object.ErrUnavailable, Status: 544}
		srv := newServer(keysOf(shapes[0].key, 30_000))
		srv.latency = latency
		srv.before = func(n int, _ string) error {
			if n == 20 {
				return lost
			}
			return nil
		}
		limiter := &places{places: 16}
		var last error
		for _, err := range listing.List(t.Context(), listing.Options{Pager: srv, Limiter: limiter}) {
			last = err
		}
		require.ErrorIs(t, last, lost)
		require.Zero(t, limiter.taken)
		require.Contains(t, limiter.errs, error(lost))

		srv.before = nil
		limiter = &places{places: 16}
		for _, err := range listing.List(t.Context(), listing.Options{Pager: srv, Limiter: limiter, Listers: 4}) {
			require.NoError(t, err)
			if srv.requests() > 20 {
				break
			}
		}
		require.Zero(t, limiter.taken)
		require.ErrorIs(t, errors.Join(limiter.errs...), context.Canceled)
	})
}

func TestListingsShareALimiterSafely(t *testing.T) {
	limiter := &places{places: 8}
	srv := newServer(keysOf(shapes[3].key, 30_000))
	listed := make(chan int)
	for range 3 {
		go func() {
			n := 0
			for rg, err := range listing.List(t.Context(), listing.Options{Pager: srv, Limiter: limiter}) {
				if err != nil {
					break // and so too few are counted
				}
				n += len(rg.Objects)
			}
			listed <- n
		}()
	}
	for range 3 {
		require.Equal(t, 30_000, <-listed)
	}
	require.LessOrEqual(t, limiter.most, 8+2, "the first page of each is always allowed")
	require.Zero(t, limiter.taken)
}

func TestListingGoesOnWithOnePageWhileDownloadsHaveAllPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(keysOf(shapes[0].key, 30_000))
		srv.latency = latency
		limiter := &places{places: 8, taken: 8}
		start, most := time.Now(), [2]int{}
		srv.before = func(int, string) error {
			later := 0
			if time.Since(start) > 10*latency {
				later = 1
				limiter.set(16)
			}
			srv.mu.Lock()
			most[later] = max(most[later], srv.inFlight)
			srv.mu.Unlock()
			return nil
		}
		require.Len(t, joined(t, "", collect(t, listing.Options{Pager: srv, Limiter: limiter})), 30_000)
		require.Equal(t, 1, most[0])
		require.Greater(t, most[1], 1)
		require.Equal(t, 8, limiter.taken)
	})
}
