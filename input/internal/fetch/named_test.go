package fetch

import (
	"context"
	"io"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// namer is a Namer that calls functions.
type namer struct {
	takers
	unlisted func() error
}

func (n *namer) Unlisted(context.Context) error { return n.unlisted() }

// runNamed makes a run over the key k and waits for it.
func runNamed(t *testing.T, opts Options, c Claim) error {
	t.Helper()
	f := New(t.Context(), opts)
	r := f.BeginNamed(func(context.Context) iter.Seq2[Item, error] {
		return func(yield func(Item, error) bool) {
			yield(Item{Object: object.Object{Key: "k"}, Claim: c, Named: true}, nil)
		}
	})
	<-r.Done()
	f.Wait()
	return r.Err()
}

func TestANamedObjectIsReadAsItIsListed(t *testing.T) {
	for name, size := range map[string]int{"small": 10, "larger than what its name counts for": 3 << 20} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore()
				listed := s.put("k", make([]byte, size))
				var changed []object.Object
				got := 0
				c := &namer{takers: takers{
					changed: func(now object.Object) bool { changed = append(changed, now); return true },
					deliver: func(_ context.Context, d *Download) error {
						b, err := io.ReadAll(d.Body)
						got = len(b)
						require.Equal(t, listed.ETag, d.ETag)
						return err
					},
				}}
				require.NoError(t, runNamed(t, options(s, &gauges{}), c))
				require.Equal(t, size, got)
				require.Equal(t, []object.Object{listed}, changed, "told once")
			})
		})
	}
}

func TestWhatANamedObjectIsNotWantedForIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		s.put("k", []byte("1"))
		c := &namer{takers: takers{changed: func(object.Object) bool { return false }}}
		require.NoError(t, runNamed(t, options(s, &gauges{}), c))
		require.Zero(t, s.opens["k"])
	})
}

func TestAKeyThatIsNotListedIsToldAndTriedAgainIfItsClaimSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		asked := 0
		s.listed = func(key string) (object.Object, bool, error) { return object.Object{}, false, nil }
		c := &namer{unlisted: func() error {
			if asked++; asked < 3 {
				return &object.Error{Op: "listing", Key: "k", Kind: object.ErrMissingContent}
			}
			return nil
		}}
		require.NoError(t, runNamed(t, options(s, &gauges{}), c))
		require.Equal(t, 3, asked)
	})
}

func TestAListingThatFailsIsAnAttemptLikeAnyOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		s.put("k", []byte("1"))
		s.listed = func(string) (object.Object, bool, error) {
			return object.Object{}, false, &object.Error{Op: "listing", Key: "k", Kind: object.ErrThrottled}
		}
		var failed []Failure
		c := &namer{takers: takers{failed: func(f Failure) { failed = append(failed, f) }}}
		opts := options(s, &gauges{})
		require.NoError(t, runNamed(t, opts, c))
		require.Len(t, failed, 1)
		require.Equal(t, "k", failed[0].Object.Key)
		require.Equal(t, opts.Retry.MaxAttempts, failed[0].Attempts)
		require.ErrorIs(t, failed[0].Err, object.ErrThrottled)
	})
}

// TestARunThatEndsDoesNotWaitForTheNextName ends a run whose sequence has nothing.
func TestARunThatEndsDoesNotWaitForTheNextName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		s.put("k", []byte("1"))
		s.down = &object.Error{Op: "listing", Kind: object.ErrCredentials}
		s.onOpen = func(string, int, int64) (int64, error) {
			return 0, &object.Error{Op: "reading", Key: "k", Kind: object.ErrCredentials}
		}
		var released sync.WaitGroup
		released.Add(1)
		f := New(t.Context(), options(s, &gauges{}))
		r := f.BeginNamed(func(ctx context.Context) iter.Seq2[Item, error] {
			return func(yield func(Item, error) bool) {
				c := &namer{takers: takers{released: released.Done}}
				if yield(Item{Object: object.Object{Key: "k"}, Claim: c, Named: true}, nil) {
					<-ctx.Done() // nobody names anything else
				}
			}
		})
		select {
		case <-r.Done():
		case <-time.After(time.Hour):
			t.Fatal("the run waits for a name")
		}
		released.Wait()
		require.ErrorIs(t, r.Err(), object.ErrCredentials)
	})
}
