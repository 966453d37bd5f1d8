package poll

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/schedule"
)

// kinds runs a pass a minute for some minutes, and returns their kinds.
func (s *script) kinds(d time.Duration) (out []string) {
	s.t.Helper()
	from := len(s.log)
	for _, line := range s.run(schedule.Every(time.Minute), d-time.Second)[from:] {
		out = append(out, line[:strings.LastIndex(line, " ")])
	}
	time.Sleep(time.Second)
	return out
}

func count(kinds []string, k string) (n int) {
	for _, other := range kinds {
		if other == k {
			n++
		}
	}
	return n
}

func TestAFullListingIsFollowedByChangesUntilTheNextIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		got := s.kinds(121 * time.Minute)
		require.Len(t, got, 121)
		for i, k := range got {
			want := "changes"
			if i%60 == 0 {
				want = "list and remember"
			}
			require.Equal(t, want, k, "minute %d", i)
		}
	})
}

func TestWhereNobodyCanBeAskedEveryPassIsAFullListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := withoutChanges(t)
		require.Equal(t, 60, count(s.kinds(time.Hour), "list"))
	})
}

func TestABucketOfOnePageIsListedUntilItHasTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		s.listPages = 1
		require.Equal(t, []string{"list and remember", "list", "list"}, s.kinds(3*time.Minute))
		require.False(t, s.memory.ready, "what was remembered grows old")
		s.listPages = 2
		require.Equal(t, []string{"list", "list and remember", "changes"}, s.kinds(3*time.Minute))
	})
}

func TestChangesAreAskedForOnlyAsTheIdentityThatListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		require.Equal(t, []string{"list and remember", "changes"}, s.kinds(2*time.Minute))
		s.memory.identity = "another role"
		require.Equal(t, []string{"list and remember", "changes"}, s.kinds(2*time.Minute))
	})
}

func TestAPassOverChangesThatFailsIsFollowedByAFullListingAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		s.kinds(2 * time.Minute)
		s.askErr = errPasses
		from := len(s.log)
		s.kinds(time.Minute)
		s.askErr = nil
		require.Equal(t, []string{"changes 2m0s", "list and remember 2m0s"}, s.log[from:])
		require.Equal(t, []string{"changes", "changes"}, s.kinds(2*time.Minute))
		require.Empty(t, s.rests)
	})
}

func TestAFullListingThatFailsLeavesAnotherOwed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		s.kinds(2 * time.Minute)
		s.askErr, s.listErr = errPasses, errPasses
		s.kinds(time.Minute)
		s.askErr, s.listErr = nil, nil
		require.Equal(t, []string{"list and remember", "changes"}, s.kinds(2*time.Minute))
	})
}

func TestAskingRestsForADayWhereItCannotWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		s.memory.err = fmt.Errorf("asking: %w", errLasts)
		got := s.kinds(24 * time.Hour)
		require.Equal(t, 1, count(got, "list and remember"))
		require.Equal(t, 24*60-1, count(got, "list"))
		require.Equal(t, []string{"24h0m0s asking: it lasts"}, s.rests)
		s.memory.err = nil
		require.Equal(t, []string{"list and remember", "changes"}, s.kinds(2*time.Minute))
	})
}

func TestAskingThatKeepsFailingRestsLongerAndLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		s.askErr, s.memory.err = errPasses, errPasses
		got := s.kinds(6 * 24 * time.Hour)
		asked := count(got, "changes") + count(got, "list and remember")
		require.Less(t, asked, 40)
		require.Greater(t, asked, 10)
		require.Equal(t, []string{"2m0s it may pass"}, s.rests, "said once, not at the first failures")
	})
}

func TestAskingThatWorksAgainCountsFromNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		s.kinds(time.Minute)
		for range 20 {
			s.askErr = errPasses
			s.kinds(time.Minute)
			s.askErr = nil
			require.Equal(t, []string{"changes"}, s.kinds(time.Minute))
		}
		require.Empty(t, s.rests)
	})
}

func TestAskingRestsWhereItTakesLongerThanAFullListing(t *testing.T) {
	for _, c := range []struct {
		name  string
		takes []int // of 30 s that a full listing takes
		rests bool
	}{
		{"three times in a row", []int{29, 31, 31, 29, 31, 31, 31}, true},
		{"now and then", []int{31, 31, 30, 31, 31, 30}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(t)
				s.kinds(time.Minute)
				for i, took := range c.takes {
					require.Empty(t, s.rests, i)
					s.askPage = time.Duration(took) * time.Second
					require.Equal(t, []string{"changes"}, s.kinds(time.Minute))
				}
				if !c.rests {
					require.Empty(t, s.rests)
					require.Equal(t, []string{"changes"}, s.kinds(time.Minute))
					return
				}
				require.Equal(t, []string{"24h0m0s asking took 31s, and listing everything 30s"}, s.rests)
				got := s.kinds(24*time.Hour - time.Minute)
				require.Equal(t, len(got), count(got, "list"))
				require.Equal(t, []string{"list and remember", "changes"}, s.kinds(2*time.Minute))
			})
		})
	}
}

func TestAskingCostsTooMuchOnlyWhereItTakesMoreThanOneRequest(t *testing.T) {
	for spent, want := range map[cost]error{
		{1, 9 * time.Second}: nil, {2, 2 * time.Second}: nil, {3, 3 * time.Second}: nil,
		{2, 4 * time.Second}: errTooMuch, {4, time.Second}: errTooMuch,
	} {
		c := &Choice{full: cost{pages: 3, took: 3 * time.Second}}
		for range spent.pages {
			c.PageAsked(spent.took / time.Duration(spent.pages))
		}
		require.Equal(t, want, c.goOn(), "%v", spent)
	}
}

func TestManyChangesAreLeftToAFullListingAndAreNoFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		s.kinds(time.Minute)
		s.askPages = 4 // of a listing of three
		from := len(s.log)
		for range 2 * patience {
			s.kinds(time.Minute)
		}
		require.Empty(t, s.rests)
		require.Len(t, s.log[from:], 2*2*patience, "each time both")
		s.askPages, s.askPage = 2, 5*time.Second
		for range 2 * patience {
			require.Equal(t, []string{"changes"}, s.kinds(time.Minute))
		}
		require.Empty(t, s.rests)
	})
}
