package fetch

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"math"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// flipped has one byte of its answers changed, under the right ETag and size.
func flipped(data []byte, until int) func(string, int, *object.Content) *object.Content {
	wrong := bytes.Clone(data)
	wrong[len(wrong)/2] ^= 1
	return func(key string, n int, c *object.Content) *object.Content {
		if key != "k" || n > until {
			return c
		}
		return with(c, wrong, c.Size)
	}
}

func TestBytesThatAreNotThoseOfTheETagAreNotDelivered(t *testing.T) {
	for size, bytesOf := range sizes {
		for _, whole := range []bool{true, false} {
			t.Run(fmt.Sprint(size, " whole ", whole), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g, k, m := newGateway(newStore()), &sink{}, &gauges{}
					data := randomBytes(bytesOf)
					obj := g.putMD5("k", data)
					good := g.putMD5("a", []byte("good"))
					opts := options(g.store, m)
					opts.Source, opts.CheckUpTo, opts.TakesWhole, opts.MaxDownloads = g, math.MaxInt64, whole, 1
					g.lie = flipped(data, 1)
					failures, err := runAll(t, opts, objectsOf([]object.Object{good, obj}), k)
					require.NoError(t, err)
					require.Empty(t, failures)
					require.Len(t, k.got["k"], 1)
					require.True(t, bytes.Equal(data, k.got["k"][0]))

					clear(k.got)
					g.lie = flipped(data, math.MaxInt)
					failures, err = runAll(t, opts, objectsOf([]object.Object{good, obj}), k)
					require.NoError(t, err)
					require.Empty(t, k.got["k"], "others match, so this one is wrong however often it comes so")
					require.ErrorIs(t, failures["k"].Err, object.ErrMismatch)
					require.ErrorContains(t, failures["k"].Err, "the MD5 of what arrived is")
					require.Empty(t, m.noticed)
				})
			})
		}
	}
}

func TestETagsThatOnlyLookLikeMD5sAreNoticedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, k, m := newGateway(newStore()), &sink{}, &gauges{}
		var objs []object.Object
		for i := range 100 {
			o := g.put(fmt.Sprint(i), []byte("x"))
			o.ETag = fmt.Sprintf("%032x", i)
			g.etag[o.Key] = o.ETag
			objs = append(objs, o)
		}
		opts := options(g.store, m)
		opts.Source, opts.CheckUpTo = g, 1<<20
		failures, err := runAll(t, opts, objectsOf(objs), k)
		require.NoError(t, err)
		require.Empty(t, failures)
		require.Len(t, k.got, 100)
		require.Equal(t, []Peculiarity{NotMD5}, m.noticed)
		most := 0
		for _, n := range g.opens {
			most = max(most, n)
		}
		require.LessOrEqual(t, most, 2*fewAttempts)
	})
}

// otherETags has n objects whose ETags only look like MD5s.
func otherETags(g *gateway, n int) (objs []object.Object) {
	for i := range n {
		o := g.put(fmt.Sprint("k", i), fmt.Appendf(nil, "object %d", i))
		o.ETag = fmt.Sprintf("%032x", i)
		g.etag[o.Key] = o.ETag
		objs = append(objs, o)
	}
	return objs
}

func TestWrongBytesThatComeAgainAreNotDeliveredForAnyNumberOfObjects(t *testing.T) {
	for _, n := range []int{1, 2, 12} {
		for _, wrong := range []int{1, 2, 3} {
			for _, most := range []int{0, 1} {
				t.Run(fmt.Sprint(n, " objects, wrong ", wrong, " times, ", most), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						g, k, m := newGateway(newStore()), &sink{}, &gauges{}
						var objs []object.Object
						for i := range n {
							objs = append(objs, g.putMD5(fmt.Sprint(i), fmt.Appendf(nil, "object %d", i)))
						}
						g.lie = func(_ string, n int, c *object.Content) *object.Content {
							if n > wrong {
								return c
							}
							return with(c, bytes.Repeat([]byte("x"), int(c.Size)), c.Size)
						}
						opts := options(g.store, m)
						opts.Source, opts.CheckUpTo, opts.MaxDownloads = g, 1<<20, most
						failures, err := runAll(t, opts, objectsOf(objs), k)
						require.NoError(t, err)
						require.Empty(t, failures)
						for _, o := range objs {
							require.Equal(t, [][]byte{g.objects[o.Key]}, k.got[o.Key])
						}
						require.Empty(t, m.noticed)
					})
				})
			}
		}
	}
}

func TestASingleObjectWhoseETagIsNoMD5IsDeliveredWhenItsBytesComeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for n := 1; n <= 2; n++ {
			g, k, m := newGateway(newStore()), &sink{}, &gauges{}
			opts := options(g.store, m)
			opts.Source, opts.CheckUpTo = g, 1<<20
			failures, err := runAll(t, opts, objectsOf(otherETags(g, n)), k)
			require.NoError(t, err)
			require.Empty(t, failures)
			require.Len(t, k.got, n)
			require.Equal(t, []Peculiarity{NotMD5}, m.noticed)
			require.Equal(t, fewAttempts, g.opens["k0"])
		}
	})
}

func TestAnObjectWithoutSecondAttemptsProvesNothingOfTheETags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, upTo := range []int64{1 << 20, math.MaxInt64} {
			g, k, m := newGateway(newStore()), &sink{}, &gauges{}
			opts := options(g.store, m)
			opts.Source, opts.CheckUpTo, opts.Retry.MaxAttempts = g, upTo, 1
			failures, err := runAll(t, opts, objectsOf(otherETags(g, 2)), k)
			require.NoError(t, err)
			require.Empty(t, k.got)
			require.Len(t, failures, 2)
			require.ErrorContains(t, failures["k0"].Err, "verify_content: never")
			require.Empty(t, m.noticed)
		}
	})
}

func TestETagsAreMD5sAgainAsSoonAsOneMatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, k := newGateway(newStore()), &sink{}
		objs := otherETags(g, 3)
		opts := options(g.store, &gauges{})
		opts.Source, opts.CheckUpTo, opts.MaxDownloads = g, 1<<20, 1
		f := New(t.Context(), opts)
		failed := map[string]error{}
		again := func(objs []object.Object) {
			r := f.Begin(items(objectsOf(objs), &takers{deliver: k.deliver, failed: func(f Failure) { failed[f.Object.Key] = f.Err }}))
			<-r.Done()
			require.NoError(t, r.Err())
		}
		again(objs)
		require.Len(t, k.got, 3)
		clear(k.got)
		again([]object.Object{g.putMD5("good", []byte("good"))})
		again(objs)
		require.Len(t, k.got, 1)
		require.Len(t, failed, 3)
	})
}

func TestContentIsComparedUpToASize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, k := newGateway(newStore()), &sink{}
		data := randomBytes(1001)
		obj := g.putMD5("k", data)
		g.lie = flipped(data, math.MaxInt)
		for upTo, delivered := range map[int64]int{-1: 1, 1000: 1, 1001: 0} {
			opts := options(g.store, &gauges{})
			opts.Source, opts.CheckUpTo = g, upTo
			clear(k.got)
			_, err := runAll(t, opts, objectsOf([]object.Object{g.putMD5("a", []byte("good")), obj}), k)
			require.NoError(t, err)
			require.Len(t, k.got["k"], delivered, upTo)
		}
	})
}

// TestABodyMayBeClosedWhileItIsRead is what scanners do that decompress in a
// goroutine of their own. The race detector watches.
func TestABodyMayBeClosedWhileItIsRead(t *testing.T) {
	for _, size := range []int{1 << 20, 30 << 20} {
		synctest.Test(t, func(t *testing.T) {
			g, s := &gauges{}, newStore()
			s.rate = 20 << 20
			opts := options(s, g)
			opts.HoldsWhole, opts.BufferBytes = true, 200<<20
			obj := s.put("k", randomBytes(size))
			var list []object.Object
			for range 20 {
				list = append(list, obj)
			}
			stop := fmt.Errorf("the scanner has had enough")
			failed := 0
			err := run(t.Context(), opts, objectsOf(list), func(_ context.Context, d *Download) error {
				done := make(chan error)
				go func() {
					_, err := io.Copy(io.Discard, d.Body)
					done <- err
				}()
				_ = d.Body.Close()
				if err := <-done; err != nil {
					require.ErrorIs(t, err, fs.ErrClosed)
				}
				require.NoError(t, d.Err(), "closing is no failure")
				return stop
			}, func(f Failure) {
				require.ErrorIs(t, f.Err, stop)
				failed++
			})
			require.NoError(t, err)
			require.Equal(t, 20, failed)
		})
	}
}
