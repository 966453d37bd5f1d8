package input

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// failing answers the requests for which it is true with a fault.
func failing(fault emulator.Fault, when func(emulator.Request) bool) func(emulator.Request) emulator.Fault {
	return func(q emulator.Request) emulator.Fault {
		if when(q) {
			return fault
		}
		return emulator.Fault{}
	}
}

func TestAScheduledPassThatFailsIsMadeAgainBeforeTheNextTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "sync_mode: scheduled\nschedule: 0 3 * * *\n")
		r.server.Put("docs", "a", []byte("1"))
		stop := r.live()
		defer stop()
		tick := time.Date(time.Now().Year(), time.Now().Month(), time.Now().Day(), 3, 0, 0, 0, time.UTC)
		if !tick.After(time.Now()) {
			tick = tick.Add(24 * time.Hour)
		}
		time.Sleep(time.Until(tick) - time.Minute)
		r.server.SetFaults(failing(emulator.Fault{Status: 503}, func(q emulator.Request) bool { return q.Op == emulator.OpList }))
		time.Sleep(11 * time.Minute)
		r.server.SetFaults(nil)
		time.Sleep(15 * time.Minute)
		require.Equal(t, []string{"created a"}, r.arrived())
		lists := r.server.Count(emulator.OpList)
		time.Sleep(23 * time.Hour)
		require.Equal(t, lists, r.server.Count(emulator.OpList), "the pass that succeeded is the last one until the next tick")
	})
}

func TestAParkedObjectIsTriedAgainBeforeTheNextTickAndWithoutAListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "sync_mode: scheduled\npolling_interval: 24h\n")
		r.server.Put("docs", "bad", []byte("1"))
		r.server.Put("docs", "good", []byte("1"))
		r.server.SetFaults(failing(emulator.Fault{Status: 500}, func(q emulator.Request) bool { return q.Key == "bad" }))
		stop := r.live()
		defer stop()
		time.Sleep(30 * time.Minute)
		require.Equal(t, []string{"created good"}, r.arrived())
		require.Equal(t, 1, r.fullPages())
		r.server.SetFaults(nil)
		time.Sleep(time.Hour + 10*time.Minute)
		require.Equal(t, []string{"created bad"}, r.arrived())
		require.Equal(t, 1, r.fullPages())
		time.Sleep(23 * time.Hour)
		require.Empty(t, r.arrived())
		require.Equal(t, 2, r.fullPages())
	})
}

func TestAnObjectThatIsRefusedAfterItsPassIsTriedAgainBeforeTheNextOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "sync_mode: scheduled\npolling_interval: 24h\nauto_replay_nacks: false\n")
		r.server.Put("docs", "a", []byte("1"))
		refused := false
		r.ack = func(service.MessageBatch) error {
			if refused {
				return nil
			}
			refused = true
			time.Sleep(10 * time.Minute) // its pass ended long ago
			return errRefused
		}
		stop := r.live()
		defer stop()
		time.Sleep(15 * time.Minute)
		require.Equal(t, []string{"created a", "created a"}, r.arrived())
		require.Equal(t, 1, r.fullPages())
	})
}

func TestAPassDoesNotWaitForADownloadThatTakesLong(t *testing.T) {
	for _, mode := range []string{"continuous", "scheduled"} {
		t.Run(mode, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "sync_mode: "+mode+"\npolling_interval: 10s\nconcurrency: {max_downloads: 4}\n")
				r.server.Put("docs", "slow", []byte("1"))
				r.server.SetFaults(failing(emulator.Fault{Delay: 50 * time.Second}, func(q emulator.Request) bool {
					return q.Op == emulator.OpGet && q.Key == "slow"
				}))
				stop := r.live()
				defer stop()
				for i := range 3 {
					time.Sleep(5 * time.Second)
					r.server.Put("docs", fmt.Sprint("new", i), []byte("1"))
					time.Sleep(11 * time.Second)
					require.Equal(t, []string{fmt.Sprint("created new", i)}, r.arrived())
				}
				time.Sleep(5 * time.Second)
				require.Equal(t, []string{"created slow"}, r.arrived())
				require.Equal(t, 1, r.server.Count(emulator.OpGet)-3, "it is under way, so no pass asks for it again")
				require.Contains(t, r.logs.String(), "1 under way")
				require.Contains(t, r.logs.String(), "that an earlier pass left under way")
			})
		})
	}
}

func TestAPassThatIsLeftSettlesDeletionsAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "sync_mode: continuous\npolling_interval: 10s\nemit_deletes: true\n")
		r.server.Put("docs", "a", []byte("1"))
		r.server.Put("docs", "b", []byte("1"))
		stop := r.live()
		defer stop()
		time.Sleep(time.Second)
		require.Len(t, r.arrived(), 2)
		r.server.SetFaults(failing(emulator.Fault{Delay: 50 * time.Second}, func(q emulator.Request) bool { return q.Op == emulator.OpGet }))
		r.server.Put("docs", "slow", []byte("1"))
		r.server.Delete("docs", "b")
		time.Sleep(35 * time.Second)
		require.Equal(t, []string{"deleted b"}, r.arrived())
	})
}

func TestAStopWaitsForNoDownloadThatAPassLeftUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "sync_mode: continuous\npolling_interval: 10s\n")
		r.server.Put("docs", "slow", []byte("1"))
		r.server.SetFaults(failing(emulator.Fault{Delay: 50 * time.Second}, func(q emulator.Request) bool { return q.Op == emulator.OpGet }))
		stop := r.live()
		time.Sleep(25 * time.Second)
		began := time.Now()
		stop()
		require.Zero(t, time.Since(began))
	})
}

func TestAnOutageIsSaidWhenItBeginsAndWhenItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "concurrency: {max_downloads: 8}\n")
		for i := range 200 {
			r.server.Put("docs", fmt.Sprintf("%03d", i), []byte("1"))
		}
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			return emulator.Fault{Delay: 100 * time.Millisecond}
		})
		time.AfterFunc(time.Second, func() {
			r.server.SetFaults(func(emulator.Request) emulator.Fault { return emulator.Fault{Status: 503} })
			time.Sleep(30 * time.Second)
			r.server.SetFaults(nil)
		})
		began := time.Now()
		require.NoError(t, r.run().Err)
		require.Len(t, r.arrived(), 200)
		require.Less(t, time.Since(began), 40*time.Second)
	})
}

func TestPassesThatKeepFailingAreFewLinesHoweverOftenTheyAreDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "sync_mode: continuous\npolling_interval: 1s\nretry: {max_attempts: 1}\n")
		r.server.Put("docs", "a", []byte("1"))
		stop := r.live()
		defer stop()
		time.Sleep(time.Minute)
		r.server.SetFaults(failing(emulator.Fault{Status: 503}, func(q emulator.Request) bool { return q.Op == emulator.OpList }))
		time.Sleep(10 * time.Minute)
		r.server.SetFaults(nil)
		time.Sleep(time.Minute)
		require.Len(t, r.logs.linesWith("level=ERROR", "ended early, and is made again"), 1)
		require.Len(t, r.logs.linesWith("level=ERROR", "passes in a row", "ended early, for 7m"), 1, "told after 30 s, 1, 2, 4 and 5 minutes more")
		require.LessOrEqual(t, len(r.logs.linesWith("level=ERROR")), 6)
		require.Len(t, r.logs.linesWith("level=INFO", "has come to its end again"), 1)
	})
}
