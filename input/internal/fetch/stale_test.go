package fetch

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// minuteAndAHalf is how old the answers of a cache may be.
const minuteAndAHalf = 90 * time.Second

// behindCache has the version before come from a cache until fresh says otherwise.
func behindCache(g *gateway, before []byte, fresh func() bool) {
	g.lie = func(_ string, _ int, c *object.Content) *object.Content {
		c.StaleFor = minuteAndAHalf
		if fresh() {
			return c
		}
		_ = c.Body.Close()
		old := with(c, before[min(int(c.Offset), len(before)):], int64(len(before)))
		old.ETag = "0123456789abcdef0123456789abcdef"
		return old
	}
}

func TestTheVersionBeforeFromACacheIsWaitedForAndCostsNoAttempt(t *testing.T) {
	for size, bytesOf := range sizes {
		for _, shorter := range []int{0, 7} {
			for _, md5Listed := range []bool{true, false} {
				t.Run(fmt.Sprint(size, " ", shorter, " ", md5Listed), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						data := randomBytes(bytesOf)
						g, k, m, began := newGateway(newStore()), &sink{}, &gauges{}, time.Now()
						behindCache(g, bytes.Repeat([]byte("x"), bytesOf-shorter), func() bool { return time.Since(began) > time.Minute })
						put := g.put
						if md5Listed {
							put = g.putMD5
						}
						opts := options(g.store, m)
						opts.Source, opts.Retry = g, retry.Once
						failures, err := runAll(t, opts, objectsOf([]object.Object{put("k", data)}), k)
						require.NoError(t, err)
						require.Empty(t, failures)
						require.Len(t, k.got["k"], 1)
						require.True(t, bytes.Equal(data, k.got["k"][0]))
						require.Less(t, time.Since(began), minuteAndAHalf)
						for _, cause := range m.retries {
							require.Equal(t, "stale", cause)
						}
						require.Less(t, len(m.retries), 20, "it is not asked for without end")
					})
				})
			}
		}
	}
}

func TestWhatACacheNeverGetsIsGivenUpWithWhatWasSeen(t *testing.T) {
	for size, bytesOf := range sizes {
		for _, md5Listed := range []bool{true, false} {
			t.Run(fmt.Sprint(size, " ", md5Listed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g, k, m, began := newGateway(newStore()), &sink{}, &gauges{}, time.Now()
					behindCache(g, bytes.Repeat([]byte("x"), bytesOf), func() bool { return false })
					put := g.put
					if md5Listed {
						put = g.putMD5
					}
					opts := options(g.store, m)
					opts.Source = g
					failures, err := runAll(t, opts, objectsOf([]object.Object{put("k", randomBytes(bytesOf))}), k)
					require.NoError(t, err)
					require.Empty(t, k.got)
					require.ErrorIs(t, failures["k"].Err, object.ErrMismatch)
					require.ErrorContains(t, failures["k"].Err, "0123456789abcdef")
					require.Equal(t, opts.Retry.MaxAttempts, failures["k"].Attempts)
					require.GreaterOrEqual(t, time.Since(began), minuteAndAHalf)
				})
			})
		}
	}
}

func TestAnObjectThatIsOverwrittenWhileACacheIsWaitedForIsDeliveredAsTheNewestVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, k, began := newGateway(newStore()), &sink{}, time.Now()
		behindCache(g, []byte("first"), func() bool { return time.Since(began) > 80*time.Second })
		opts := options(g.store, &gauges{})
		opts.Source = g
		listed := g.putMD5("k", []byte("second"))
		time.AfterFunc(30*time.Second, func() { g.putMD5("k", []byte("third")) })
		failures, err := runAll(t, opts, objectsOf([]object.Object{listed}), k)
		require.NoError(t, err)
		require.Empty(t, failures)
		require.Equal(t, [][]byte{[]byte("third")}, k.got["k"])
	})
}

func TestAnAnswerWithoutAnETagIsNothingThatACacheKeeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, k, m := newGateway(newStore()), &sink{}, &gauges{}
		g.lie = func(string, int, *object.Content) *object.Content {
			c := page("<html>")
			c.StaleFor = minuteAndAHalf
			return c
		}
		opts := options(g.store, m)
		opts.Source = g
		failures, err := runAll(t, opts, objectsOf([]object.Object{g.putMD5("k", []byte("x"))}), k)
		require.NoError(t, err)
		require.ErrorIs(t, failures["k"].Err, object.ErrMismatch)
		require.NotContains(t, m.retries, "stale")
	})
}

func TestARowWithoutMetadataIsReadThroughACache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, k := newGateway(newStore()), &sink{}
		g.lie = func(_ string, _ int, c *object.Content) *object.Content {
			c.StaleFor = minuteAndAHalf
			return c
		}
		g.put("k", []byte("content"))
		g.listed = func(string) (object.Object, bool, error) { return object.Object{Key: "k"}, true, nil }
		opts := options(g.store, &gauges{})
		opts.Source = g
		failures, err := runAll(t, opts, objectsOf([]object.Object{{Key: "k"}}), k)
		require.NoError(t, err)
		require.Empty(t, failures)
		require.Equal(t, [][]byte{[]byte("content")}, k.got["k"])
	})
}

// cutOnce breaks off after n bytes.
type cutOnce struct {
	io.ReadCloser
	left int
}

func (c *cutOnce) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, unavailable("k")
	}
	n, err := c.ReadCloser.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

func TestARestThatACacheHasOnlyOfTheVersionBeforeIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := randomBytes(200 << 10)
		g, k, began := newGateway(newStore()), &sink{}, time.Now()
		behindCache(g, bytes.Repeat([]byte("x"), len(data)), func() bool { return time.Since(began) > time.Minute })
		stale := g.lie
		g.lie = func(key string, n int, c *object.Content) *object.Content {
			if n == 1 {
				c.StaleFor, c.Body = minuteAndAHalf, &cutOnce{c.Body, 100 << 10}
				return c
			}
			return stale(key, n, c)
		}
		opts := options(g.store, &gauges{})
		opts.Source, opts.Retry.MaxAttempts = g, 2
		failures, err := runAll(t, opts, objectsOf([]object.Object{g.putMD5("k", data)}), k)
		require.NoError(t, err)
		require.Empty(t, failures)
		require.True(t, bytes.Equal(data, k.got["k"][0]))
	})
}

func TestARunThatEndsDoesNotWaitForACache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(newStore())
		behindCache(g, []byte("before"), func() bool { return false })
		opts := options(g.store, &gauges{})
		opts.Source = g
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		err := run(ctx, opts, objectsOf([]object.Object{g.putMD5("k", []byte("new"))}), nil, nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 5*time.Second, time.Since(began))
	})
}
