package input

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// runningIn looks at the progress of the one run of a rig after a while.
func runningIn(t *testing.T, d time.Duration) Progress {
	t.Helper()
	time.Sleep(d)
	all := Running()
	require.NotEmpty(t, all)
	return all[len(all)-1]
}

// start begins the run of a rig, and returns a function that waits for its end.
func (r *rig) start() (wait func() Report) {
	ended := make(chan Report, 1)
	go func() { ended <- r.run() }()
	return func() Report { return <-ended }
}

func TestProgressCountsWhatTheReportCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "exclude_patterns: ['*.tmp']\n")
		for i := range 4 {
			r.server.Put("docs", fmt.Sprint(i), []byte("four"))
		}
		r.server.Put("docs", "a.tmp", nil)
		r.ack = func(service.MessageBatch) error { time.Sleep(2 * time.Second); return nil }
		before := len(Running())
		began := time.Now()
		wait := r.start()
		p := runningIn(t, time.Second)
		require.Equal(t, `bucket "docs"`, p.Where)
		require.Equal(t, began, p.Began)
		require.Equal(t, int64(5), p.Listed)
		require.Equal(t, p.Listed, p.Total, "all are listed")
		require.Equal(t, int64(1), p.Filtered)
		require.Equal(t, int64(4), p.UnderWay)
		require.Zero(t, p.Delivered+p.Bytes)
		require.Empty(t, p.Waits)
		report := wait()
		require.Equal(t, int64(4), report.Delivered)
		require.GreaterOrEqual(t, report.Took, 2*time.Second)
		require.Len(t, Running(), before)
	})
}

func TestProgressSaysThatTheOutputHasNotAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.server.Put("docs", "a", []byte("x"))
		r.ack = func(service.MessageBatch) error { time.Sleep(70 * time.Second); return nil }
		wait := r.start()
		require.Empty(t, runningIn(t, 3*time.Second).Waits, "outputs may take a few seconds")
		require.Contains(t, runningIn(t, 57*time.Second).Waits, "nothing acknowledged for 1m0s: the output has not answered")
		wait()
		require.NotEmpty(t, r.logs.linesWith("1 under way", "nothing acknowledged for 50s: the output has not answered"))
	})
}

func TestProgressSaysWhatTheOutputSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.server.Put("docs", "a", []byte("x"))
		var accepts atomic.Bool
		r.ack = func(service.MessageBatch) error {
			time.Sleep(10 * time.Second)
			if accepts.Load() {
				return nil
			}
			return errors.New("no route to \x1b[2Jhost")
		}
		wait := r.start()
		waits := runningIn(t, 25*time.Second).Waits
		require.Contains(t, waits, "nothing acknowledged for ")
		require.Contains(t, waits, `the output says: no route to`)
		require.Contains(t, waits, `(of object "a", `)
		require.NotContains(t, waits, "\x1b")
		accepts.Store(true)
		wait()
	})
}

func TestProgressSaysThatItConnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.server.Put("docs", "a", []byte("x"))
		from := time.Now()
		r.server.SetFaults(func(emulator.Request) emulator.Fault {
			if time.Since(from) < 15*time.Second {
				return emulator.Fault{Delay: 15 * time.Second}
			}
			return emulator.Fault{}
		})
		wait := r.start()
		p := runningIn(t, time.Second)
		require.Contains(t, p.Waits, "connecting to http")
		require.Zero(t, p.Listed)
		wait()
		require.NotEmpty(t, r.logs.linesWith(`Reading bucket \"docs\": connecting to http`), "also where the log is all that is seen")
	})
}

func TestProgressNamesTheFailureWhileItConnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.server.SetFaults(func(emulator.Request) emulator.Fault { return emulator.Fault{Status: 503} })
		wait := r.start()
		require.Contains(t, runningIn(t, time.Second).Waits, "HTTP 503")
		wait()
	})
}

func TestTheStateTellsHowManyObjectsThereAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "state: {path: "+t.TempDir()+"/s.db}\n")
		for i := range 5 {
			r.server.Put("docs", fmt.Sprint(i), []byte("four"))
		}
		require.Equal(t, "", errOf(r.run().Err))
		from := time.Now()
		probed := false
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpList && probed {
				return emulator.Fault{Delay: 5*time.Second - time.Since(from)}
			}
			probed = probed || q.Op == emulator.OpList
			return emulator.Fault{}
		})
		wait := r.start()
		p := runningIn(t, 2*time.Second)
		require.Equal(t, int64(5), p.Total)
		require.Zero(t, p.Listed)
		report := wait()
		require.Equal(t, int64(5), report.Unchanged)
		require.True(t, report.Remembered)
	})
}

func TestSlowListingIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.server.Put("docs", "a", []byte("x"))
		probed := false
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpList && probed {
				return emulator.Fault{Delay: 30 * time.Second}
			}
			probed = probed || q.Op == emulator.OpList
			return emulator.Fault{}
		})
		wait := r.start()
		require.Contains(t, runningIn(t, 20*time.Second).Waits, "nothing has moved for 20s, waiting for the listing")
		wait()
	})
}

func TestARunThatCanNotWriteItsStateSaysSo(t *testing.T) {
	r := newRig(t, "")
	parsed, err := r.parse()
	require.NoError(t, err)
	conf, err := config.Parse(parsed)
	require.NoError(t, err)
	reader, err := newReader(conf, r.resources())
	require.NoError(t, err)
	hooks := reader.keeperHooks()
	hooks.Failing(errors.New("no space left on device"), 0)
	require.Contains(t, reader.heldUp(pass.Report{}, 0, nil), "waiting until the state can be written: no space left")
	hooks.Recovered(time.Second)
	require.Equal(t, "waiting for the listing", reader.heldUp(pass.Report{}, 0, nil))
}

func TestTheEndOfARunIsToldOnceInPlaceOfTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "retry: {max_attempts: 1}\n")
		r.server.Put("docs", "bad", []byte("x"))
		r.server.Put("docs", "good", []byte("x"))
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpGet && q.Key == "bad" {
				return emulator.Fault{Status: 403}
			}
			return emulator.Fault{}
		})
		var told []Report
		OnRunEnd(func(report Report) { told = append(told, report) })
		defer OnRunEnd(nil)
		report := r.run()
		require.Equal(t, []Report{report}, told)
		require.Empty(t, r.logs.linesWith("level=INFO", "Read bucket"))
		require.Empty(t, r.logs.linesWith("level=ERROR", "The run is not complete"))
		require.Len(t, report.FirstParked, 1)
		require.Equal(t, "bad", report.FirstParked[0].Key)
		require.Error(t, report.FirstParked[0].Err)
		require.Empty(t, report.Problems, "it came to its end")
		require.False(t, report.Interrupted())
		require.False(t, report.Remembered)
		require.NoError(t, r.input.Close(context.Background()))
	})
}
