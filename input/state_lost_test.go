package input

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/state"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// slowly makes every download take a while.
func slowly(q emulator.Request) emulator.Fault {
	if q.Op == emulator.OpGet {
		return emulator.Fault{Delay: 200 * time.Millisecond}
	}
	return emulator.Fault{}
}

// readAll reads to the end of the input, as Benthos does, and tells how closing
// went.
func (r *rig) readAll(t *testing.T) (ended time.Duration, closing error) {
	t.Helper()
	require.NoError(t, r.build())
	require.NoError(t, r.input.Connect(t.Context()))
	begin := time.Now()
	var acks sync.WaitGroup
	reading, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	for {
		batch, ack, err := r.input.ReadBatch(reading)
		if err != nil {
			require.ErrorIs(t, err, service.ErrEndOfInput)
			break
		}
		r.keep(batch)
		acks.Go(func() { _ = ack(t.Context(), nil) })
	}
	ended = time.Since(begin)
	acks.Wait()
	return ended, r.input.Close(context.Background())
}

// A state that can't be written to any more can't become good again by itself:
// the run says so and ends, whatever the mode.
func TestARunEndsWithAStateThatIsLost(t *testing.T) {
	for _, mode := range []string{"", "sync_mode: continuous\n", "sync_mode: scheduled\npolling_interval: 1h\n"} {
		for name, tc := range map[string]struct {
			lose func(t *testing.T, r *rig, path string)
			says string
		}{
			"removed": {func(t *testing.T, _ *rig, path string) {
				t.Helper()
				require.NoError(t, os.Remove(path))
			}, "the file was removed while it was in use"},
			"another in its place": {func(t *testing.T, _ *rig, path string) {
				t.Helper()
				b, err := os.ReadFile(path)
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(path+".new", b, 0o600))
				require.NoError(t, os.Rename(path+".new", path))
			}, "another file was put in its place"},
		} {
			t.Run(strings.TrimSpace(mode)+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					path := t.TempDir() + "/state.db"
					r := newRig(t, fmt.Sprintf("%sstate: {path: %q}\nconcurrency: {max_downloads: 1}\n", mode, path))
					for i := range 200 {
						r.server.Put("docs", fmt.Sprintf("k%03d", i), []byte("1"))
					}
					r.server.SetFaults(slowly)
					time.AfterFunc(5*time.Second, func() { tc.lose(t, r, path) })
					ended, closing := r.readAll(t)
					requireLost(t, r, ended, closing, tc.says)
				})
			})
		}
	}
}

func requireLost(t *testing.T, r *rig, ended time.Duration, closing error, says string) {
	t.Helper()
	require.Less(t, ended, 10*time.Second)
	require.ErrorContains(t, closing, says)
	require.Less(t, len(r.arrived()), 60, "no more is delivered than was under way")
	reports := Reports()
	require.ErrorContains(t, reports[len(reports)-1].Err, says)
	require.ErrorContains(t, ExitError(), says)
	require.Equal(t, 1, strings.Count(r.logs.String(), "The run ends, since nothing can be delivered"), r.logs.String())
	require.LessOrEqual(t, strings.Count(r.logs.String(), "level=ERROR"), 4, r.logs.String())
}

func TestARunEndsWhenAnotherProcessTakesItsState(t *testing.T) {
	for _, mode := range []string{"", "sync_mode: continuous\n"} {
		t.Run(mode, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, mode+"state: {cache: shared}\nconcurrency: {max_downloads: 1}\n")
				for i := range 200 {
					r.server.Put("docs", fmt.Sprintf("k%03d", i), []byte("1"))
				}
				r.server.SetFaults(slowly)
				time.AfterFunc(5*time.Second, func() {
					parsed, err := r.parse()
					require.NoError(t, err)
					conf, err := config.Parse(parsed)
					require.NoError(t, err)
					other, err := state.OpenLedger(t.Context(), nil, conf, r.resources())
					require.NoError(t, err)
					work, err := other.Compare(t.Context(), ledger.Range{Lo: "k199", Objects: []ledger.Listed{
						{Object: object.Object{Key: "k199", ETag: "1", Size: 1}, Matches: true},
					}})
					require.NoError(t, err)
					work.Delivered(work.Due[0].Object)
					require.NoError(t, other.Close(t.Context()))
				})
				ended, closing := r.readAll(t)
				requireLost(t, r, ended, closing, "written to by another process")
			})
		})
	}
}
