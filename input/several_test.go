package input

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// bucketsOf makes buckets with so many objects each.
func (r *rig) bucketsOf(objects int, names ...string) {
	for _, name := range names {
		r.server.CreateBucket(name)
		for i := range objects {
			r.server.Put(name, fmt.Sprintf("a/%03d.txt", i), []byte(name))
		}
	}
}

func TestAPatternOfBucketsReadsThemAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, `source_path: "tenant-*/a/"`)
		r.bucketsOf(20, "tenant-1", "tenant-2", "other", "tenant-3")
		report := r.run()
		require.NoError(t, report.Err)
		require.Len(t, r.messages, 60)
		require.EqualValues(t, 60, report.Delivered)
		require.Len(t, report.Scopes, 3)
		seen := map[string]int{}
		for _, msg := range r.messages {
			bucket := meta(msg, emit.MetaBucket)
			seen[bucket]++
		}
		require.Equal(t, map[string]int{"tenant-1": 20, "tenant-2": 20, "tenant-3": 20}, seen)
	})
}

func TestANewBucketJoinsAndOneThatIsGoneIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, tenants+minutelyDeletes)
		r.bucketsOf(2, "tenant-1", "tenant-2")
		stop := r.live()
		time.Sleep(10 * time.Second)
		require.Len(t, r.arrived(), 4)

		r.bucketsOf(3, "tenant-3")
		time.Sleep(2 * time.Minute)
		require.Len(t, r.arrived(), 3)
		require.Equal(t, 1, strings.Count(r.logs.String(), "is new, and is read from now on"))

		r.server.RemoveBucket("tenant-3")
		time.Sleep(3 * time.Minute)
		require.Equal(t, []string{"deleted a/000.txt", "deleted a/001.txt", "deleted a/002.txt"}, r.arrived())
		require.Equal(t, 1, strings.Count(r.logs.String(), "is gone: "))

		r.bucketsOf(1, "tenant-3")
		time.Sleep(3 * time.Minute)
		require.Equal(t, []string{"created a/000.txt"}, r.arrived())
		require.Equal(t, 1, strings.Count(r.logs.String(), "is there again"))
		stop()

		stop = r.live()
		time.Sleep(3 * time.Minute)
		require.Empty(t, r.arrived(), "nothing is delivered again")
		stop()
	})
}

func TestAParkedObjectOfSeveralBucketsIsToldWithItsBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, `source_path: "tenant-*/"`)
		r.bucketsOf(2, "tenant-1", "tenant-2")
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpGet && q.Bucket == "tenant-2" && q.Key == "a/001.txt" {
				return emulator.Fault{Status: 403, Code: "AccessDenied", Message: "Access denied"}
			}
			return emulator.Fault{}
		})
		report := r.run()
		require.Error(t, report.Err)
		require.Len(t, report.FirstParked, 1)
		parked := report.FirstParked[0]
		require.Equal(t, "tenant-2 a/001.txt denied", parked.Bucket+" "+parked.Key+" "+parked.Reason)
		require.Empty(t, parked.Project, "there is one")
	})
}
