package pass

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// shelf is a bucket whose objects are their own keys.
type shelf struct {
	mu      sync.Mutex
	listed  []object.Object
	listErr error
	now     map[string]object.Object // what GET and a listing of one key see
	openErr map[string]error
	delErr  error
	deleted []string
	// probeErr is what Probe fails with.
	probeErr error
}

func newShelf(keys ...string) *shelf {
	s := &shelf{now: map[string]object.Object{}, openErr: map[string]error{}}
	for _, k := range keys {
		obj := object.Object{Key: k, ETag: "v1", Size: int64(len(k))}
		s.listed = append(s.listed, obj)
		s.now[k] = obj
	}
	return s
}

// Page lists everything at once.
func (s *shelf) Page(_ context.Context, _, after string) ([]object.Object, bool, error) {
	if after != "" {
		return nil, false, s.listErr
	}
	return s.listed, s.listErr != nil, nil
}

func (s *shelf) Open(_ context.Context, key string, offset int64) (*object.Content, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.openErr[key]; err != nil {
		return nil, err
	}
	return &object.Content{Object: s.now[key], Offset: offset, Body: io.NopCloser(strings.NewReader(key[offset:]))}, nil
}

// OpenRange is for large objects, which no shelf has.
func (*shelf) OpenRange(context.Context, string, int64, int64) (*object.Content, error) {
	return nil, errors.New("asked for a range of a small object")
}

func (s *shelf) Listed(_ context.Context, key string) (object.Object, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	obj, ok := s.now[key]
	return obj, ok, nil
}

func (s *shelf) Probe(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.probeErr
}

func (s *shelf) Delete(_ context.Context, key string) error {
	time.Sleep(time.Second)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.delErr != nil {
		return s.delErr
	}
	s.deleted = append(s.deleted, key)
	return nil
}

// silence is a Watcher and a fetch.Meter that hears nothing.
type silence struct{}

func (silence) Listed()                                   {}
func (silence) Filtered(string, int64)                    {}
func (silence) Delivered(object.Object)                   {}
func (silence) Vanished(object.Object)                    {}
func (silence) Parked(object.Object, string, error, bool) {}
func (silence) Unchanged(int64)                           {}
func (silence) Retried(error)                             {}
func (silence) InFlight(int)                              {}
func (silence) Buffered(int64)                            {}
func (silence) Window(int, int)                           {}
func (silence) NotRemoved(object.Object, string, error)   {}
func (silence) Down(error)                                {}
func (silence) Up()                                       {}
func (silence) Noticed(fetch.Peculiarity)                 {}

// deliverer is a Deliver without the event.
type deliverer func(ctx context.Context, d *fetch.Download, ack Ack) error

// setup is what newScope makes a scope of.
type setup struct {
	Options
	Fetch   fetch.Options
	Remover Remover
}

// withoutTmp leaves out what ends with .tmp.
var withoutTmp = func() *filter.Filter {
	f, err := filter.New(filter.Options{Exclude: []string{"*.tmp"}})
	if err != nil {
		panic(err)
	}
	return f
}()

// full is a pass over everything after which none comes.
var full = Task{NextDue: func() time.Time { return time.Time{} }}

func newPass(s *shelf, deliver deliverer, change ...func(*setup)) *Pass {
	return newScope(s, deliver, change...).NewPass(full)
}

func newScope(s *shelf, deliver deliverer, change ...func(*setup)) *Scope {
	opts := setup{Options: Options{
		Source: Source{
			Listing: listing.Options{Pager: s},
			Filter:  withoutTmp,
		},
		Deliver: func(ctx context.Context, d *fetch.Download, _ string, ack Ack) error { return deliver(ctx, d, ack) },
		Watcher: silence{},
	}}
	opts.Fetch = fetch.Options{
		Source: s, MaxDownloads: 4, BufferBytes: 1 << 20, Meter: silence{},
		Retry: retry.Policy{MaxAttempts: 2, InitialInterval: time.Second, MaxInterval: time.Second},
	}
	for _, c := range change {
		c(&opts)
	}
	opts.Fetcher = fetch.New(context.Background(), opts.Fetch)
	opts.Removals = NewRemovals(opts.Remover, opts.Fetch.Retry, "delete_objects", silence{}.NotRemoved)
	return NewScope(opts.Options)
}

// ackAll is a pipeline that accepts everything.
func ackAll(ctx context.Context, _ *fetch.Download, ack Ack) error { return ack(ctx, nil) }

func TestEveryListedObjectIsInExactlyOneCounter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf("a", "b.tmp", "denied", "gone", "nacked", "unreadable", "z")
		delete(s.now, "gone")
		s.openErr["gone"] = &object.Error{Op: "reading", Key: "gone", Kind: object.ErrNotFound}
		s.openErr["denied"] = &object.Error{Op: "reading", Key: "denied", Kind: object.ErrDenied}
		p := newPass(s, func(ctx context.Context, d *fetch.Download, ack Ack) error {
			switch d.Key {
			case "nacked":
				return ack(ctx, errors.New("no such topic"))
			case "unreadable":
				return errors.Join(ErrUnreadable, errors.New("not gzip"))
			}
			return ack(ctx, nil)
		})
		require.NoError(t, p.Run(t.Context()))
		r := p.Report()
		require.Equal(t, int64(7), r.Listed)
		require.Equal(t, int64(2), r.Delivered)
		require.Equal(t, int64(len("a")+len("z")), r.Bytes)
		require.Equal(t, map[string]int64{"exclude": 1}, r.Filtered)
		require.Equal(t, map[string]int64{`exclude_patterns[0] "*.tmp"`: 1}, r.FilteredBy)
		require.Equal(t, map[string]int64{"denied": 1, "rejected": 1, "scanner": 1}, r.Parked)
		require.Equal(t, int64(1), r.Vanished)
		require.Zero(t, r.Unsettled())
		require.True(t, r.ListingComplete)
		require.Len(t, r.ParkedObjects, 3)
	})
}

func TestAnOddEntryIsParkedAndStopsNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf("a", "c", "m.tmp", "z")
		s.listed = []object.Object{
			s.listed[0],
			{Odd: "an entry without a key"},
			{Key: "b", ETag: "v1", Odd: `a size of "-1"`},
			s.listed[1],
			{Key: "m.tmp", Odd: "an entry without a size"},
			s.listed[3],
		}
		for _, withLedger := range []bool{false, true} {
			p := newPass(s, ackAll, func(o *setup) {
				o.ParkFor = func(int) time.Duration { return time.Hour }
				if withLedger {
					var err error
					o.Ledger, err = ledger.Open(t.Context(), ledger.Options{Store: ledger.NewMemStore()})
					require.NoError(t, err)
				}
			})
			require.NoError(t, p.Run(t.Context()))
			r := p.Report()
			require.Equal(t, int64(6), r.Listed)
			require.Equal(t, int64(3), r.Delivered)
			require.Equal(t, map[string]int64{"odd_entry": 2}, r.Parked)
			require.Equal(t, map[string]int64{"exclude": 1}, r.Filtered, "what a pattern leaves out need not be understood")
			require.Zero(t, r.Unsettled())
			require.ErrorContains(t, r.ParkedObjects[0].Err, `a size of "-1"`)
		}
	})
}

func TestAnObjectIsUnsettledUntilItsAckComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var late Ack
		p := newPass(newShelf("a"), func(_ context.Context, _ *fetch.Download, ack Ack) error {
			late = ack
			return nil
		})
		require.NoError(t, p.Run(t.Context()))
		require.Equal(t, int64(1), p.Report().Unsettled())
		require.NoError(t, late(t.Context(), nil))
		require.NoError(t, late(t.Context(), errors.New("a second word does not count")))
		require.Zero(t, p.Report().Unsettled())
		require.Equal(t, int64(1), p.Report().Delivered)
		require.Zero(t, p.Report().ParkedTotal())
	})
}

func TestAcksOfAnAttemptThatFailedDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var acks []Ack
		p := newPass(newShelf("a"), func(ctx context.Context, _ *fetch.Download, ack Ack) error {
			acks = append(acks, ack)
			if len(acks) == 1 {
				// A part of it was delivered, then the body broke.
				require.NoError(t, ack(ctx, nil))
				return &object.Error{Op: "reading", Key: "a", Kind: object.ErrUnavailable}
			}
			return nil
		})
		require.NoError(t, p.Run(t.Context()))
		require.Len(t, acks, 2)
		require.NoError(t, acks[0](t.Context(), nil))
		require.Zero(t, p.Report().Delivered)
		require.NoError(t, acks[1](t.Context(), nil))
		require.Equal(t, int64(1), p.Report().Delivered)
	})
}

func TestAListingThatBreaksIsNotComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf("a")
		s.listErr = &object.Error{Op: "listing", Kind: object.ErrUnavailable, Status: 544}
		p := newPass(s, ackAll)
		require.ErrorIs(t, p.Run(t.Context()), object.ErrUnavailable)
		require.False(t, p.Report().ListingComplete)
	})
}

func TestADeliveredObjectIsDeletedOnlyAsTheVersionThatWasRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf("changed", "gone", "nacked", "same")
		p := newPass(s, func(ctx context.Context, d *fetch.Download, ack Ack) error {
			s.mu.Lock()
			switch d.Key {
			case "changed":
				s.now[d.Key] = object.Object{Key: d.Key, ETag: "v2", Size: d.Size}
			case "gone":
				delete(s.now, d.Key)
			}
			s.mu.Unlock()
			if d.Key == "nacked" {
				return ack(ctx, errors.New("refused"))
			}
			return ack(ctx, nil)
		}, func(o *setup) { o.Remover = s })
		require.NoError(t, p.Run(t.Context()))
		require.NoError(t, p.scope.Removals.Wait(t.Context()))
		require.Equal(t, []string{"same"}, s.deleted)
		require.Equal(t, int64(3), p.Report().Delivered)
		require.Zero(t, p.Report().NotRemoved)
	})
}

func TestAFailedDeletionIsCountedAndDoesNotDeliverAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf("a")
		s.delErr = &object.Error{Op: "deleting", Key: "a", Kind: object.ErrDenied}
		deliveries := 0
		p := newPass(s, func(ctx context.Context, _ *fetch.Download, ack Ack) error {
			deliveries++
			return ack(ctx, nil)
		}, func(o *setup) { o.Remover = s })
		require.NoError(t, p.Run(t.Context()))
		require.NoError(t, p.scope.Removals.Wait(t.Context()))
		require.Equal(t, 1, deliveries)
		require.Equal(t, int64(1), p.Report().NotRemoved)
	})
}

func TestAnAckDoesNotWaitForTheDeletion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf("a")
		var took time.Duration
		p := newPass(s, func(_ context.Context, _ *fetch.Download, ack Ack) error {
			go func() {
				time.Sleep(time.Minute)
				start := time.Now()
				_ = ack(t.Context(), nil)
				took = time.Since(start)
			}()
			return nil
		}, func(o *setup) { o.Remover = s })
		require.NoError(t, p.Run(t.Context()))
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Zero(t, took, "deleting takes a second")
		require.NoError(t, p.scope.Removals.Wait(t.Context()))
		require.Equal(t, []string{"a"}, s.deleted)
	})
}

func TestWaitingForDeletionsEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPass(newShelf("a"), ackAll, func(o *setup) { o.Remover = newShelf("a") })
		require.NoError(t, p.Run(t.Context()))
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		err := p.scope.Removals.Wait(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, `1 object delivered and not deleted`)
		require.ErrorContains(t, err, `"a"`)
		require.NoError(t, p.scope.Removals.Wait(t.Context()))
	})
}
