package input

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// A webhook becomes a reference to what the listing shows: nothing is read.
func TestAWorkerThatEmitsReferencesResolvesItsKeysAndReadsNothing(t *testing.T) {
	overBothPlanes(t, func(t *testing.T, credentials string) {
		r, f := newWorker(t, credentials+"emit: reference\n")
		r.server.Put("docs", "a", []byte("12345"))
		f.send(webhook("UPDATE", "a"))
		f.end()
		report := r.run()
		require.NoError(t, report.Err)
		require.Equal(t, acks(1), f.answered())
		require.Len(t, r.messages, 1)
		body, err := r.messages[0].AsBytes()
		require.NoError(t, err)
		require.Contains(t, string(body), `"key":"a"`)
		require.Contains(t, string(body), `"size":5`)
		require.Contains(t, string(body), `"event":"updated"`)
		require.Zero(t, r.server.Count(emulator.OpGet)+r.server.Count(emulator.OpRESTGet))
	})
}
