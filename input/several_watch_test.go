package input

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

func TestTheGaugeOfScopesFollowsWhatHappens(t *testing.T) {
	res, kept := keptMetrics(t)
	synctest.Test(t, func(t *testing.T) {
		r := newOrgRig(t, 3, "sync_mode: continuous\npolling_interval: 1h\n")
		r.res = res
		stop := r.live()
		defer func() { stop() }()
		scopes := func() map[string]int64 {
			out := map[string]int64{}
			for name, n := range kept.of("scopes") {
				out[strings.TrimPrefix(name, "scopes ")] = n
			}
			return out
		}
		time.Sleep(30 * time.Second)
		require.Equal(t, map[string]int64{"waiting": 9}, scopes())

		shown := func() int {
			kept.mu.Lock()
			defer kept.mu.Unlock()
			return kept.calls["supabase_storage_scopes waiting"]
		}
		before := shown()
		time.Sleep(50 * time.Minute)
		require.Equal(t, before, shown(), "at rest nothing is shown again")

		all := r.org.Projects()
		all[0].SetStatus(emulator.StatusInactive)
		all[1].SetFaults(emulator.FaultRules(emulator.SlowPages(20 * time.Second)))
		all[2].CreateBucket("new")
		active := int64(0)
		for range 30 * 60 {
			time.Sleep(time.Second)
			active = max(active, scopes()["active"])
		}
		require.Positive(t, active, "their passes do not begin together")
		require.Equal(t, map[string]int64{"failing": 3, "waiting": 7}, scopes())

		all[0].SetStatus(emulator.StatusActiveHealthy)
		all[1].SetFaults(nil)
		time.Sleep(2 * time.Hour)
		require.Equal(t, map[string]int64{"waiting": 10}, scopes())

		all[2].RemoveBucket("new")
		r.org.RemoveProject(all[1].Settings().ProjectRef)
		time.Sleep(3 * time.Hour)
		require.Equal(t, map[string]int64{"waiting": 6, "gone": 4}, scopes())

		r.org.AddProject(emulator.Options{}).SetStatus(emulator.StatusComingUp)
		time.Sleep(3 * time.Hour)
		require.Equal(t, map[string]int64{"waiting": 6, "gone": 4}, scopes(), "no bucket of it is known")
		require.EqualValues(t, 1, kept.of("projects")["projects waiting"])
	})
}

// The passes after one that delivered have nothing to tell.
func TestALineOfProgressTellsOfSomethingNewOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOrgRig(t, 2, "sync_mode: continuous\npolling_interval: 1h\n")
		stop := r.live()
		time.Sleep(time.Minute)
		lines := func() int { return len(told(r.logs.String(), " parked; ")) }
		require.Equal(t, 1, lines())
		time.Sleep(24 * time.Hour)
		require.Equal(t, 1, lines())
		for range 3 { // one object each time
			r.org.Projects()[0].Put("docs", "new.txt", []byte(time.Now().String()))
			time.Sleep(2 * time.Hour)
		}
		require.Equal(t, 4, lines())
		stop()
	})
}
