package input

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

func TestARunThatHasBegunAndNotEndedCountsAsFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.server.Put("docs", "held", []byte("x"))
		require.NoError(t, r.build())
		require.NoError(t, r.input.Connect(t.Context()))
		_, ack, err := r.input.ReadBatch(t.Context())
		require.NoError(t, err)
		require.NoError(t, ack(t.Context(), errRefused))
		time.Sleep(5 * time.Second)
		require.ErrorContains(t, ExitError(), `reading bucket "docs": the one-time run has begun and not ended`)

		before := len(Reports())
		open := openRuns()
		open[len(open)-1].abandon()
		reports := Reports()
		require.Len(t, reports, min(before+1, reportsKept))
		report := reports[len(reports)-1]
		require.ErrorContains(t, report.Err, "shutdown_timeout")
		require.ErrorContains(t, report.Err, `1 object under way when the run stopped, the oldest not acknowledged: object "held" waits for 5s. The output refused it: refused by the output`)
		require.Equal(t, int64(1), report.Unsettled)
		require.ErrorContains(t, ExitError(), report.Err.Error(), "without any signal")
		require.Len(t, openRuns(), len(open)-1)
		require.Len(t, r.logs.linesWith("Read bucket", "1 listed, 0 delivered (0 B), 1 under way"), 1)

		require.NoError(t, r.input.Close(context.Background()))
		require.Equal(t, reports, Reports(), "an end is recorded once")
		require.Len(t, r.logs.linesWith("is not complete"), 1)
	})
}

func TestARunThatRepeatsNeedsNoEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "sync_mode: continuous\n")
		before, open := Reports(), openRuns()
		stop := r.live()
		time.Sleep(time.Minute)
		require.Equal(t, open, openRuns())
		stop()
		require.Equal(t, before, Reports())
	})
}

func TestTheErrorThatEndsARunIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "source_path: nope\n")
		require.ErrorContains(t, r.run().Err, `the bucket "nope" does not exist`)
		require.Len(t, r.logs.linesWith(`does not exist`), 1)
	})
}

// openRuns are the runs that have begun and not ended, those of other tests
// included.
func openRuns() []*openRun {
	runs.mu.Lock()
	defer runs.mu.Unlock()
	return slices.Clone(runs.open)
}

func TestADeletionThatIsStillTriedAtTheEndMakesARunIncomplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "delete_objects: true\nretry: {max_attempts: 100}\n")
		r.server.Put("docs", "a", []byte("1"))
		r.server.SetFaults(failing(emulator.Fault{Status: 503}, func(q emulator.Request) bool { return q.Op == emulator.OpDelete }))
		require.NoError(t, r.build())
		require.NoError(t, r.input.Connect(t.Context()))
		_, ack, err := r.input.ReadBatch(t.Context())
		require.NoError(t, err)
		require.NoError(t, ack(t.Context(), nil))
		_, _, err = r.input.ReadBatch(t.Context())
		require.ErrorIs(t, err, service.ErrEndOfInput)
		require.ErrorContains(t, r.input.Close(t.Context()), "waiting for deletions")

		report := Reports()[len(Reports())-1]
		require.EqualValues(t, 1, report.Delivered)
		require.ErrorContains(t, report.Err, "delivered and not deleted when the run stopped, and may stay in the bucket (delete_objects): \"")
		time.Sleep(time.Hour) // the deletion ends, too
	})
}
