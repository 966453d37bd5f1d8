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

// TestNothingIsWrittenToAWholeObjectOnceItIsHandedOn has a part on trial that is
// slower than the answer next to it, so that it is under way when the object is
// complete.
func TestNothingIsWrittenToAWholeObjectOnceItIsHandedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g := newStore(), &gauges{}
		s.rate = 50 << 20
		s.onOpen = func(_ string, n int, _ int64) (int64, error) {
			if n == 2 { // the part on trial; s.mu is not held here
				time.Sleep(time.Second)
			}
			return -1, nil
		}
		opts := options(s, g)
		opts.TakesWhole = true
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
		require.Equal(t, 2, s.opens["a"], "there was no trial")
		require.True(t, bytes.Equal(make([]byte, len(handed)), handed))
	})
}

func TestAnAnswerThatIsTakenUpAgainDuringATrialServesToTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g := newStore(), &gauges{}
		s.rate = 50 << 20
		s.onOpen = func(_ string, n int, offset int64) (int64, error) {
			switch {
			case n == 1:
				return 4 << 20, nil // it is cut after the trial has begun
			case n == 2:
				time.Sleep(time.Hour) // the part on trial
			}
			return -1, nil
		}
		opts := options(s, g)
		obj := s.put("a", randomBytes(40<<20))
		k := &sink{}
		failures, err := runAll(t, opts, objectsOf([]object.Object{obj}), k)
		require.NoError(t, err)
		require.Empty(t, failures)
		require.Equal(t, []string{"unavailable"}, g.retries)
		require.Equal(t, 3, s.opens["a"])
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

func TestAWindowGoesOnAfterManyDownloadsThatTellNothing(t *testing.T) {
	w := newWindow(0)
	now := time.Time{}
	for range 1000 {
		w.begin(now)
	}
	for range 1000 {
		begun := w.begin(now)
		now = now.Add(10 * time.Millisecond)
		w.ended(begun, now, 1, true)
	}
	require.Greater(t, w.size(), windowStart)
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
