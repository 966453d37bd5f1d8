package input

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

func TestProjectsThatWaitForTheManagementAPIAreToldOf(t *testing.T) {
	for mode, fields := range map[string]string{
		"continuous": "sync_mode: continuous\npolling_interval: 1m\nstate: {cache: shared}\n",
		"one_time":   "",
	} {
		t.Run(mode, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const limit = 20
				r := newOrgRig(t, 0, fields)
				r.org = emulator.NewOrganization(emulator.OrganizationOptions{TokenRateLimit: limit})
				for range 35 {
					r.add()
				}
				if mode == "one_time" {
					require.NoError(t, r.run().Err)
				} else {
					stop := r.live()
					time.Sleep(20 * time.Second)
					waiting := func() []string { // that are no lines of progress
						return slices.DeleteFunc(told(r.logs.String(), "projects wait for their keys: "), func(line string) bool { return strings.Contains(line, "delivered") })
					}
					require.Len(t, waiting(), 1)
					time.Sleep(15 * time.Minute)
					require.Greater(t, len(waiting()), 1, "it takes minutes")
					require.Less(t, len(waiting()), 6)
					require.Len(t, told(r.logs.String(), "no project waits for the Management API any more"), 1)
					stop()
				}
				require.NotEmpty(t, told(r.logs.String(), "of 35 projects wait for their keys: the Management API"))
				for _, minute := range r.org.Minutes() {
					require.LessOrEqual(t, minute.Management, limit)
				}
				arrived := r.arrived()
				require.Len(t, arrived, 35)
				for ref, n := range arrived {
					require.Equal(t, 12, n, ref)
				}
			})
		})
	}
}
