package input

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// TestAnEndpointThatIsDownIsAskedRarelyAndWorkGoesOnSoonAfter has an endpoint that
// goes down while it lists and downloads.
func TestAnEndpointThatIsDownIsAskedRarelyAndWorkGoesOnSoonAfter(t *testing.T) {
	for name, down := range map[string]emulator.Fault{"no answers": {HangUp: true}, "503": {Status: http.StatusServiceUnavailable}} {
		for _, fields := range []string{"", minutely, "concurrency: {max_downloads: 8}\n"} {
			t.Run(fmt.Sprint(name, fields), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					const objects = 3000
					r := newRig(t, fields)
					for i := range objects {
						r.put(fmt.Sprintf("%04d", i), "x")
					}
					var mu sync.Mutex
					from := time.Now().Add(500 * time.Millisecond)
					to := from.Add(30 * time.Second)
					asked := map[int]int{} // in each second of the outage
					var moving time.Time
					r.server.SetFaults(func(q emulator.Request) emulator.Fault {
						mu.Lock()
						defer mu.Unlock()
						now := time.Now()
						if now.After(to) && moving.IsZero() && q.Op == emulator.OpGet {
							moving = now
						}
						if now.Before(from) || now.After(to) {
							return emulator.Fault{Delay: 100 * time.Millisecond}
						}
						asked[int(now.Sub(from)/time.Second)]++
						return down
					})
					stop := r.live()
					time.Sleep(2 * time.Minute)
					stop()
					require.Len(t, r.arrived(), objects)
					mu.Lock()
					defer mu.Unlock()
					require.NotEmpty(t, asked)
					for second, n := range asked {
						require.True(t, second == 0 || n <= 5, "%d requests in second %d", n, second)
					}
					require.LessOrEqual(t, moving.Sub(to), 5*time.Second)
					require.NotRegexp(t, `[1-9][0-9]* parked`, r.logs.String())
				})
			})
		}
	}
}
