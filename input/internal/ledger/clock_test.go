package ledger_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

// The clock of a machine may be years ahead until somebody sets it. What was
// written then is read when it is right again: in a bubble, time only goes on,
// so that the times that are written lie ahead instead.

func TestAClockThatWasAheadHoldsNoParkedObjectBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := ledger.NewMemStore()
		hour := func(o *ledger.Options) { o.LongestPause = time.Hour }
		l := openOn(t, store, hour)
		s := listing(obj("near", "1"), obj("hour", "1"), obj("past", "1"), obj("years", "1"))
		w := compare(t, l, s)
		now := time.Now()
		w.Park(obj("near", "1"), "denied", now.Add(time.Minute))
		w.Park(obj("hour", "1"), "denied", now.Add(time.Hour))
		w.Park(obj("past", "1"), "denied", now.Add(time.Hour+time.Millisecond))
		w.Park(obj("years", "1"), "denied", now.AddDate(12, 0, 0))
		for range 2 {
			w = compare(t, l, s)
			require.Equal(t, []string{"past created", "years created"}, due(w))
			require.Equal(t, 1, w.Due[0].Attempts, "they are still known as parked")
			require.Len(t, w.Parked, 2)
			w.Close()
			points, err := l.ComparePoints(t.Context(), s.Objects)
			require.NoError(t, err)
			require.Equal(t, []string{"past created", "years created"}, due(points))
			points.Close()
			l = restart(t, l, store, hour)
		}
		l = restart(t, l, store)
		require.Len(t, compare(t, l, s).Parked, 4, "without a limit each waits for its time")
	})
}

func TestATimeOfALastPassThatIsStillToComeIsNotBelieved(t *testing.T) {
	for name, leave := range map[string]func(*testing.T, *ledger.Ledger){
		"closed": func(t *testing.T, l *ledger.Ledger) { t.Helper(); require.NoError(t, l.Close(t.Context())) },
		"killed": func(*testing.T, *ledger.Ledger) {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := ledger.NewMemStore()
				l := openOn(t, store)
				deliver(t, l, listing(obj("a", "1")))
				l.SetPass(time.Now().AddDate(5, 0, 0))
				w := compare(t, l, listing(obj("a", "2")))
				w.Delivered(obj("a", "2"))
				require.NoError(t, l.Checkpoint(t.Context()))
				leave(t, l)

				l = openOn(t, store)
				require.Zero(t, l.Stats().LastCompletePass)
				deliver(t, l, listing(obj("a", "3")))
				passed := time.Now()
				for range 2 {
					leave(t, l)
					l = openOn(t, store)
					require.WithinDuration(t, passed, l.Stats().LastCompletePass, time.Millisecond, "the right time replaces the wrong one")
				}
			})
		})
	}
}
