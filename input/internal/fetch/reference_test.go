package fetch

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// counted is a claim that counts how often it was settled.
type counted struct {
	mu                          *sync.Mutex
	delivered, failed, released *int
	urls                        map[string]string
	hold                        func(ctx context.Context) error
}

func newCounted() *counted {
	return &counted{mu: &sync.Mutex{}, delivered: new(int), failed: new(int), released: new(int), urls: map[string]string{}}
}

func (c *counted) Deliver(ctx context.Context, d *Download) error {
	if c.hold != nil {
		if err := c.hold(ctx); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	*c.delivered++
	c.urls[d.Key] = d.URL
	return d.Err()
}
func (*counted) Changed(object.Object) bool { return true }
func (c *counted) Fail(Failure)             { c.mu.Lock(); defer c.mu.Unlock(); *c.failed++ }
func (c *counted) Release()                 { c.mu.Lock(); defer c.mu.Unlock(); *c.released++ }

// itemsFor are n items with one claim, which count those that were yielded.
func itemsFor(s *store, n int, c Claim, yielded *int) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for i := range n {
			*yielded++
			if !yield(Item{Object: s.put(fmt.Sprintf("%04d", i), []byte("content")), Claim: c}, nil) {
				return
			}
		}
	}
}

// signer signs all keys except the bad ones.
func signer(bad func(key string) bool, calls *[]int) func(context.Context, []string) ([]object.Signed, error) {
	var mu sync.Mutex
	return func(_ context.Context, keys []string) ([]object.Signed, error) {
		mu.Lock()
		defer mu.Unlock()
		*calls = append(*calls, len(keys))
		out := make([]object.Signed, len(keys))
		for i, key := range keys {
			if bad(key) {
				out[i].Err = errors.New("not yours")
			} else {
				out[i].URL = "signed " + key
			}
		}
		return out, nil
	}
}

func TestWhatIsOnlyNamedTakesNoRequestNoPlaceAndNoBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g, c, yielded := newStore(), &gauges{}, newCounted(), 0
		opts := options(s, g)
		opts.References, opts.BufferBytes = &References{}, 1
		require.NoError(t, runItems(t.Context(), opts, itemsFor(s, 2000, c, &yielded)))
		require.Equal(t, 2000, *c.delivered)
		require.Empty(t, s.opens)
		require.Zero(t, g.buffered)
	})
}

func runItems(ctx context.Context, opts Options, items iter.Seq2[Item, error]) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	f := New(ctx, opts)
	r := f.Begin(items)
	<-r.Done()
	return r.Err()
}

func TestURLsComeInGroupsAndARefusedOneFailsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, yielded, calls := newStore(), newCounted(), 0, []int{}
		opts := options(s, &gauges{})
		opts.References = &References{Fresh: time.Hour, Sign: signer(func(key string) bool { return key == "0007" }, &calls)}
		require.NoError(t, runItems(t.Context(), opts, itemsFor(s, 2000, c, &yielded)))
		require.Equal(t, 1999, *c.delivered)
		require.Equal(t, 1, *c.failed)
		require.Less(t, len(calls), 2000/10)
		for key, url := range c.urls {
			require.Equal(t, "signed "+key, url)
		}
	})
}

func TestTheErrorOfASequenceComesAfterItsReferences(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, sign := range []bool{false, true} {
			s, c, calls := newStore(), newCounted(), []int{}
			opts := options(s, &gauges{})
			opts.References = &References{}
			if sign {
				opts.References = &References{Fresh: time.Hour, Sign: signer(func(string) bool { return false }, &calls)}
			}
			broken := errors.New("the listing broke off")
			err := runItems(t.Context(), opts, func(yield func(Item, error) bool) {
				for i := range 700 {
					if !yield(Item{Object: s.put(fmt.Sprint(i), []byte("x")), Claim: c}, nil) {
						return
					}
				}
				yield(Item{}, broken)
			})
			require.ErrorIs(t, err, broken)
			require.Equal(t, 700, *c.delivered)
		}
	})
}

func TestEveryReferenceIsSettledOnceWhenTheRunEnds(t *testing.T) {
	for _, sign := range []bool{false, true} {
		for _, after := range []int{0, 1, 499, 500, 501, 1700} {
			synctest.Test(t, func(t *testing.T) {
				s, c, yielded, calls := newStore(), newCounted(), 0, []int{}
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				c.hold = func(ctx context.Context) error {
					c.mu.Lock()
					stuck := *c.delivered >= after
					c.mu.Unlock()
					if stuck {
						<-ctx.Done()
						return ctx.Err()
					}
					return nil
				}
				opts := options(s, &gauges{})
				opts.References = &References{}
				if sign {
					opts.References = &References{Fresh: time.Hour, Sign: signer(func(key string) bool { return key == "0003" }, &calls)}
				}
				f := New(ctx, opts)
				r := f.Begin(itemsFor(s, 5000, c, &yielded))
				time.Sleep(time.Minute)
				stop()
				<-r.Done()
				require.Equal(t, yielded, *c.delivered+*c.failed+*c.released)
				require.Less(t, yielded, 5000, "a stuck pipeline holds the listing back")
			})
		}
	}
}
