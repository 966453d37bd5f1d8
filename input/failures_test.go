package input

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/input/internal/target"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

const emitFailures = "emit_failures: true\nretry: {max_attempts: 2}\n"

// failed gives "reason key" of the messages that carry an error, and the others
// by their keys alone.
func (r *rig) failed() (failed, good []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, msg := range r.messages {
		if msg.GetError() == nil {
			require.Equal(r.t, "<unset>", meta(msg, emit.MetaFailure))
			good = append(good, meta(msg, emit.MetaKey))
			continue
		}
		failed = append(failed, meta(msg, emit.MetaFailure)+" "+meta(msg, emit.MetaKey))
	}
	slices.Sort(failed)
	slices.Sort(good)
	return failed, good
}

func TestAParkedObjectIsSentWithItsErrorAndItsReference(t *testing.T) {
	for _, mode := range []string{"content", "reference"} {
		for _, credentials := range []string{"access_key", "secret_key"} {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, emitFailures+"emit: "+mode+"\nuser_metadata: false\n")
				if credentials == "secret_key" {
					r.fields += withSecretKey(r.server.Settings())
				}
				for i := range 3 {
					r.server.Put("docs", fmt.Sprint("good ", i), []byte("x"))
				}
				r.server.Put("docs", "lost", []byte("hello"), emulator.WithMissingContent())
				r.server.Put("docs", "odd # key", []byte("x"), emulator.WithRawKey())
				report := r.run()
				failed, good := r.failed()
				if mode == "reference" { // nothing is read, so nothing fails
					require.Empty(t, failed)
					require.Len(t, good, 5)
					return
				}
				require.Equal(t, []string{"invalid odd # key", "unavailable lost"}, failed)
				require.Len(t, good, 3)
				require.ErrorContains(t, report.Err, "2 of 5 objects could not be delivered", "the exit code is that of a run without the messages")
				for _, msg := range r.messages {
					if meta(msg, emit.MetaKey) != "lost" {
						continue
					}
					body, err := msg.AsBytes()
					require.NoError(t, err)
					var ref target.Reference
					require.NoError(t, json.Unmarshal(body, &ref))
					require.Equal(t, "lost", ref.Key)
					require.Equal(t, target.Created, ref.Event)
					require.EqualValues(t, 5, *ref.Size)
					require.Equal(t, ref.ETag, meta(msg, emit.MetaETag))
					require.ErrorContains(t, msg.GetError(), "500")
				}
			})
		}
	}
}

func TestAFailureIsSentOnceForEachVersionAndReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emitFailures+"sync_mode: continuous\npolling_interval: 10s\n")
		r.server.Put("docs", "k", []byte("one"), emulator.WithMissingContent())
		stop := r.live()
		time.Sleep(30 * time.Minute)
		failed, _ := r.failed()
		require.Equal(t, []string{"unavailable k"}, failed)
		require.Greater(t, r.server.Count(emulator.OpGet), 8, "it was tried again and again")
		r.server.Put("docs", "k", []byte("another"), emulator.WithMissingContent())
		time.Sleep(30 * time.Minute)
		failed, _ = r.failed()
		require.Equal(t, []string{"unavailable k", "unavailable k"}, failed)
		r.server.Put("docs", "k", []byte("there"))
		time.Sleep(3 * time.Hour)
		failed, good := r.failed()
		require.Len(t, failed, 2)
		require.Equal(t, []string{"k"}, good)
		stop()
	})
}

func TestANackedFailureLeavesItsObjectParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emitFailures+withState(t)+"auto_replay_nacks: false\n")
		r.server.Put("docs", "lost", []byte("x"), emulator.WithMissingContent())
		r.server.Put("docs", "good", []byte("x"))
		r.ack = func(batch service.MessageBatch) error {
			if batch[0].GetError() != nil {
				return errRefused
			}
			return nil
		}
		report := r.run()
		require.Equal(t, map[string]int64{"unavailable": 1}, report.Parked)
		require.EqualValues(t, 1, report.Delivered)
		failed, _ := r.failed()
		require.Len(t, failed, 1)
	})
}

func TestWhatTheOutputRefusesIsSentAsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emitFailures+"auto_replay_nacks: false\nsync_mode: continuous\npolling_interval: 10s\n")
		r.server.Put("docs", "bad", []byte("x"))
		r.server.Put("docs", "good", []byte("x"))
		r.ack = func(batch service.MessageBatch) error {
			if batch[0].GetError() == nil && meta(batch[0], emit.MetaKey) == "bad" {
				return errRefused
			}
			return nil
		}
		stop := r.live()
		time.Sleep(5 * time.Second)
		failed, good := r.failed()
		require.Equal(t, []string{"rejected bad"}, failed)
		require.Equal(t, []string{"bad", "good"}, good)
		stop()
	})
}

func TestFailuresWaitForAStuckOutputAndHoldNothingElseBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "emit_failures: true\nretry: {max_attempts: 1}\n"+withState(t))
		const objects = 1500
		for i := range objects {
			r.server.Put("docs", fmt.Sprintf("%04d", i), []byte("x"), emulator.WithMissingContent())
		}
		var seen atomic.Int64
		gate := make(chan struct{})
		r.onBatch = func(service.MessageBatch) {
			if seen.Add(1) == 1 {
				<-gate
			}
		}
		var report Report
		done := make(chan struct{})
		go func() { defer close(done); report = r.run() }()
		time.Sleep(10 * time.Minute)
		require.EqualValues(t, 1, seen.Load())
		begun := r.server.Count(emulator.OpGet)
		require.Less(t, begun, objects, "no further object is begun while too many failures wait")
		time.Sleep(10 * time.Minute)
		require.Equal(t, begun, r.server.Count(emulator.OpGet))
		close(gate)
		<-done
		failed, _ := r.failed()
		require.Len(t, failed, objects)
		require.Len(t, slices.Compact(failed), objects)
		require.EqualValues(t, objects, report.Parked["unavailable"])
	})
}

func TestAFailureThatWaitsIsNotSentOnceItsObjectIsDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emitFailures+"sync_mode: continuous\npolling_interval: 10s\n")
		r.server.Put("docs", "k", []byte("x"), emulator.WithMissingContent())
		require.NoError(t, r.build())
		require.NoError(t, r.input.Connect(t.Context()))
		time.Sleep(5 * time.Minute) // nobody reads: the failure waits
		r.server.Put("docs", "k", []byte("whole"))
		time.Sleep(time.Hour) // the object waits for the pipeline too
		for {
			batch, ack, err := r.input.ReadBatch(t.Context())
			require.NoError(t, err)
			require.NoError(t, ack(t.Context(), nil))
			if batch[0].GetError() == nil {
				break
			}
		}
		// From the delivery on nothing of the failure comes.
		short, cancel := contextFor(t, time.Hour)
		defer cancel()
		_, _, err := r.input.ReadBatch(short)
		require.Error(t, err)
		require.NoError(t, r.input.Close(t.Context()))
	})
}

func TestFailuresEndWithTheInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emitFailures)
		for i := range 20 {
			r.server.Put("docs", fmt.Sprint(i), []byte("x"), emulator.WithMissingContent())
		}
		require.NoError(t, r.build())
		require.NoError(t, r.input.Connect(t.Context()))
		time.Sleep(time.Minute)
		began := time.Now()
		require.NoError(t, r.input.Close(t.Context()))
		require.Less(t, time.Since(began), time.Second)
		require.NotContains(t, r.logs.String(), "panic")
		require.Contains(t, r.logs.String(), "parked")
	})
}

func contextFor(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), d)
}
