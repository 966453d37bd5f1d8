package input

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// liarSeed is the source of what the tests below upload and are told. Another one
// finds other things.
const liarSeed = 20261126

// liarRig is a rig whose server lies in 15 % of its answers until the result is
// set to false, and what its bucket holds. The probe that a run begins with is
// answered honestly: where it fails, there is no run.
func liarRig(t *testing.T, fields string) (r *rig, want map[string][]byte, lying *atomic.Bool) {
	t.Logf("seed %d", liarSeed)
	r, want, lying = newRig(t, fields), map[string][]byte{}, &atomic.Bool{}
	chance := rand.New(rand.NewPCG(liarSeed, 0))
	objects := 300
	if underRace {
		objects = 100 // the race detector makes the rest take minutes
	}
	for i := range objects {
		key := fmt.Sprintf("folder %d/%03d.txt", i%7, i)
		body := bytes.Repeat(fmt.Appendf(nil, "%d of %s\n", i, key), 1+chance.IntN(60))
		if i%100 == 99 {
			body = bytes.Repeat(body, 1+(12<<20)/len(body)) // read in parts
		}
		want[key] = body
		r.server.Put("docs", key, []byte("the version before of "+key))
		r.server.Put("docs", key, body)
	}
	liar := emulator.NewLiar(liarSeed, 0.15)
	lying.Store(true)
	r.server.SetFaults(func(q emulator.Request) emulator.Fault {
		probe := q.Op == emulator.OpList && q.Query.Get("max-keys") == "1" && q.Query.Get("prefix") == "" || q.Op == emulator.OpListV2 && q.N == 1
		if probe || !lying.Load() {
			return emulator.Fault{}
		}
		f := liar.Fault(q)
		if f.Lie == emulator.LieTrickle && len(want[q.Key]) > 1<<20 {
			return emulator.Fault{} // a year of virtual time
		}
		return f
	})
	t.Cleanup(func() { t.Logf("lies told: %v", liar.Told()) })
	return r, want, lying
}

// requireTrue checks that each message is an object as it was uploaded, and
// returns how often each arrived.
func requireTrue(t *testing.T, messages []*service.Message, want map[string][]byte) map[string]int {
	t.Helper()
	times, wrong := map[string]int{}, 0
	for _, msg := range messages {
		body, err := msg.AsBytes()
		require.NoError(t, err)
		key := meta(msg, emit.MetaKey)
		if !bytes.Equal(want[key], body) {
			if wrong++; wrong <= 3 {
				t.Errorf("%q arrived as %d bytes that begin with %.60q, event %v", key, len(body), body, meta(msg, emit.MetaEvent))
			}
			continue
		}
		times[key]++
	}
	if wrong > 0 {
		t.Errorf("%d messages were none of the objects", wrong)
	}
	return times
}

// overBothPlanes runs a test in a bubble, with the credentials that make it go over
// the S3 protocol, and over the REST API.
func overBothPlanes(t *testing.T, test func(t *testing.T, credentials string)) {
	t.Helper()
	for name, credentials := range map[string]string{"S3": "", "REST": withSecretKey(emulator.New(emulator.Options{}).Settings())} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, credentials) })
		})
	}
}

func TestAOneTimeRunBehindALyingGatewayDeliversTheTruthAndNamesTheRest(t *testing.T) {
	overBothPlanes(t, func(t *testing.T, credentials string) {
		r, want, _ := liarRig(t, credentials)
		report := r.run()
		times := requireTrue(t, r.messages, want)
		require.Zero(t, report.Vanished, "all objects are there")
		var parked int64
		for _, n := range report.Parked {
			parked += n
		}
		require.Equal(t, int64(len(want)), report.Listed)
		require.Equal(t, int64(len(want)), int64(len(times))+parked)
		logs := r.logs.String()
		for key := range want {
			if times[key] == 0 {
				require.Contains(t, logs, key, "what is left is named")
			}
		}
		require.Equal(t, parked > 0, report.Err != nil)
		require.Less(t, int(parked), len(want)/10, "what is told the truth in time arrives")
	})
}

func TestAContinuousRunBehindALyingGatewayDeliversAllAndTellsNoDeletion(t *testing.T) {
	overBothPlanes(t, func(t *testing.T, credentials string) {
		r, want, lying := liarRig(t, credentials+"sync_mode: continuous\npolling_interval: 10s\nemit_deletes: true\n")
		stop := r.live()
		time.Sleep(10 * time.Minute)
		lying.Store(false)
		time.Sleep(3 * time.Hour) // longer than what is parked waits
		stop()
		times := requireTrue(t, r.messages, want)
		missing := 0
		for key := range want {
			if times[key] == 0 {
				missing++
			}
		}
		require.Zero(t, missing, "objects that never arrived")
		require.NotContains(t, r.logs.String(), "was deleted after it was listed")
	})
}
