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

// TestNothingIsWrittenToAWholeObjectOnceItIsHandedOn has a part that breaks off
// while a later one goes on, so that one is under way when its reader takes over.
func TestNothingIsWrittenToAWholeObjectOnceItIsHandedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g := newStore(), &gauges{}
		s.rate = 50 << 20
		s.onOpen = func(_ string, n int, _ int64) (int64, error) {
			if n%4 == 2 {
				return 1 << 20, nil
			}
			return -1, nil
		}
		opts := options(s, g)
		opts.TakesWhole, opts.CheapRanges = true, true
		obj := s.put("a", randomBytes(40<<20))
		var handed []byte
		k := &sink{hold: func(d *Download) {
			handed = d.Whole
			clear(handed) // it belongs to the taker
			time.Sleep(time.Minute)
		}}
		failures, err := runAll(t, opts, objectsOf([]object.Object{obj}), k)
		require.NoError(t, err)
		require.Empty(t, failures)
		require.Greater(t, s.opens["a"], 40<<20/partBytes)
		require.True(t, bytes.Equal(make([]byte, len(handed)), handed))
	})
}

func TestAMeterIsAtZeroAfterARunThatEndedEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g := newStore(), &last{}
		s.latency = time.Second
		s.down = &object.Error{Op: "listing", Kind: object.ErrCredentials, Status: 403}
		s.onOpen = func(key string, _ int, _ int64) (int64, error) {
			if key == "3" {
				return 0, &object.Error{Op: "reading", Key: key, Kind: object.ErrCredentials, Status: 403}
			}
			return -1, nil
		}
		s.rate = 1 << 10
		opts := options(s, &gauges{})
		opts.Meter = g
		var objs []object.Object
		for i := range 20 {
			objs = append(objs, s.put(fmt.Sprint(i), randomBytes(64<<10)))
		}
		_, err := runAll(t, opts, objectsOf(objs), &sink{})
		require.ErrorIs(t, err, object.ErrCredentials)
		require.Zero(t, g.inFlight)
		require.Zero(t, g.buffered)
	})
}

// last is a Meter that knows the last values.
type last struct {
	gauges
	inFlight int
	buffered int64
}

func (l *last) InFlight(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight = n
}

func (l *last) Buffered(n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buffered = n
}
