package fetch

import (
	"bytes"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// readScarce reads 4 MiB objects as a taker of whole ones, within the budget.
func readScarce(t *testing.T, s *store, buffer int64, n int) (took time.Duration, requests int) {
	t.Helper()
	opts := options(s, &gauges{})
	opts.MaxDownloads, opts.TakesWhole, opts.BufferBytes = 0, true, buffer
	var objs []object.Object
	for i := range n {
		objs = append(objs, s.put(fmt.Sprint(i), randomBytes(4<<20)))
	}
	k := &sink{}
	start := time.Now()
	failures, err := runAll(t, opts, objectsOf(objs), k)
	require.NoError(t, err)
	require.Empty(t, failures)
	require.Len(t, k.got, n)
	for key, got := range k.got {
		require.True(t, bytes.Equal(s.objects[key], got[0]))
	}
	for _, opens := range s.opens {
		requests += opens
	}
	return time.Since(start), requests
}

func TestObjectsAreSplitWhereBytesAreScarceAndPlacesAreNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := func() *store {
			s := newStore()
			s.latency, s.rate = 20*time.Millisecond, 25<<20
			return s
		}
		ample, requests := readScarce(t, line(), 1<<30, 100)
		require.Equal(t, 100, requests)
		scarce, requests := readScarce(t, line(), 32<<20, 100)
		require.LessOrEqual(t, requests, 400)
		require.LessOrEqual(t, scarce, 1500*time.Millisecond, "8 at a time with one request each take 2.3 s")
		t.Logf("ample %v, scarce %v with %d requests", ample, scarce, requests)
	})
}

func TestObjectsAreNotSplitWhereThatBringsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := func() *store { // one line for all answers
			s := newStore()
			s.latency, s.rate, s.line = 5*time.Millisecond, 100<<20, make(chan struct{}, 1)
			return s
		}
		_, requests := readScarce(t, busy(), 32<<20, 200)
		require.LessOrEqual(t, requests, 200+4*4*paceSamples)
	})
}
