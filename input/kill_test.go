package input

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// What is promised of a kill -9: a deletion is told of every object that was
// acknowledged more than a second before it. What was acknowledged later may be
// unknown: it is delivered again if it is still there, and nothing is told if it is
// not.
func TestAfterAKillDeletionsAreToldOfAllThatACheckpointHas(t *testing.T) {
	for name, tc := range map[string]struct {
		lives   time.Duration
		deleted int
		created int
	}{
		"a second after the last ack": {1100 * time.Millisecond, 40, 1},
		"at once":                     {0, 0, 11},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				config := func(file string) string {
					return fmt.Sprintf("%semit_deletes: true\nmax_delete_ratio: 1\nstate: {path: %q}\n", minutely, filepath.Join(dir, file))
				}
				r := newRig(t, config("first.db"))
				for i := range 50 {
					r.server.Put("docs", fmt.Sprintf("%02d", i), []byte("1"))
				}
				// One that takes long: the end of a pass is a checkpoint, too.
				r.server.Put("docs", "slow", []byte("1"))
				r.server.SetFaults(func(q emulator.Request) emulator.Fault {
					if q.Op == emulator.OpGet && q.Key == "slow" {
						return emulator.Fault{Delay: 10 * time.Second}
					}
					return emulator.Fault{}
				})
				stop := r.live()
				synctest.Wait()
				require.Len(t, r.arrived(), 50)
				time.Sleep(tc.lives)
				synctest.Wait()
				left, err := os.ReadFile(filepath.Join(dir, "first.db")) // what a kill leaves
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(filepath.Join(dir, "second.db"), left, 0o600))
				stop()
				r.server.SetFaults(nil)
				r.arrived()

				for i := range 40 {
					r.server.Delete("docs", fmt.Sprintf("%02d", i))
				}
				r.fields = config("second.db")
				stop = r.live()
				time.Sleep(10 * aPass)
				stop()
				counts := map[string]int{}
				for _, event := range r.arrived() {
					counts[event[:len("created")]]++
				}
				require.Equal(t, tc.deleted, counts["deleted"])
				require.Equal(t, tc.created, counts["created"])
			})
		})
	}
}
