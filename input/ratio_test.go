package input

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// What lies next to the prefix that is read must not make what is missing below
// it look like little.
func TestTheDeleteRatioIsOfWhatIsTrackedBelowThePrefix(t *testing.T) {
	for _, tc := range []struct {
		name                string
		gone, want, outside int
	}{
		{"all of them", 20, 0, 300},
		{"more than half", 11, 0, 300},
		{"less than half", 9, 9, 300},
		{"less than half, and next to it nothing", 9, 9, 0},
		{"a handful of many", 5, 5, 300},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				state := withState(t)
				fields := minutely + "emit_deletes: true\nmax_delete_ratio: 0.5\n" + state
				r := newRig(t, fields)
				for i := range tc.outside {
					r.server.Put("docs", fmt.Sprintf("a/%03d", i), []byte("1"))
					r.server.Put("docs", fmt.Sprintf("c/%03d", i), []byte("1"))
				}
				for i := range 20 {
					r.server.Put("docs", fmt.Sprintf("b/%02d", i), []byte("1"))
				}
				stop := r.live()
				time.Sleep(10 * time.Second)
				stop()
				require.Len(t, r.arrived(), 20+2*tc.outside)

				r.fields = "source_path: docs/b/\n" + fields
				for i := range tc.gone {
					r.server.Delete("docs", fmt.Sprintf("b/%02d", i))
				}
				stop = r.live()
				time.Sleep(5 * aPass)
				stop()
				require.Len(t, r.arrived(), tc.want)
				if tc.want == 0 {
					require.Contains(t, r.logs.String(), fmt.Sprintf("%d of 20 delivered objects are no longer listed", tc.gone))
				}
			})
		})
	}
}
