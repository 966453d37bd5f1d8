package poll

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/schedule"
)

// withoutChanges is a script in which nobody can be asked for changes.
func withoutChanges(t *testing.T) *script {
	s := newScript(t)
	s.choice.Changes = nil
	return s
}

func TestTheOnlyPassOfAPlanTellsHowItEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := withoutChanges(t)
		require.NoError(t, Run(t.Context(), s.options(schedule.Once())))
		s.listErr = errPasses
		require.ErrorIs(t, Run(t.Context(), s.options(schedule.Once())), errPasses)
		require.Equal(t, []string{"list 0s", "list 0s"}, s.log)
	})
}

func TestARunEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := withoutChanges(t)
		s.takes = time.Minute
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(30*time.Second, cancel)
		require.ErrorIs(t, Run(ctx, s.options(schedule.Once())), context.Canceled, "during a pass")
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(30*time.Minute, cancel)
		began := time.Now()
		require.ErrorIs(t, Run(ctx, s.options(schedule.Every(time.Hour))), context.Canceled, "between passes")
		require.Equal(t, 30*time.Minute, time.Since(began))
	})
}

func TestAFailedPassIsMadeAgainWithPausesThatDouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := withoutChanges(t)
		s.listErr, s.listFails = errPasses, 5*time.Minute
		require.Equal(t, []string{"list 0s", "list 1m0s", "list 3m0s", "list 7m0s"}, s.run(schedule.Every(10*time.Hour), 9*time.Hour))
		time.Sleep(time.Second)
		s = withoutChanges(t)
		s.listErr = errPasses
		log := s.run(schedule.Every(10*time.Hour), 8*time.Hour)
		require.Equal(t, []string{"list 4h3m0s", "list 5h3m0s", "list 6h3m0s", "list 7h3m0s"}, log[len(log)-4:], "an hour is the longest")
	})
}

func TestAFailedPassIsNotPutOffBeyondTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := withoutChanges(t)
		s.listErr = errPasses
		require.Equal(t, []string{"list 0s", "list 10s", "list 20s", "list 30s"}, s.run(schedule.Every(10*time.Second), 35*time.Second))
	})
}

func TestAPauseCountsFromTheEndOfAPassAndFromItsListingWhereDownloadsAreLeft(t *testing.T) {
	for name, c := range map[string]struct {
		stays time.Duration
		want  string
	}{
		"the downloads end first":     {stays: time.Minute, want: "list 4m"},
		"the next pass is due before": {stays: time.Hour, want: "list 3m"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := withoutChanges(t)
				s.takes, s.stays = time.Minute, c.stays
				log := s.run(schedule.After(2*time.Minute), 5*time.Minute)
				require.Len(t, log, 2)
				require.Contains(t, log[1], c.want, "and up to a tenth more by chance")
			})
		})
	}
}

func TestParkedObjectsAreTriedBetweenPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := withoutChanges(t)
		s.parkedAt = s.began.Add(90 * time.Minute)
		require.Equal(t, []string{"list 0s", "parked 1h30m0s", "list 10h0m0s"}, s.run(schedule.Every(10*time.Hour), 11*time.Hour))
	})
}

func TestAnObjectThatIsParkedBetweenPassesIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := withoutChanges(t)
		s.parked, s.parkedAt = time.Hour, s.began.Add(61*time.Minute)
		require.Equal(t, []string{"list 0s", "parked 1h1m0s"}, s.run(schedule.Every(24*time.Hour), 20*time.Hour))
	})
}

func TestParkedObjectsAreNotTriedAllTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := withoutChanges(t)
		s.parkedAt = s.began.Add(time.Second)
		s.again = time.Second
		require.Equal(t, []string{"list 0s", "parked 1s", "parked 11s", "parked 21s", "parked 31s"}, s.run(schedule.Every(time.Hour), 35*time.Second))
	})
}

func TestAPassThatIsDueComesBeforeParkedObjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := withoutChanges(t)
		s.parkedAt = s.began.Add(time.Hour)
		require.Equal(t, []string{"list 0s", "list 1h0m0s", "parked 1h0m0s"}, s.run(schedule.Every(time.Hour), 61*time.Minute))
	})
}

func TestAMissedTimeOfAnEarlierProcessIsMadeUpForAtOnce(t *testing.T) {
	daily, err := schedule.Cron("0 3 * * *")
	require.NoError(t, err)
	for lastComplete, want := range map[time.Duration][]string{ // the bubble begins at midnight UTC
		25 * time.Hour: {"list 0s", "list 3h0m0s"},
		time.Hour:      {"list 3h0m0s"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := withoutChanges(t)
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Hour)
			defer cancel()
			o := s.options(daily)
			o.LastComplete = time.Now().Add(-lastComplete)
			require.ErrorIs(t, Run(ctx, o), context.DeadlineExceeded)
			require.Equal(t, want, s.log)
		})
	}
}

func TestItIsToldWhenTheNextPassIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := withoutChanges(t)
		s.takes, s.listErr, s.listFails = time.Second, errPasses, 5*time.Second
		s.run(schedule.Every(10*time.Minute), 15*time.Minute)
		require.Equal(t, []string{"0s", "1m1s", "10m0s", "20m0s"}, s.dues, "now; after a failure; by the schedule")
	})
}
