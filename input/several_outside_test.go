package input

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// forAWhile has the Management API answer with a fault to these requests.
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
	synctest.Test(t, func(t *testing.T) {
		r := newOrgRig(t, 4, "")
		for _, s := range r.org.Projects() {
			s.SetProject(func(p *emulator.Project) { p.LegacyKeys = emulator.LegacyDisabled })
		}
		report := r.run()
		require.NoError(t, report.Err)
		require.EqualValues(t, 48, report.Delivered)
		require.Equal(t, 1, strings.Count(r.logs.String(), "sends no metadata of objects"))
	})
}
