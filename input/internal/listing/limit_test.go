package listing_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

func TestThrottlingHalvesTheListersOnceForAllOfThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := listing.NewLimit(16)
		for range 16 {
			limit.SlowDown(fmt.Errorf("asking again: %w", object.ErrThrottled))
		}
		require.Equal(t, 8, limit.Listers())
		time.Sleep(time.Second)
		limit.SlowDown(object.ErrUnavailable)
		require.Equal(t, 4, limit.Listers())
		for range 10 {
			time.Sleep(time.Second)
			limit.SlowDown(object.ErrThrottled)
		}
		require.Equal(t, 1, limit.Listers())
	})
}

func TestOtherErrorsDoNotSlowDown(t *testing.T) {
	limit := listing.NewLimit(4)
	for _, err := range []error{object.ErrUnreachable, object.ErrDenied, errors.New("any other"), nil} {
		limit.SlowDown(err)
	}
	require.Equal(t, 4, limit.Listers())
}

func TestListersComeBackWhenTheServerHasRecovered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := listing.NewLimit(8)
		limit.SlowDown(object.ErrThrottled)
		srv := newServer(keysOf(shapes[0].key, 400_000))
		srv.latency = latency
		var listers []int
		for _, err := range listing.List(t.Context(), listing.Options{Pager: srv, Listers: limit}) {
			require.NoError(t, err)
			if n := limit.Listers(); len(listers) == 0 || listers[len(listers)-1] != n {
				listers = append(listers, n)
			}
		}
		require.Equal(t, []int{4, 5, 6, 7, 8}, listers)
	})
}

func TestSlowPagesAloneLowerTheListers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(keysOf(shapes[0].key, 200_000))
		srv.latency = latency
		fewest := 16
		srv.before = func(n int, _ string) error {
			if n >= 100 && n < 120 {
				time.Sleep(5 * time.Second) // like retries within a page
			}
			return nil
		}
		limit := listing.NewLimit(16)
		for _, err := range listing.List(t.Context(), listing.Options{Pager: srv, Listers: limit}) {
			require.NoError(t, err)
			fewest = min(fewest, limit.Listers())
		}
		require.LessOrEqual(t, fewest, 8)
	})
}

func TestServerThatServesOnlyAFewAtATimeIsListedByAFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const atATime, pages = 5, 400
		limit := listing.NewLimit(16)
		srv := newServer(keysOf(shapes[1].key, pages*1000))
		var serving, refused atomic.Int64
		srv.before = func(int, string) error {
			for serving.Add(1) > atATime {
				serving.Add(-1)
				refused.Add(1)
				limit.SlowDown(object.ErrThrottled)
				time.Sleep(500 * time.Millisecond)
			}
			time.Sleep(latency)
			serving.Add(-1)
			return nil
		}
		start := time.Now()
		require.Len(t, joined(t, "", collect(t, listing.Options{Pager: srv, Listers: limit})), pages*1000)
		t.Logf("%d of %d requests were refused; %.1f times as fast as one lister", refused.Load(), srv.requests(),
			(pages*latency).Seconds()/time.Since(start).Seconds())
		require.Less(t, refused.Load(), int64(pages/8))
		require.Greater(t, (pages*latency).Seconds()/time.Since(start).Seconds(), 2.5)
	})
}
