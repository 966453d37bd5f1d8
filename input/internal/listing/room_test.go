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
)

// shelf is room for some pages, which several listings share.
type shelf struct {
	mu    sync.Mutex
	free  int // pages in addition to the first one of each listing
	nexts int
	err   error
}

// part is the room of one listing.
type part struct {
	*shelf
	n int
}

func (p *part) Next(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.nexts++
	return p.err
}

func (p *part) More(n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if more := n - p.n; more > 0 {
		if p.free < more {
			return false
		}
		p.free, p.n = p.free-more, n
	}
	return true
}

func (p *part) Keep(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n < p.n {
		p.free, p.n = p.free+p.n-n, n
	}
}

func TestAListingHoldsNoMoreThanThereIsRoomFor(t *testing.T) {
	for _, bounds := range [][]string{nil, {"k/002500.x", "k/009000.x", "k/009100.x"}} {
		for _, free := range []int{0, 1, 5, 200} {
			synctest.Test(t, func(t *testing.T) {
				const page, n = 100, 12_000
				srv := newServer(keysOf(shapes[0].key, n))
				srv.latency, srv.page = latency, page
				room := &part{&shelf{free: free}, 1}
				var ranges []listing.Range
				for rg, err := range listing.List(t.Context(), listing.Options{Pager: srv, Bounds: bounds, Room: room}) {
					require.NoError(t, err)
					time.Sleep(latency) // the listing goes on as far as it may
					require.LessOrEqual(t, len(rg.Objects), (free+1)*page)
					ranges = append(ranges, rg)
				}
				require.Len(t, joined(t, "", ranges), n)
				require.LessOrEqual(t, srv.most, free+1)
				require.Equal(t, free, room.free+room.n-1, "the first page is the listing's own")
			})
		}
	}
}

func TestAListingWithoutRoomAsksForPagesOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(keysOf(shapes[0].key, 30_000))
		srv.latency = latency
		room := &part{&shelf{}, 1}
		var ranges []listing.Range
		for rg, err := range listing.List(t.Context(), listing.Options{Pager: srv, Room: room}) {
			require.NoError(t, err)
			time.Sleep(10 * latency)
			ranges = append(ranges, rg)
			require.Equal(t, len(ranges), srv.requests(), "nothing is asked for while a page is held")
		}
		require.Len(t, joined(t, "", ranges), 30_000)
		require.Len(t, ranges, 30, "as many requests as a plain listing")
		require.Equal(t, 30, room.nexts, "others come first before each")
	})
}

func TestAListingThatMayNotGoOnEndsWithWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(keysOf(shapes[0].key, 3_000))
		why := errors.New("stopped")
		var last error
		for _, err := range listing.List(t.Context(), listing.Options{Pager: srv, Room: &part{&shelf{err: why}, 1}}) {
			last = err
		}
		require.ErrorIs(t, last, why)
		require.Zero(t, srv.requests())
	})
}
