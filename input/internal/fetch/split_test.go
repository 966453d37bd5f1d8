package fetch

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

const scarceObjects = 40

// readScarce reads objects of 2 MiB as a taker of whole ones.
func readScarce(t *testing.T, s *store, buffer int64) (took time.Duration, requests int) {
	t.Helper()
	opts := options(s, &gauges{})
	opts.MaxDownloads, opts.TakesWhole, opts.BufferBytes = 0, true, buffer
	data := randomBytes(2 * minPart)
	var objs []object.Object
	for i := range scarceObjects {
		objs = append(objs, s.put(fmt.Sprint(i), data))
	}
	start := time.Now()
	err := run(t.Context(), opts, objectsOf(objs), func(_ context.Context, d *Download) error {
		require.True(t, bytes.Equal(data, d.Whole))
		return nil
	}, func(f Failure) { t.Error(f.Err) })
	require.NoError(t, err)
	for _, opens := range s.opens {
		requests += opens
	}
	return time.Since(start), requests
}

func TestSmallObjectsAreReadInPartsWhereBytesAreScarceAndPlacesAreNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := func() *store {
			s := newStore()
			s.latency, s.rate = 20*time.Millisecond, 20<<20
			return s
		}
		_, requests := readScarce(t, line(), 1<<30)
		require.Equal(t, scarceObjects, requests)
		took, requests := readScarce(t, line(), 16<<20)
		require.Greater(t, requests, scarceObjects*3/2)
		require.LessOrEqual(t, requests, scarceObjects*2)
		require.LessOrEqual(t, took, 520*time.Millisecond, "8 at a time with one request each take 600 ms")
	})
}

func TestSmallObjectsAreOneRequestWhereMoreBringNothing(t *testing.T) {
	for name, s := range map[string]func() *store{
		"an endpoint that mostly thinks": func() *store {
			s := newStore()
			s.latency, s.rate = 50*time.Millisecond, 20<<20
			return s
		},
		"a store that hashes":         func() *store { return hashing(2*minPart, 600<<20, 2000<<20) },
		"an endpoint without a range": func() *store { s := newStore(); s.rate, s.noRanges = 20<<20, true; return s },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, requests := readScarce(t, s(), 16<<20)
				require.Equal(t, scarceObjects, requests)
			})
		})
	}
}

func TestASmallObjectThatIsOverwrittenBetweenItsPartsIsOneVersion(t *testing.T) {
	for name, size := range map[string]int{"same size": 2 * minPart, "smaller": minPart, "larger": 3 * minPart, "empty": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore()
				s.latency, s.rate = 10*time.Millisecond, 20<<20
				var overwritten atomic.Int64
				s.onOpen = func(key string, n int, offset int64) (int64, error) {
					if n == 1 && key > "3" || n == 2 && key > "2" { // the first answers are whole
						s.put(key, bytes.Repeat([]byte("n"), size))
						overwritten.Add(1)
					}
					return -1, nil
				}
				opts := options(s, &gauges{})
				opts.MaxDownloads, opts.TakesWhole, opts.BufferBytes = 0, true, 16<<20
				old := bytes.Repeat([]byte("o"), 2*minPart)
				var objs []object.Object
				for i := range 30 {
					objs = append(objs, s.put(fmt.Sprint(i), old))
				}
				got := map[string]int{}
				claim := &takers{
					deliver: func(_ context.Context, d *Download) error {
						require.Len(t, d.Whole, int(d.Size))
						if len(d.Whole) > 0 {
							require.Equal(t, len(d.Whole), bytes.Count(d.Whole, d.Whole[:1]), "one version")
						}
						s.mu.Lock()
						defer s.mu.Unlock()
						got[d.Key]++
						return nil
					},
					failed: func(f Failure) { t.Error(f.Err) },
				}
				require.NoError(t, runTo(t.Context(), opts, objectsOf(objs), claim))
				require.Len(t, got, len(objs))
				for key, n := range got {
					require.Equal(t, 1, n, key)
				}
				require.Greater(t, overwritten.Load(), int64(10))
			})
		})
	}
}
