package input

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/meter"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// keptMetrics are resources whose metrics a test can read.
func keptMetrics(t *testing.T) (*service.Resources, *exporter) {
	t.Helper()
	kept := &exporter{values: map[string]int64{}, calls: map[string]int{}}
	env := service.NewEnvironment()
	require.NoError(t, env.RegisterMetricsExporter("kept", service.NewConfigSpec(),
		func(*service.ParsedConfig, *service.Logger) (service.MetricsExporter, error) { return kept, nil }))
	b := env.NewResourceBuilder()
	require.NoError(t, b.SetMetricsYAML("kept: {}"))
	res, end, err := b.BuildSuspended()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, end(context.Background())) })
	return res, kept
}

// of are the values of metrics that are not 0, by their names after "supabase_storage_".
func (e *exporter) of(beginnings ...string) map[string]int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := map[string]int64{}
	for name, value := range e.values {
		name, _ = strings.CutPrefix(name, "supabase_storage_")
		for _, beginning := range beginnings {
			if strings.HasPrefix(name, beginning) && value != 0 {
				out[name] = value
			}
		}
	}
	return out
}

func TestMetricsTellHowFarAPassIsAndWhenTheNextIsDue(t *testing.T) {
	res, kept := keptMetrics(t)
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, minutely)
		r.res = res
		for i := range 2500 {
			r.server.Put("docs", fmt.Sprintf("%04d", i), []byte("x"))
		}
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpList {
				return emulator.Fault{Delay: 10 * time.Second}
			}
			return emulator.Fault{}
		})
		stop := r.live()
		began := time.Now()
		time.Sleep(25 * time.Second) // the probe, a page, and a bit
		now := kept.of("pass")
		require.EqualValues(t, 1, now["pass_under_way full"])
		require.Positive(t, now["pass_listed"])
		require.Less(t, now["pass_listed"], int64(2500))
		require.Zero(t, now["pass_expected"], "nobody knows yet")
		require.Equal(t, began.Add(10*time.Second).Unix(), now["pass_due_unix"])
		time.Sleep(50 * time.Second)
		now = kept.of("pass")
		require.Equal(t, []int64{0, 2500, 2500}, []int64{now["pass_under_way full"], now["pass_listed"], now["pass_expected"]})
		require.InDelta(t, time.Now().Add(40*time.Second).Unix(), now["pass_due_unix"], 40)
		require.Greater(t, now["pass_due_unix"], time.Now().Unix())
		stop()
		require.Zero(t, kept.of("pass")["pass_due_unix"], "nothing is due after the end")
	})
}

func TestMetricsTellWhatHoldsTheWorkBack(t *testing.T) {
	res, kept := keptMetrics(t)
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, minutely+withState(t))
		r.res = res
		for i := range 20 {
			r.server.Put("docs", fmt.Sprintf("%02d", i), []byte("x"))
		}
		var silent atomic.Bool
		silent.Store(true)
		hold := make(chan struct{})
		r.ack = func(service.MessageBatch) error {
			if silent.Load() {
				<-hold
			}
			return nil
		}
		stop := r.live()
		time.Sleep(90*time.Second + 500*time.Millisecond)
		require.Equal(t, map[string]int64{"undelivered_batches": 20, "oldest_undelivered_seconds": 90}, kept.of("undelivered", "oldest"))
		silent.Store(false)
		close(hold)
		time.Sleep(2 * time.Second)
		require.Empty(t, kept.of("undelivered", "oldest"))

		// More objects are gone than max_delete_ratio allows.
		for i := range 15 {
			r.server.Delete("docs", fmt.Sprintf("%02d", i))
		}
		time.Sleep(3 * time.Minute)
		require.Equal(t, map[string]int64{"deletes_held": 15}, kept.of("deletes_held"))
		for i := range 15 {
			r.server.Put("docs", fmt.Sprintf("%02d", i), []byte("x"))
		}
		time.Sleep(3 * time.Minute)
		require.Empty(t, kept.of("deletes_held"))

		// One object can't be read, and is parked until it can.
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpGet && q.Key == "new" {
				return emulator.Fault{Status: http.StatusForbidden, Code: "AccessDenied"}
			}
			return emulator.Fault{}
		})
		r.server.Put("docs", "new", []byte("x"))
		time.Sleep(2 * time.Minute)
		require.Equal(t, map[string]int64{"parked_now": 1, "parked_objects denied": 1}, kept.of("parked_now", "parked_objects"))
		require.Empty(t, kept.of("endpoint_failing"), "one object is not the endpoint")
		r.server.SetFaults(nil)
		time.Sleep(time.Hour)
		require.Empty(t, kept.of("parked_now", "parked_objects"))

		// Passes end early while the endpoint is down.
		r.server.SetFaults(func(emulator.Request) emulator.Fault { return emulator.Fault{Status: http.StatusServiceUnavailable} })
		time.Sleep(30 * time.Minute)
		require.Positive(t, kept.of("passes_failed")["passes_failed"])
		r.server.SetFaults(nil)
		time.Sleep(2 * time.Hour)
		require.Empty(t, kept.of("passes_failed", "endpoint_failing", "state_failing", "credentials_failing"))
		stop()
	})
}

func TestTheMetricTellsThatTheEndpointIsDown(t *testing.T) {
	res, kept := keptMetrics(t)
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, minutely)
		r.res = res
		for i := range 1000 {
			r.server.Put("docs", fmt.Sprintf("%04d", i), []byte("x"))
		}
		from := time.Now().Add(500 * time.Millisecond)
		r.server.SetFaults(func(emulator.Request) emulator.Fault {
			if now := time.Now(); now.After(from) && now.Before(from.Add(30*time.Second)) {
				return emulator.Fault{Status: http.StatusServiceUnavailable}
			}
			return emulator.Fault{Delay: 100 * time.Millisecond}
		})
		stop := r.live()
		time.Sleep(20 * time.Second)
		require.EqualValues(t, 1, kept.of("endpoint_failing")["endpoint_failing"])
		time.Sleep(time.Minute)
		require.Empty(t, kept.of("endpoint_failing"))
		stop()
		require.Len(t, r.arrived(), 1000)
	})
}

func TestARestartRemembersWhenAPassWasLastComplete(t *testing.T) {
	res, kept := keptMetrics(t)
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, minutely+withState(t))
		r.res = res
		r.server.Put("docs", "a", []byte("x"))
		stop := r.live()
		time.Sleep(30 * time.Second)
		first := kept.of("last_complete_pass_unix")["last_complete_pass_unix"]
		require.InDelta(t, time.Now().Unix(), first, 40)
		stop()
		meter.New(res.Metrics()) // zeros, as in a new process
		require.Empty(t, kept.of("tracked", "last_complete_pass_unix"))
		time.Sleep(24 * time.Hour)
		probed := false
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpList && probed {
				return emulator.Fault{Delay: time.Minute}
			}
			probed = true
			return emulator.Fault{}
		})
		stop = r.live()
		time.Sleep(time.Second)
		require.Equal(t, map[string]int64{"tracked": 1, "last_complete_pass_unix": first}, kept.of("tracked", "last_complete_pass_unix"))
		stop()
	})
}
