package input

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"
)

// minutelyDeletes looks for deletions with each pass, and remembers what was delivered.
const minutelyDeletes = minutely + `
emit_deletes: true
max_delete_ratio: 1
state: {cache: shared}
`

// tenants reads the buckets of several tenants.
const tenants = "source_path: \"tenant-*/\"\n"

func TestABucketThatIsGoneWhileNobodyReadsIsToldOfAfterwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, tenants+minutelyDeletes)
		r.bucketsOf(2, "tenant-1", "tenant-2")
		stop := r.live()
		defer func() { stop() }()
		time.Sleep(10 * time.Second)
		require.Len(t, r.arrived(), 4)
		stop()

		r.server.RemoveBucket("tenant-2")
		stop = r.live()
		time.Sleep(3 * time.Minute)
		require.Equal(t, []string{"deleted a/000.txt", "deleted a/001.txt"}, r.arrived())
		stop()

		stop = r.live()
		time.Sleep(3 * time.Minute)
		require.Empty(t, r.arrived())
	})
}

func TestAProjectThatIsGoneWhileNobodyReadsIsToldOfAfterwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOrgRig(t, 3, minutelyDeletes)
		stop := r.live()
		defer func() { stop() }()
		time.Sleep(10 * time.Second)
		require.Len(t, r.arrived(), 3)
		stop()
		ref := r.org.Projects()[1].Settings().ProjectRef
		r.org.RemoveProject(ref)
		stop = r.live()
		time.Sleep(12 * time.Minute)
		require.Equal(t, map[string]int{ref: 12}, r.arrived())
		require.Equal(t, 1, r.lines("is gone, with all its buckets"))
		stop()
		stop = r.live()
		time.Sleep(12 * time.Minute)
		require.Empty(t, r.arrived())
		require.Equal(t, 1, r.lines("is gone, with all its buckets"), "once")
	})
}

func TestDeletionsOfABucketThatARestartCutsShortAreToldOfAfterwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, tenants+minutelyDeletes+"auto_replay_nacks: false\n")
		r.bucketsOf(2, "tenant-1", "tenant-2")
		var refuses atomic.Bool
		r.ack = func(service.MessageBatch) error {
			if refuses.Load() {
				return errRefused
			}
			return nil
		}
		stop := r.live()
		defer func() { stop() }()
		time.Sleep(10 * time.Second)
		require.Len(t, r.arrived(), 4)
		r.server.RemoveBucket("tenant-2")
		refuses.Store(true)
		time.Sleep(3 * time.Minute)
		stop()
		r.arrived()

		refuses.Store(false)
		stop = r.live()
		time.Sleep(3 * time.Minute)
		require.Equal(t, []string{"deleted a/000.txt", "deleted a/001.txt"}, r.arrived())
	})
}

func TestAProjectThatIsGoneWithoutKeysIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOrgRig(t, 3, minutelyDeletes)
		stop := r.live()
		defer func() { stop() }()
		time.Sleep(10 * time.Second)
		r.arrived()
		gone := r.org.Projects()[1]
		ref := gone.Settings().ProjectRef
		gone.RevokeKeys()
		time.Sleep(10 * time.Minute)
		r.org.RemoveProject(ref)
		time.Sleep(time.Hour)
		require.Equal(t, map[string]int{ref: 12}, r.arrived())
	})
}

func TestADeletionUnderWayIsNotToldAgainWhenItsBucketIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, tenants+minutelyDeletes)
		r.bucketsOf(3, "tenant-1", "tenant-2")
		r.ack = func(service.MessageBatch) error {
			time.Sleep(100 * time.Second)
			return nil
		}
		stop := r.live()
		defer func() { stop() }()
		time.Sleep(5 * time.Minute)
		require.Len(t, r.arrived(), 6)
		r.server.Delete("tenant-2", "a/000.txt")
		time.Sleep(time.Minute)
		require.Equal(t, []string{"deleted a/000.txt"}, r.arrived())
		r.server.RemoveBucket("tenant-2")
		time.Sleep(10 * time.Minute)
		require.Equal(t, []string{"deleted a/001.txt", "deleted a/002.txt"}, r.arrived())
	})
}
