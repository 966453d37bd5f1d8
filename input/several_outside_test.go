package input

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// forAWhile makes requests of one kind to the Management API fail until the time is over.
func forAWhile(r *orgRig, op emulator.Op, lasts time.Duration, fault emulator.Fault) {
	began := time.Now()
	r.org.SetAPIFaults(func(q emulator.Request) emulator.Fault {
		if q.Op == op && time.Since(began) < lasts {
			return fault
		}
		return emulator.Fault{}
	})
}

func TestAOneTimeRunWaitsForTheListOfProjectsAsForKeys(t *testing.T) {
	for name, fault := range map[string]emulator.Fault{
		"500":     {Status: 500},
		"521":     {Status: 521},
		"408":     {Status: 408},
		"429":     {Status: 429},
		"wait":    {Status: 429, Header: http.Header{"Retry-After": {"50"}}},
		"hang up": {HangUp: true},
		"cut":     {CutAfter: 10},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newOrgRig(t, 3, "")
				forAWhile(r, emulator.OpListProjects, 3*time.Minute, fault)
				report := r.run()
				require.NoError(t, report.Err)
				require.EqualValues(t, 36, report.Delivered)
				require.Equal(t, 1, r.lines("Waiting for the list of projects"))

				r = newOrgRig(t, 3, "")
				forAWhile(r, emulator.OpListProjects, 24*time.Hour, fault)
				began := time.Now()
				require.Error(t, r.run().Err)
				require.Less(t, time.Since(began), 20*time.Minute)
			})
		})
	}
}

// The list has come, so this is the Management API: a page in its place is an outage.
func TestAPageInPlaceOfTheKeysOfOneProjectIsWaitedFor(t *testing.T) {
	for _, fault := range []emulator.Fault{{Status: 502}, {Lie: emulator.LieHTMLPage}, {Lie: emulator.LieChallenge}} {
		synctest.Test(t, func(t *testing.T) {
			r := newOrgRig(t, 3, "")
			forAWhile(r, emulator.OpGetAPIKeys, time.Minute, fault)
			report := r.run()
			require.NoError(t, report.Err)
			require.EqualValues(t, 36, report.Delivered)
		})
	}
}

func TestWhatIsTheSameForAllBucketsIsToldOnce(t *testing.T) {
	for _, keys := range []emulator.LegacyKeys{emulator.LegacyDisabled, emulator.LegacyNone} {
		synctest.Test(t, func(t *testing.T) {
			r := newOrgRig(t, 4, "")
			for _, s := range r.org.Projects() {
				s.SetProject(func(p *emulator.Project) { p.LegacyKeys = keys })
			}
			report := r.run()
			require.NoError(t, report.Err)
			require.EqualValues(t, 48, report.Delivered)
			require.Len(t, told(r.logs.String(), "the server sends no metadata of objects"), 1)
		})
	}
}

// A look for buckets that fails slowly has a place among those that are read the first
// time alone.
func TestAProjectThatDoesNotAnswerHoldsUpTheOthersOnceAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOrgRig(t, 6, "sync_mode: continuous\npolling_interval: 10s\nstate: {cache: shared}\nprojects: {organization: acme, max_active: 1}\n")
		all := r.org.Projects()
		for _, s := range all[:2] {
			s.SetFaults(func(q emulator.Request) emulator.Fault {
				if q.Op == emulator.OpListBuckets {
					return emulator.Fault{Delay: time.Hour}
				}
				return emulator.Fault{}
			})
		}
		stop := r.live()
		time.Sleep(5 * time.Minute)
		require.Len(t, r.arrived(), 4)
		for i := range 20 {
			all[5].Put("docs", "new"+string(rune('a'+i)), []byte("new"))
			time.Sleep(25 * time.Second)
			require.Len(t, r.arrived(), 1, "within two intervals")
		}
		stop()
	})
}

// What a pause or a quota of the project means for one bucket is told of the project.
func TestARefusalOfTheWholeProjectIsNotToldOfItsBuckets(t *testing.T) {
	for _, status := range []int{402, 521, 540} {
		synctest.Test(t, func(t *testing.T) {
			r := newOrgRig(t, 2, "sync_mode: continuous\npolling_interval: 2s\nstate: {cache: shared}\nretry: {max_attempts: 2}\n")
			stop := r.live()
			time.Sleep(11 * time.Second)
			s := r.org.Projects()[1]
			ref := s.Settings().ProjectRef
			s.SetFaults(func(emulator.Request) emulator.Fault { return emulator.Fault{Status: status} })
			time.Sleep(10 * time.Minute)
			require.Len(t, told(r.logs.String(), ref), 1, status)
			s.SetFaults(nil)
			time.Sleep(10 * time.Minute)
			require.Len(t, told(r.logs.String(), ref), 2, status)
			stop()
		})
	}
}

func TestAOneTimeRunDoesNotWaitForAPausedProject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOrgRig(t, 2, "")
		r.org.Projects()[1].SetStatus(emulator.StatusInactive)
		report := r.run()
		require.ErrorContains(t, report.Err, "restore it in the Dashboard; or leave it out with projects.exclude")
		require.EqualValues(t, 12, report.Delivered)
		require.Zero(t, r.lines("Waiting for"))
		require.Len(t, r.logs.linesWith("level=WARN", "can't be read"), 1)
	})
}
