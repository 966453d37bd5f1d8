package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

func TestAFullWindowOfDownloadsIsUnderWayAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, k := newStore(), &sink{}
		s.latency = 3 * time.Second
		var objs []object.Object
		for i := range 100 {
			objs = append(objs, s.put(fmt.Sprintf("k%03d", i), []byte("x")))
		}
		start := time.Now()
		failures, err := runAll(t, options(s, &gauges{}), objectsOf(objs), k)
		require.NoError(t, err)
		require.Empty(t, failures)
		require.Len(t, k.got, 100)
		require.Equal(t, 39*time.Second, time.Since(start), "100 objects, 8 at a time, 3 s each")
		require.Equal(t, 8, s.most)
	})
}

func TestASlowObjectHoldsBackOnlyItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		objs := []object.Object{s.put("a-slow", []byte("x"))}
		for i := range 50 {
			objs = append(objs, s.put(fmt.Sprintf("b%02d", i), []byte("y")))
		}
		var mu sync.Mutex
		var order []string
		k := &sink{hold: func(d *Download) {
			if d.Key == "a-slow" {
				time.Sleep(time.Hour)
			}
			mu.Lock()
			defer mu.Unlock()
			order = append(order, d.Key)
		}}
		opts := options(s, &gauges{})
		opts.MaxDownloads = 2
		_, err := runAll(t, opts, objectsOf(objs), k)
		require.NoError(t, err)
		require.Equal(t, "a-slow", order[len(order)-1])
	})
}

func TestAFailingObjectIsRetriedLaterAndFreesItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g, k := newStore(), &gauges{}, &sink{}
		s.onOpen = func(key string, n int, _ int64) (int64, error) {
			if key == "bad" && n < 4 {
				return 0, unavailable(key)
			}
			return -1, nil
		}
		objs := []object.Object{s.put("bad", []byte("b")), s.put("good", []byte("g"))}
		opts := options(s, g)
		opts.MaxDownloads = 1
		start := time.Now()
		var goodAfter time.Duration
		k.hold = func(d *Download) {
			if d.Key == "good" {
				goodAfter = time.Since(start)
			}
		}
		failures, err := runAll(t, opts, objectsOf(objs), k)
		require.NoError(t, err)
		require.Empty(t, failures)
		require.Zero(t, goodAfter, "the good object does not wait for the retry of the bad one")
		require.Equal(t, [][]byte{[]byte("b")}, k.got["bad"])
		require.Equal(t, []string{"unavailable", "unavailable", "unavailable"}, g.retries)
	})
}

func TestAnObjectThatKeepsFailingIsGivenUpAfterItsAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, k := newStore(), &sink{}
		s.onOpen = func(key string, _ int, _ int64) (int64, error) {
			if key == "bad" {
				return 0, unavailable(key)
			}
			return -1, nil
		}
		failures, err := runAll(t, options(s, &gauges{}), objectsOf([]object.Object{s.put("bad", nil), s.put("good", nil)}), k)
		require.NoError(t, err)
		require.Equal(t, 5, failures["bad"].Attempts)
		require.ErrorIs(t, failures["bad"].Err, object.ErrUnavailable)
		require.Equal(t, 5, s.opens["bad"])
		require.Contains(t, k.got, "good")
	})
}

func TestACutBodyIsTakenUpWhereItBroke(t *testing.T) {
	for _, size := range []int{1000, 20 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, g, k := newStore(), &gauges{}, &sink{}
				data := bytes.Repeat([]byte("0123456789"), size/10)
				var offsets []int64
				s.onOpen = func(_ string, n int, offset int64) (int64, error) {
					offsets = append(offsets, offset)
					if n <= 3 {
						return int64(size / 10), nil
					}
					return -1, nil
				}
				opts := options(s, g)
				opts.MaxDownloads = 1
				failures, err := runAll(t, opts, objectsOf([]object.Object{s.put("k", data)}), k)
				require.NoError(t, err)
				require.Empty(t, failures)
				require.True(t, bytes.Equal(data, k.got["k"][0]))
				tenth := int64(size / 10)
				require.Equal(t, []int64{0, tenth, 2 * tenth, 3 * tenth}, offsets)
			})
		})
	}
}

func TestABodyThatIsOverwrittenWhileItIsReadStartsOver(t *testing.T) {
	for _, then := range []string{"same length", "shorter", "longer"} {
		t.Run(then, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, g, k := newStore(), &gauges{}, &sink{}
				obj := s.put("k", bytes.Repeat([]byte("old "), 3<<20))
				after := map[string][]byte{
					"same length": bytes.Repeat([]byte("new "), 3<<20),
					"shorter":     []byte("new"),
					"longer":      bytes.Repeat([]byte("new "), 4<<20),
				}[then]
				s.onOpen = func(_ string, n int, _ int64) (int64, error) {
					if n == 1 {
						return 5 << 20, nil
					}
					if n == 2 {
						s.put("k", after)
					}
					return -1, nil
				}
				failures, err := runAll(t, options(s, g), objectsOf([]object.Object{obj}), k)
				require.NoError(t, err)
				require.Empty(t, failures)
				require.Len(t, k.got["k"], 1)
				require.True(t, bytes.Equal(after, k.got["k"][0]), "one version, whole")
				require.Contains(t, g.retries, "changed")
			})
		})
	}
}

func TestAnObjectThatVanishedIsToldApartFromOneWhoseContentIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, k := newStore(), &sink{}
		s.listed = func(key string) (object.Object, bool, error) {
			return object.Object{Key: key}, key == "no-blob", nil
		}
		failures, err := runAll(t, options(s, &gauges{}), objectsOf([]object.Object{{Key: "gone"}, {Key: "no-blob"}}), k)
		require.NoError(t, err)
		require.ErrorIs(t, failures["gone"].Err, object.ErrNotFound)
		require.Equal(t, 1, failures["gone"].Attempts)
		require.ErrorIs(t, failures["no-blob"].Err, object.ErrMissingContent)
		require.NotErrorIs(t, failures["no-blob"].Err, object.ErrNotFound)
		require.Equal(t, fewAttempts, failures["no-blob"].Attempts, "it may be there in a moment, so it is tried again")
	})
}

func TestDownloadsUnderWayStayWithinTheByteBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g, k := newStore(), &gauges{}, &sink{}
		s.latency = time.Second
		var objs []object.Object
		for i := range 20 {
			objs = append(objs, s.put(fmt.Sprintf("k%02d", i), make([]byte, 1<<20)))
		}
		opts := options(s, g)
		opts.BufferBytes = 3 << 20
		_, err := runAll(t, opts, objectsOf(objs), k)
		require.NoError(t, err)
		require.Len(t, k.got, 20)
		require.Equal(t, int64(3<<20), g.buffered)
		require.Equal(t, 3, s.most)
	})
}

func TestAnObjectLargerThanTheBudgetIsReadAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g, k := newStore(), &gauges{}, &sink{}
		objs := []object.Object{s.put("a", make([]byte, 1<<20)), s.put("big", make([]byte, 9<<20)), s.put("c", make([]byte, 1<<20))}
		held, most := 0, 0
		var mu sync.Mutex
		k.hold = func(d *Download) {
			mu.Lock()
			held++
			if d.Key == "big" {
				most = max(most, held)
			}
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			held--
			mu.Unlock()
		}
		opts := options(s, g)
		opts.BufferBytes, opts.HoldsWhole = 4<<20, true
		_, err := runAll(t, opts, objectsOf(objs), k)
		require.NoError(t, err)
		require.Len(t, k.got, 3)
		require.Equal(t, 1, most)
	})
}

func TestAnObjectThatGrewAfterItsListingIsChargedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g, k := newStore(), &gauges{}, &sink{}
		listed := s.put("k", []byte("small"))
		s.put("k", make([]byte, 2<<20))
		opts := options(s, g)
		opts.HoldsWhole = true
		failures, err := runAll(t, opts, objectsOf([]object.Object{listed}), k)
		require.NoError(t, err)
		require.Empty(t, failures)
		require.Len(t, k.got["k"][0], 2<<20)
		require.Equal(t, int64(2<<20), g.buffered)
	})
}

func TestAnObjectThatGrowsWithEveryAttemptIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, k := newStore(), &sink{}
		listed := s.put("k", []byte("small"))
		s.onOpen = func(_ string, n int, _ int64) (int64, error) {
			s.put("k", make([]byte, n<<20))
			return -1, nil
		}
		opts := options(s, &gauges{})
		opts.HoldsWhole = true
		failures, err := runAll(t, opts, objectsOf([]object.Object{listed}), k)
		require.NoError(t, err)
		require.ErrorIs(t, failures["k"].Err, object.ErrChanged)
		require.Equal(t, 5, failures["k"].Attempts)
	})
}

func TestRejectedCredentialsEndTheRunAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, k := newStore(), &sink{}
		s.latency = time.Second
		s.down = &object.Error{Op: "listing", Kind: object.ErrCredentials, Status: 403}
		s.onOpen = func(key string, _ int, _ int64) (int64, error) {
			if key == "k05" {
				return 0, &object.Error{Op: "reading", Key: key, Kind: object.ErrCredentials, Status: 403}
			}
			return -1, nil
		}
		var objs []object.Object
		for i := range 1000 {
			objs = append(objs, s.put(fmt.Sprintf("k%02d", i), nil))
		}
		start := time.Now()
		_, err := runAll(t, options(s, &gauges{}), objectsOf(objs), k)
		require.ErrorIs(t, err, object.ErrCredentials)
		require.LessOrEqual(t, time.Since(start), 2*time.Second)
	})
}

func TestAListingErrorIsToldAfterWhatWasListedIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, k := newStore(), &sink{}
		s.latency = time.Minute
		obj := s.put("k", []byte("x"))
		broken := errors.New("page 2 is not to be had")
		_, err := runAll(t, options(s, &gauges{}), func(yield func(object.Object, error) bool) {
			if yield(obj, nil) {
				yield(object.Object{}, broken)
			}
		}, k)
		require.ErrorIs(t, err, broken)
		require.Contains(t, k.got, "k")
	})
}

func TestCancellingEndsEverythingUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, k := newStore(), &sink{}
		s.latency = time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		err := run(ctx, options(s, &gauges{}), objectsOf([]object.Object{s.put("k", nil)}), k.deliver, func(Failure) {})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Minute, time.Since(start))
	})
}

// TestABrokenBodyIsNeverMistakenForItsEnd guards what a scanner that swallows
// read errors would make of it.
func TestABrokenBodyIsNeverMistakenForItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g := newStore(), &gauges{}
		s.onOpen = func(key string, n int, _ int64) (int64, error) {
			if n > 1 {
				return 0, unavailable(key)
			}
			return 9 << 20, nil
		}
		obj := s.put("k", make([]byte, 20<<20))
		opts := options(s, g)
		opts.Retry.MaxAttempts = 1
		var failure Failure
		err := run(t.Context(), opts, objectsOf([]object.Object{obj}), func(_ context.Context, d *Download) error {
			_, _ = io.Copy(io.Discard, d.Body)
			require.Error(t, d.Err())
			return nil
		}, func(f Failure) { failure = f })
		require.NoError(t, err)
		require.ErrorIs(t, failure.Err, object.ErrUnavailable)
	})
}
