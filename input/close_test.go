package input

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/boltstore"
	"github.com/seed75cbcda6/supabase-storage/input/internal/scope"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// oneAcked starts an input whose deletions hang, and acks its one object.
func oneAcked(t *testing.T, fields string) *rig {
	t.Helper()
	r := newRig(t, fields)
	r.server.Put("docs", "a", []byte("1"))
	r.server.SetFaults(func(q emulator.Request) emulator.Fault {
		if q.Op == emulator.OpHead || q.Op == emulator.OpDelete {
			return emulator.Fault{Delay: 100 * time.Second}
		}
		return emulator.Fault{}
	})
	require.NoError(t, r.build())
	require.NoError(t, r.input.Connect(t.Context()))
	_, ack, err := r.input.ReadBatch(t.Context())
	require.NoError(t, err)
	require.NoError(t, ack(t.Context(), nil))
	return r
}

func TestAHangingDeletionCostsNoCheckpoint(t *testing.T) {
	for name, limit := range map[string]time.Duration{"without a limit": time.Hour, "with little time": 10 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				state := withState(t)
				fields := "sync_mode: continuous\npolling_interval: 1h\n" + state
				r := oneAcked(t, fields+"delete_objects: true\n")
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				begin := time.Now()
				err := r.input.Close(ctx)
				require.Error(t, err)
				require.LessOrEqual(t, time.Since(begin), min(limit, 2*scope.CloseStep))
				again := r.input.Close(t.Context())
				require.ErrorContains(t, again, "waiting for deletions", "the second Close waits, and tells how it went")
				require.ErrorContains(t, again, `1 object delivered and not deleted when the run stopped, and may stay in the bucket (delete_objects): "a"`)
				require.Equal(t, again, r.input.Close(t.Context()))

				r.fields = fields
				r.server.SetFaults(nil)
				r.server.Put("docs", "a", []byte("1")) // the same version, should it be deleted by now
				stop := r.live()
				time.Sleep(time.Minute)
				stop()
				require.Empty(t, r.arrived(), "what was acked is remembered")
			})
		})
	}
}

func TestTheStateIsFreeAgainAlthoughCloseHadTooLittleTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := t.TempDir() + "/state.db"
		r := oneAcked(t, "sync_mode: continuous\npolling_interval: 1h\ndelete_objects: true\nstate: {path: "+path+"}\n")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, r.input.Close(ctx), context.Canceled)
		time.Sleep(3 * scope.CloseStep)
		s, err := boltstore.Open(path)
		require.NoError(t, err)
		require.NoError(t, s.Close())
		require.ErrorContains(t, r.input.Close(ctx), "waiting for deletions", "what is known is told at once")
	})
}

// Connect may wait long for a server that is down. Close must not wait for it.
func TestCloseEndsAConnectThatIsUnderWay(t *testing.T) {
	for name, fields := range map[string]string{"one_time": "", "continuous": minutely} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, fields+withState(t)+"retry: {max_attempts: 1000}\n")
				r.server.SetFaults(func(emulator.Request) emulator.Fault { return emulator.Fault{Status: 503} })
				require.NoError(t, r.build())
				connected := make(chan error, 1)
				go func() { connected <- r.input.Connect(context.Background()) }()
				time.Sleep(time.Minute)
				begin := time.Now()
				require.NoError(t, r.input.Close(t.Context()))
				require.Less(t, time.Since(begin), time.Second)
				require.Error(t, <-connected)
				require.NoError(t, r.input.Connect(t.Context()), "nothing begins after Close")
				require.NoError(t, r.input.Close(t.Context()))
			})
		})
	}
}
