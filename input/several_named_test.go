package input

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// namedTenants reads buckets that are all named, so that no list is asked for.
const namedTenants = "source_path: \"{tenant-1,tenant-2}/\"\n"

// ofTenant2 begins the lines about a bucket.
const ofTenant2 = `Bucket \"tenant-2\"`

func TestANamedBucketThatIsDeletedIsGoneAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, namedTenants+minutelyDeletes)
		r.bucketsOf(2, "tenant-1", "tenant-2")
		stop := r.live()
		defer func() { stop() }()
		time.Sleep(90 * time.Second)
		require.Len(t, r.arrived(), 4)

		r.server.RemoveBucket("tenant-2")
		time.Sleep(6 * time.Minute)
		require.Equal(t, []string{"deleted a/000.txt", "deleted a/001.txt"}, r.arrived())
		require.Len(t, told(r.logs.String(), ofTenant2), 1)
		require.Len(t, told(r.logs.String(), `Bucket \"tenant-2\" is gone: `), 1)
		time.Sleep(time.Hour)
		require.Len(t, told(r.logs.String(), ofTenant2), 1, "once")

		r.bucketsOf(1, "tenant-2")
		time.Sleep(3 * time.Minute)
		require.Equal(t, []string{"created a/000.txt"}, r.arrived())
		require.Len(t, told(r.logs.String(), "is there again"), 1)
		r.server.RemoveBucket("tenant-2")
		time.Sleep(5 * time.Minute)
		require.Equal(t, []string{"deleted a/000.txt"}, r.arrived())
		require.Len(t, told(r.logs.String(), "is gone: "), 2)
		stop()

		stop = r.live()
		time.Sleep(5 * time.Minute)
		require.Empty(t, r.arrived())
		require.Len(t, told(r.logs.String(), ofTenant2), 3, "it was told before")
	})
}

func TestANamedBucketThatIsGoneWhileNobodyReadsIsToldOfAfterwards(t *testing.T) {
	for _, mode := range []string{minutely, ""} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, namedTenants+mode+"emit_deletes: true\nmax_delete_ratio: 1\nstate: {cache: shared}\n")
			r.bucketsOf(2, "tenant-1", "tenant-2")
			stop := r.live()
			defer func() { stop() }()
			time.Sleep(time.Minute)
			require.Len(t, r.arrived(), 4)
			stop()
			r.server.RemoveBucket("tenant-2")
			stop = r.live()
			time.Sleep(3 * time.Minute)
			require.Equal(t, []string{"deleted a/000.txt", "deleted a/001.txt"}, r.arrived())
			require.Len(t, told(r.logs.String(), ofTenant2), 1)
			stop()
			stop = r.live()
			time.Sleep(3 * time.Minute)
			require.Empty(t, r.arrived())
		})
	}
}

func TestANamedBucketThatNeverWasIsAFailureAndNotGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, namedTenants+minutelyDeletes)
		r.bucketsOf(2, "tenant-1")
		for run := range 2 {
			stop := r.live()
			time.Sleep(time.Hour)
			stop()
			require.NotContains(t, r.logs.String(), "is gone")
			lines := told(r.logs.String(), ofTenant2)
			require.Len(t, lines, run+1, "once in each run")
			require.Contains(t, lines[run], "compare it with the names in the Dashboard")
		}
		require.Len(t, r.arrived(), 2)
		r.fields = namedTenants
		require.ErrorContains(t, r.run().Err, `"tenant-2" does not exist`)
	})
}

func TestANamedBucketThatIsDeniedForAMomentIsNotGone(t *testing.T) {
	for name, lie := range map[string]time.Duration{"in one pass": 50 * time.Second, "for a second": time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, namedTenants+minutelyDeletes)
				r.bucketsOf(2, "tenant-1", "tenant-2")
				var due, lies atomic.Bool
				r.server.SetFaults(func(q emulator.Request) emulator.Fault {
					if q.Bucket == "tenant-2" && due.CompareAndSwap(true, false) {
						lies.Store(true)
						time.AfterFunc(lie, func() { lies.Store(false) })
					}
					if lies.Load() && q.Bucket == "tenant-2" {
						return emulator.Fault{Status: 404, Code: "NoSuchBucket", Message: "Bucket not found"}
					}
					return emulator.Fault{}
				})
				stop := r.live()
				defer func() { stop() }()
				time.Sleep(30 * time.Second)
				require.Len(t, r.arrived(), 4)
				for range 5 {
					due.Store(true) // from the next request on
					time.Sleep(5 * time.Minute)
					require.False(t, due.Load(), "each time it is denied")
				}
				require.Empty(t, r.arrived())
				require.NotContains(t, r.logs.String(), "is gone")
				require.Empty(t, told(r.logs.String(), ofTenant2))
				r.server.Put("tenant-2", "new.txt", []byte("n"))
				time.Sleep(3 * time.Minute)
				require.Equal(t, []string{"created new.txt"}, r.arrived())
			})
		})
	}
}

// literal reads one bucket of each project.
const literal = "source_path: docs/\n"

func TestProjectsThatLackANamedBucketAreNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOrgRig(t, 4, literal)
		all := r.org.Projects()
		all[1].RemoveBucket("docs")
		all[2].RemoveBucket("docs")
		report := r.run()
		require.NoError(t, report.Err)
		require.Len(t, report.Scopes, 2)
		require.Empty(t, told(r.logs.String(), "level=WARN"))
		r.arrived()

		r.fields = "source_path: \"{docs,typo}/\"\n"
		require.ErrorContains(t, r.run().Err, `none of the 4 projects that were looked at has the bucket "typo"`)
		r.arrived()
		all[0].RemoveBucket("docs")
		all[3].RemoveBucket("docs")
		r.fields = literal
		report = r.run()
		require.ErrorContains(t, report.Err, `source_path: none of the 4 projects that were looked at has the bucket "docs"`)
		require.ErrorContains(t, report.Err, "compare it with the names")
	})
}

func TestANamedBucketOfAProjectComesAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOrgRig(t, 3, literal+minutelyDeletes)
		second := r.org.Projects()[1]
		ref := second.Settings().ProjectRef
		second.RemoveBucket("docs")
		stop := r.live()
		defer func() { stop() }()
		time.Sleep(3 * time.Minute)
		require.Len(t, r.arrived(), 2)
		require.Len(t, told(r.logs.String(), "1 named buckets are not in their projects"), 1)
		require.Empty(t, told(r.logs.String(), ref))

		second.Put("docs", "0.txt", []byte("docs"))
		time.Sleep(3 * time.Minute)
		require.Equal(t, map[string]int{ref: 1}, r.arrived())
		second.RemoveBucket("docs")
		time.Sleep(5 * time.Minute)
		require.Equal(t, map[string]int{ref: 1}, r.arrived(), "a deletion")
		require.Len(t, told(r.logs.String(), "is gone: "), 1)
		stop()
		stop = r.live()
		time.Sleep(5 * time.Minute)
		require.Empty(t, r.arrived())
		require.Len(t, told(r.logs.String(), "level=WARN"), 0)
	})
}
