package input

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// sight is what row level security shows.
type sight struct {
	*rig
	rule atomic.Pointer[func(user, key string) bool]
}

// newSight reads n objects under row level security, everything at first.
func newSight(t *testing.T, n int) *sight {
	t.Helper()
	s := &sight{rig: newRig(t, "")}
	s.show(func(string, string) bool { return true })
	s.server.AllowRead("docs", func(claims map[string]any, key string) bool {
		return (*s.rule.Load())(claims["sub"].(string), key)
	})
	for i := range n {
		s.put(fmt.Sprintf("%03d", i), "1")
	}
	return s
}

func (s *sight) show(rule func(user, key string) bool) { s.rule.Store(&rule) }

// as makes the fields with which user reads; each pass is a full listing.
func (s *sight) as(user, fields string) {
	s.fields = minutely + "full_sweep_interval: 1s\n" + fields + sessionToken(s.server.Settings(), s.server.UserToken(user, 10_000*time.Hour))
}

// read runs the input for a while, and returns what arrived.
func (s *sight) read() []string {
	stop := s.live()
	time.Sleep(10 * aPass)
	stop()
	return s.arrived()
}

func (s *sight) warnings() (out []string) {
	for line := range strings.Lines(s.logs.String()) {
		if strings.Contains(line, "level=WARN") && strings.Contains(line, "no longer listed") {
			out = append(out, line)
		}
	}
	return out
}

func TestTheLastDeletionsOfASmallBucketAreDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, minutely+"emit_deletes: true\n")
		r.put("a", "1")
		r.put("b", "1")
		stop := r.live()
		defer stop()
		time.Sleep(time.Second)
		require.Len(t, r.arrived(), 2)
		for _, key := range []string{"a", "b"} {
			r.server.Delete("docs", key)
			time.Sleep(aPass)
			require.Equal(t, []string{"deleted " + key}, r.arrived())
		}
	})
}

func TestUnderRowLevelSecurityOnlyASecondListingProvesADeletion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSight(t, 50)
		s.as("u1", "emit_deletes: true\n")
		stop := s.live()
		defer stop()
		time.Sleep(time.Second)
		require.Len(t, s.arrived(), 50)
		s.server.Delete("docs", "007")
		time.Sleep(aPass)
		require.Empty(t, s.arrived())
		time.Sleep(aPass)
		require.Equal(t, []string{"deleted 007"}, s.arrived())
		require.Zero(t, s.server.Count(emulator.OpHead), "which finds nothing where something is hidden")
		require.Empty(t, s.warnings())
	})
}

func TestALossOfSightIsToldOnceAndDeletesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		objects, hidden int
		fields          string
	}{
		"a fifth":                   {100, 20, "emit_deletes: true\n"},
		"a fifth, without deletion": {100, 20, ""},
		"everything":                {100, 100, "emit_deletes: true\n"},
		"all of a handful":          {3, 3, "emit_deletes: true\n"},
		"more than was allowed":     {100, 60, "emit_deletes: true\nmax_delete_ratio: 0.5\n"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSight(t, c.objects)
				s.as("u1", c.fields+withState(t))
				require.Len(t, s.read(), c.objects)
				s.show(func(_, key string) bool { return key >= fmt.Sprintf("%03d", c.hidden) })
				require.Empty(t, s.read())
				require.Len(t, s.warnings(), 1)
				require.Contains(t, s.warnings()[0], fmt.Sprintf(`%d of %d delivered objects are no longer listed in bucket \"docs\" for the role \"authenticated\" (user u1)`, c.hidden, c.objects))
				s.show(func(string, string) bool { return true })
				require.Empty(t, s.read(), "and nothing is repeated when all are seen again")
			})
		})
	}
}

func TestALossOfSightIsToldAgainWhenItGrowsOrComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSight(t, 100)
		s.as("u1", "")
		hide := func(n int) {
			s.show(func(_, key string) bool { return key >= fmt.Sprintf("%03d", n) })
			time.Sleep(5 * aPass)
		}
		stop := s.live()
		defer stop()
		for i, n := range []int{0, 20, 21, 22, 40, 39, 0, 20, 15} {
			hide(n)
			require.Len(t, s.warnings(), []int{0, 1, 1, 1, 2, 2, 2, 3, 3}[i], "%d hidden", n)
		}
	})
}

func TestAWrittenRatioIsBelieved(t *testing.T) {
	for ratio, want := range map[string]int{"0.5": 20, "1": 20, "0.19": 0} {
		t.Run(ratio, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSight(t, 100)
				s.as("u1", "emit_deletes: true\nmax_delete_ratio: "+ratio+"\n"+withState(t))
				require.Len(t, s.read(), 100)
				for i := range 20 {
					s.server.Delete("docs", fmt.Sprintf("%03d", i))
				}
				require.Len(t, s.read(), want)
			})
		})
	}
}

func TestAnotherReaderTakesNothingForDeletedThatItDoesNotSee(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSight(t, 100)
		state := withState(t) + "emit_deletes: true\n"
		s.show(func(user, key string) bool { return user == "u1" || key != "007" })
		s.as("u1", state)
		require.Len(t, s.read(), 100)

		s.as("u2", state)
		for range 3 {
			require.Empty(t, s.read(), "however often it looks, and after each restart")
		}
		require.Contains(t, s.warnings()[0], `for the role \"authenticated\" (user u2), but were for the role \"authenticated\" (user u1)`)
		warned := len(s.warnings())

		s.as("u1", state)
		s.server.Delete("docs", "008")
		require.Equal(t, []string{"deleted 008"}, s.read(), "whom the state is of goes on as before")
		require.Len(t, s.warnings(), warned)

		s.as("u2", state+"max_delete_ratio: 1\n")
		require.Equal(t, []string{"deleted 007"}, s.read())
		s.as("u2", state)
		s.server.Delete("docs", "009")
		require.Equal(t, []string{"deleted 009"}, s.read(), "which is of u2 by now")
	})
}

func TestAnotherReaderThatSeesAllGoesOnAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := withState(t) + "emit_deletes: true\n"
		s := newSight(t, 100)
		s.as("u1", state)
		require.Len(t, s.read(), 100)
		s.as("u2", state)
		require.Empty(t, s.read())
		s.server.Delete("docs", "008")
		require.Equal(t, []string{"deleted 008"}, s.read(), "u2 has seen all of it before")
		s.server.Delete("docs", "009")
		s.fields = minutely + state
		require.Equal(t, []string{"deleted 009"}, s.read(), "an access key sees everything")
		require.Empty(t, s.warnings())
	})
}

func TestALossUnderARoleThatSeesEverythingSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSight(t, 100)
		s.fields = minutely + "emit_deletes: true\n" + withState(t)
		require.Len(t, s.read(), 100)
		for i := range 60 {
			s.server.Delete("docs", fmt.Sprintf("%03d", i))
		}
		require.Empty(t, s.read())
		require.Len(t, s.warnings(), 1)
		require.Contains(t, s.warnings()[0], `for the role \"service_role\", more than max_delete_ratio (0.5) allows`)
	})
}
