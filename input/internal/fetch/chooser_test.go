package fetch

import (
	"context"
	"crypto/md5"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// chooser is a claim that wants nothing of a type, and counts how it is asked.
type chooser struct {
	leaves string
	asked  []string
	got    atomic.Int64
	failed error
}

func (c *chooser) Wants(answer *object.Content) bool {
	c.asked = append(c.asked, answer.ContentType+" "+answer.Object.ContentType)
	return answer.ContentType != c.leaves
}

func (c *chooser) Deliver(context.Context, *Download) error { c.got.Add(1); return nil }
func (*chooser) Changed(object.Object) bool                 { return true }
func (c *chooser) Fail(f Failure)                           { c.failed = f.Err }
func (*chooser) Release()                                   {}

// typed makes every answer of a store one of a type.
func typed(s *store, contentType string) *gateway {
	g := newGateway(s)
	g.lie = func(_ string, _ int, c *object.Content) *object.Content {
		c.ContentType = contentType
		return c
	}
	return g
}

func choose(t *testing.T, s Source, obj object.Object, change func(*Options)) *chooser {
	t.Helper()
	c := &chooser{leaves: "text/plain"}
	opts := options(nil, &gauges{})
	opts.Source = s
	change(&opts)
	require.NoError(t, runTo(t.Context(), opts, func(yield func(object.Object, error) bool) { yield(obj, nil) }, c))
	return c
}

func TestAnObjectThatAClaimDoesNotWantIsNotRead(t *testing.T) {
	for name, size := range map[string]int{"small": 100 << 10, "large": 20 << 20} {
		for _, whole := range []bool{true, false} {
			t.Run(fmt.Sprint(name, whole), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newStore()
					s.rate = 1 << 20
					obj := s.put("a", make([]byte, size))
					obj.ContentType = "as listed"
					began := time.Now()
					c := choose(t, typed(s, "text/plain"), obj, func(o *Options) { o.TakesWhole, o.HoldsWhole = whole, whole })
					require.Equal(t, []string{"text/plain as listed"}, c.asked)
					require.Zero(t, c.got.Load())
					require.NoError(t, c.failed)
					require.Equal(t, 1, s.opens["a"])
					require.Zero(t, time.Since(began), "its body would take time")

					c = choose(t, typed(s, "image/png"), obj, func(o *Options) { o.TakesWhole, o.HoldsWhole = whole, whole })
					require.EqualValues(t, 1, c.got.Load())
				})
			})
		}
	}
}

func TestAClaimIsNotAskedAboutAnAnswerThatIsNotTheObject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		obj := s.put("a", []byte("content"))
		obj.ETag = fmt.Sprintf("%x", md5.Sum([]byte("content")))
		s.etag["a"] = obj.ETag
		g := newGateway(s)
		g.lie = func(_ string, n int, c *object.Content) *object.Content {
			c.ContentType = "image/png"
			if n == 1 { // the page of a gateway
				c.ETag, c.ContentType = "another", "text/plain"
				c.Body = &paced{Reader: failing{unavailable("a")}, ctx: context.Background()}
			}
			return c
		}
		c := choose(t, g, obj, func(o *Options) { o.CheckUpTo = 1 << 20 })
		require.EqualValues(t, 1, c.got.Load())
		require.Equal(t, []string{"image/png "}, c.asked)
	})
}

func TestAnObjectTooLargeForAMessageIsFirstAskedForItsType(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		obj := s.put("a", []byte("content"))
		obj.Size = maxHeld + 1
		for contentType, want := range map[string]error{"text/plain": nil, "image/png": object.ErrInvalid} {
			g := newGateway(s)
			g.lie = func(_ string, _ int, c *object.Content) *object.Content {
				c.ContentType, c.Size = contentType, obj.Size
				return c
			}
			c := choose(t, g, obj, func(o *Options) { o.TakesWhole, o.HoldsWhole = true, true })
			require.ErrorIs(t, c.failed, want)
			require.Zero(t, c.got.Load())
		}
	})
}
