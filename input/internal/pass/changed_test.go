package pass

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// news is a Feed that shows what is on a shelf.
type news struct {
	*shelf
	asked []time.Time
	err   error
	blind bool // shows no row
}

func (n *news) Newest(context.Context, string) (time.Time, error) {
	var newest time.Time
	for _, o := range n.listed {
		if !n.blind && o.LastModified.After(newest) {
			newest = o.LastModified
		}
	}
	return newest, n.err
}

func (n *news) Since(_ context.Context, _ string, since time.Time) iter.Seq2[[]object.Object, error] {
	n.asked = append(n.asked, since)
	return func(yield func([]object.Object, error) bool) {
		var page []object.Object
		for _, o := range n.listed {
			if !o.LastModified.Before(since) {
				page = append(page, o)
			}
		}
		if yield(page, nil) && n.err != nil {
			yield(nil, n.err)
		}
	}
}

// change puts an object, and lists it at its place.
func (n *news) change(key, etag string) {
	obj := object.Object{Key: key, ETag: etag, Size: int64(len(key)), LastModified: time.Now().Truncate(time.Millisecond)}
	n.now[key] = obj
	for i := range n.listed {
		if n.listed[i].Key == key {
			n.listed[i] = obj
			return
		}
	}
	n.listed = append(n.listed, obj)
}

// desk makes passes over one scope.
type desk struct {
	t        *testing.T
	news     *news
	store    *countingStore
	ledger   *ledger.Ledger
	scope    *Scope
	recent   *Recent
	ack      deliverer
	identity string
	goOn     func() error
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, news: &news{shelf: newShelf()}, store: &countingStore{MemStore: ledger.NewMemStore()}, ack: ackAll}
	var err error
	d.ledger, err = ledger.Open(t.Context(), ledger.Options{Store: d.store})
	require.NoError(t, err)
	d.scope = newScope(d.news.shelf, func(ctx context.Context, f *fetch.Download, ack Ack) error { return d.ack(ctx, f, ack) }, func(o *setup) {
		o.Source.Feed, o.Ledger = d.news, d.ledger
		o.ParkFor = func(int) time.Duration { return time.Minute }
		o.Deletes.MaxRatio = 1
	})
	d.recent = d.scope.Recent()
	return d
}

func (d *desk) pass(kind Kind) (Report, error) {
	d.t.Helper()
	p := d.scope.NewPass(Task{Kind: kind, Remember: kind == Full, Identity: Identity{Name: d.identity}, NextDue: full.NextDue, GoOn: d.goOn})
	err := p.Run(d.t.Context())
	<-p.Done()
	return p.Report(), err
}

func (d *desk) poll() Report {
	d.t.Helper()
	require.True(d.t, d.recent.Ready(d.identity))
	r, err := d.pass(Changes)
	require.NoError(d.t, err)
	require.Zero(d.t, r.Unsettled())
	require.True(d.t, r.ListingComplete)
	return r
}

func (d *desk) sweep() Report {
	d.t.Helper()
	r, err := d.pass(Full)
	require.NoError(d.t, err)
	require.Zero(d.t, r.Unsettled())
	return r
}

func TestEveryObjectOfAPollIsInExactlyOneCounter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.news.change("a", "1")
		require.Equal(t, int64(1), d.sweep().Delivered)
		time.Sleep(time.Second)
		for _, key := range []string{"b", "c.tmp", "denied", "gone", "nacked", "with\x01control"} {
			d.news.change(key, "1")
		}
		d.news.change("a", "2")
		delete(d.news.now, "gone")
		d.news.openErr["gone"] = &object.Error{Op: "reading", Key: "gone", Kind: object.ErrNotFound}
		d.news.openErr["denied"] = &object.Error{Op: "reading", Key: "denied", Kind: object.ErrDenied}
		d.ack = func(ctx context.Context, f *fetch.Download, ack Ack) error {
			if f.Key == "nacked" {
				return ack(ctx, errors.New("no such topic"))
			}
			return ack(ctx, nil)
		}
		r := d.poll()
		require.Equal(t, int64(7), r.Listed)
		require.Equal(t, int64(2), r.Delivered)
		require.Equal(t, map[string]int64{"exclude": 1}, r.Filtered)
		require.Equal(t, map[string]int64{"denied": 1, "rejected": 1, "invalid": 1}, r.Parked)
		require.Equal(t, int64(1), r.Vanished)

		require.Zero(t, d.poll().Listed, "what was dealt with is not seen again")
		time.Sleep(time.Minute)
		d.ack = ackAll
		r = d.poll()
		require.Equal(t, int64(2), r.Listed, "but what was parked, when its time has come")
		require.Equal(t, int64(1), r.Delivered)
		require.Equal(t, map[string]int64{"denied": 1}, r.Parked)
		require.NoError(t, d.ledger.Close(t.Context()))
	})
}

func TestAPollAtRestAsksTheStoreForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		for i := range 5000 {
			d.news.change(fmt.Sprintf("%04d", i), "1")
		}
		d.sweep()
		require.NoError(t, d.ledger.Checkpoint(t.Context()))
		require.NoError(t, d.ledger.CompletePass(t.Context()))
		time.Sleep(10 * time.Second)
		d.news.change("0042", "2")
		require.Equal(t, int64(1), d.poll().Delivered, "the rows that the listing has shown are known")
		require.NoError(t, d.ledger.Checkpoint(t.Context()))
		reads, writes := d.store.reads.Load(), d.store.writes.Load()
		for range 100 {
			require.Zero(t, d.poll().Listed)
			require.NoError(t, d.ledger.Checkpoint(t.Context()))
			time.Sleep(5 * time.Second)
		}
		require.Equal(t, reads, d.store.reads.Load())
		require.Equal(t, writes, d.store.writes.Load())
		require.Empty(t, d.recent.seen, "and nothing is kept")
		require.NoError(t, d.ledger.Close(t.Context()))
	})
}

func TestAPollLooksBackFromTheOneBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.news.change("a", "1")
		seen := time.Now()
		time.Sleep(time.Hour)
		d.sweep()
		d.poll()
		require.Equal(t, seen.Add(-overlap), d.news.asked[0].Local(), "all that is known is that the clock had reached the newest row's time")
		time.Sleep(10 * time.Minute)
		d.poll()
		require.Equal(t, d.news.asked[0], d.news.asked[1], "the poll before began then")
		d.poll()
		require.Equal(t, 10*time.Minute, d.news.asked[2].Sub(d.news.asked[1]), "and the server's clock goes on as ours does")
		d.news.change("b", "1")
		d.poll()
		d.poll()
		require.Equal(t, time.Now().Add(-overlap), d.news.asked[4].Local(), "until a row tells more")
		require.NoError(t, d.ledger.Close(t.Context()))
	})
}

func TestARowWithATimeWrittenByHandHidesNoChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.news.change("a", "1")
		d.news.change("from the year 2100", "1")
		d.news.listed[1].LastModified = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
		d.sweep()
		for i := range 10 {
			time.Sleep(time.Hour)
			d.news.change("a", fmt.Sprint("again ", i))
			r := d.poll()
			require.Equal(t, int64(1), r.Listed)
			require.Equal(t, int64(1), r.Delivered)
		}
		require.NoError(t, d.ledger.Close(t.Context()))
	})
}

func TestAPollThatFailsLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.news.change("a", "1")
		d.sweep()
		d.news.change("b", "1")
		d.news.err = &object.Error{Op: "asking", Kind: object.ErrThrottled}
		r, err := d.pass(Changes)
		require.ErrorIs(t, err, object.ErrThrottled)
		require.False(t, r.ListingComplete)
		d.news.err = nil
		d.news.openErr["c"] = &object.Error{Op: "reading", Key: "c", Kind: object.ErrCredentials}
		d.news.probeErr = d.news.openErr["c"]
		d.news.change("c", "1")
		_, err = d.pass(Changes)
		require.ErrorIs(t, err, object.ErrCredentials)
		clear(d.news.openErr)
		r, err = d.pass(Changes)
		require.NoError(t, err)
		require.Equal(t, int64(1), r.Delivered, "what was given back is due again")
		require.EqualValues(t, 3, d.ledger.Stats().Tracked)
		require.NoError(t, d.ledger.Close(t.Context()))
	})
}

func TestAFeedThatShowsNothingWhereTheListingDoesIsInTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.sweep()
		require.NoError(t, d.recent.Trouble(), "an empty bucket shows nothing either")
		d.news.change("a", "1")
		d.news.blind = true
		d.sweep()
		require.ErrorIs(t, d.recent.Trouble(), errBlind)
		require.False(t, d.recent.Ready(d.identity))
		d.news.blind = false
		d.sweep()
		require.NoError(t, d.recent.Trouble())
		require.True(t, d.recent.Ready(d.identity))
		require.NoError(t, d.ledger.Close(t.Context()))
	})
}

func TestAPollEndsWhereItMayNotGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.news.change("a", "1")
		d.sweep()
		d.news.change("b", "1")
		enough := errors.New("enough")
		d.goOn = func() error { return enough }
		r, err := d.pass(Changes)
		require.ErrorIs(t, err, enough)
		require.Zero(t, r.Listed)
		require.False(t, r.ListingComplete)
		d.goOn = func() error { return nil }
		require.Equal(t, int64(1), d.poll().Delivered, "nothing was skipped")
		require.NoError(t, d.ledger.Close(t.Context()))
	})
}

func TestWhatThereIsNoRoomToWaitForIsForAFullListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.news.change("a", "1")
		d.sweep()
		for i := range waitingKept {
			d.scope.waiting.add(object.Object{Key: fmt.Sprint(i)}, time.Now().Add(time.Hour), false)
		}
		require.True(t, d.recent.Ready(d.identity))
		d.scope.waiting.add(object.Object{Key: "one more"}, time.Now().Add(2*time.Minute), false)
		d.scope.waiting.add(object.Object{Key: "and one"}, time.Now().Add(time.Minute), false)
		d.scope.waiting.add(object.Object{Key: "0"}, time.Now(), false)
		require.True(t, d.recent.Ready(d.identity), "one that is known has its room")
		time.Sleep(time.Minute)
		require.False(t, d.recent.Ready(d.identity))
		d.sweep()
		require.True(t, d.recent.Ready(d.identity))
		require.NoError(t, d.ledger.Close(t.Context()))
	})
}

func TestOnlyAFullListingThatWasCompleteIsFollowedByPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		require.False(t, d.recent.Ready(d.identity))
		d.sweep()
		require.False(t, d.recent.Ready(d.identity), "no row has told the time")
		d.news.change("a", "1")
		d.sweep()
		require.True(t, d.recent.Ready(d.identity))
		d.news.listErr = &object.Error{Op: "listing", Kind: object.ErrUnavailable}
		_, err := d.pass(Full)
		require.Error(t, err)
		require.False(t, d.recent.Ready(d.identity))
		d.news.listErr = nil
		d.news.err = errors.New("not today")
		d.sweep()
		require.ErrorIs(t, d.recent.Trouble(), d.news.err)
		require.True(t, d.recent.Ready(d.identity), "the time is known from before")
		d.identity = "somebody else"
		require.False(t, d.recent.Ready(d.identity), "to whom other rows may be visible")
		d.sweep()
		require.True(t, d.recent.Ready(d.identity))
		d.recent.Forget()
		require.False(t, d.recent.Ready(d.identity))
		require.NoError(t, d.ledger.Close(t.Context()))
	})
}
