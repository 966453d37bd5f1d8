package input

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// What a bucket alone can do is done by each of several.

func TestObjectsOfSeveralBucketsAreDeletedAfterTheirDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "source_path: \"tenant-*/\"\ndelete_objects: true\nauto_replay_nacks: false\n")
		r.bucketsOf(3, "tenant-1", "tenant-2", "other")
		r.ack = func(batch service.MessageBatch) error {
			if meta(batch[0], emit.MetaBucket) == "tenant-2" && meta(batch[0], emit.MetaKey) == "a/001.txt" {
				return errors.New("refused")
			}
			return nil
		}
		report := r.run()
		require.ErrorContains(t, report.Err, `bucket "tenant-2": 1 object left`)
		left := map[string]int{}
		for _, bucket := range []string{"tenant-1", "tenant-2", "other"} {
			for _, key := range []string{"a/000.txt", "a/001.txt", "a/002.txt"} {
				if _, _, there := r.server.Get(bucket, key); there {
					left[bucket+"/"+key]++
				}
			}
		}
		require.Equal(t, map[string]int{"tenant-2/a/001.txt": 1, "other/a/000.txt": 1, "other/a/001.txt": 1, "other/a/002.txt": 1}, left)
	})
}

func TestObjectsOfSeveralBucketsAreMovedEachInItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "source_path: \"*/a/\"\nafter_delivery: move\nmove_to: done/\n")
		r.bucketsOf(2, "tenant-1", "tenant-2")
		require.NoError(t, r.run().Err)
		require.Len(t, r.messages, 4)
		for _, bucket := range []string{"tenant-1", "tenant-2"} {
			_, body, there := r.server.Get(bucket, "done/001.txt")
			require.True(t, there, bucket)
			require.Equal(t, bucket, string(body))
			_, _, there = r.server.Get(bucket, "a/001.txt")
			require.False(t, there, bucket)
		}
	})
}

func TestReferencesNameTheBucketOfSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "source_path: \"tenant-*/\"\nemit: reference\n")
		r.bucketsOf(2, "tenant-1", "tenant-2")
		require.NoError(t, r.run().Err)
		var named []string
		for _, msg := range r.messages {
			doc, err := msg.AsBytes()
			require.NoError(t, err)
			var reference struct{ Bucket, Key string }
			require.NoError(t, json.Unmarshal(doc, &reference))
			require.Equal(t, meta(msg, emit.MetaBucket), reference.Bucket)
			named = append(named, reference.Bucket+"/"+reference.Key)
		}
		slices.Sort(named)
		require.Equal(t, []string{"tenant-1/a/000.txt", "tenant-1/a/001.txt", "tenant-2/a/000.txt", "tenant-2/a/001.txt"}, named)
	})
}

func TestAScheduleIsThatOfAllBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "source_path: \"tenant-*/\"\nsync_mode: scheduled\nschedule: 0 3 * * *\n")
		r.bucketsOf(2, "tenant-1", "tenant-2")
		stop := r.live()
		time.Sleep(2*time.Hour + 59*time.Minute) // the bubble begins at midnight
		require.Empty(t, r.arrived(), "before its time")
		time.Sleep(2 * time.Minute)
		require.Len(t, r.arrived(), 4)
		r.bucketsOf(3, "tenant-3")
		r.server.Put("tenant-1", "late.txt", []byte("x"))
		time.Sleep(23 * time.Hour)
		require.Empty(t, r.arrived())
		time.Sleep(time.Hour)
		require.Len(t, r.arrived(), 4, "the new bucket, and the new object")
		stop()
	})
}

// manyDenied are buckets that may not be read, for the same reason, next to one that may.
func manyDenied(t *testing.T, mode string) (r *rig) {
	r = newRig(t, "source_path: \"*/\"\n"+mode)
	for i := range 30 {
		r.bucketsOf(1, "denied-"+strings.Repeat("x", i))
	}
	r.bucketsOf(1, "fine")
	r.deny("denied-")
	return r
}

func TestBucketsThatFailForTheSameReasonFillNoLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := manyDenied(t, "sync_mode: continuous\npolling_interval: 1m\n")
		stop := r.live()
		time.Sleep(time.Hour)
		require.Len(t, told(r.logs.String(), "can't be read, and is tried again"), alikeTold)
		require.Len(t, told(r.logs.String(), "More buckets can't be read for the same reason"), 1)
		r.server.SetFaults(nil)
		time.Sleep(10 * time.Minute)
		require.Len(t, r.arrived(), 31, "docs is empty")
		require.Len(t, told(r.logs.String(), "can be read again"), alikeTold)
		r.deny("denied-")
		time.Sleep(10 * time.Minute)
		require.Len(t, told(r.logs.String(), "can't be read, and is tried again"), 2*alikeTold, "what begins anew is told anew")
		stop()
	})
}

func TestAtItsEndARunTellsEachReasonOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := manyDenied(t, "")
		report := r.run()
		require.ErrorContains(t, report.Err, "30 buckets (")
		require.Len(t, report.Scopes, 32)
		ends := told(r.logs.String(), "level=ERROR")
		require.Len(t, ends, 2, "%s", ends)
		require.Contains(t, ends[0], "and 25 more): ")
		require.Contains(t, ends[1], "The run is not complete: 30 buckets could not be read to the end")
		require.NotContains(t, r.logs.String(), "is tried again", "a one-time run tries no bucket again")
		require.Contains(t, r.logs.String(), "32 buckets, 30 failing, ")
	})
}

// deny refuses all requests for buckets with such a name.
func (r *rig) deny(prefix string) {
	r.server.SetFaults(func(q emulator.Request) emulator.Fault {
		if strings.HasPrefix(q.Bucket, prefix) {
			return emulator.Fault{Status: http.StatusForbidden, Code: "AccessDenied", Message: "Access denied"}
		}
		return emulator.Fault{}
	})
}

func TestTheMetricsOfSeveralBucketsHaveTheirLabels(t *testing.T) {
	for fields, labelled := range map[string]bool{
		"projects: {organization: acme}\n":                      false,
		"projects: {organization: acme, label_metrics: true}\n": true,
	} {
		res, kept := keptMetrics(t)
		synctest.Test(t, func(t *testing.T) {
			r := newOrgRig(t, 3, fields)
			r.res = res
			require.NoError(t, r.run().Err)
			kept.mu.Lock()
			defer kept.mu.Unlock()

			delivered, tracked := map[string]int64{}, 0
			for series, n := range kept.values {
				if labels, of := strings.CutPrefix(series, "supabase_storage_delivered"); of {
					delivered[strings.TrimSpace(labels)] = n
				}
				if strings.HasPrefix(series, "supabase_storage_tracked") {
					tracked++
				}
			}
			want := map[string]int64{}
			for _, bucket := range []string{"avatars", "docs", "images"} {
				if !labelled {
					want[bucket] = 12 // of three projects
					continue
				}
				for _, p := range r.org.Projects() {
					want[bucket+" "+p.Settings().ProjectRef] = 4
				}
			}
			require.Equal(t, want, delivered)
			require.Equal(t, len(want), tracked, "a gauge has the same series, each once")
			require.Contains(t, kept.values, "supabase_storage_scopes failing")
			require.EqualValues(t, 0, kept.values["supabase_storage_scopes failing"])
			require.Contains(t, kept.values, "supabase_storage_projects failing")
			require.Contains(t, kept.values, "supabase_storage_in_flight")
			require.NotContains(t, kept.values, "supabase_storage_in_flight docs", "what belongs to the input has no label")
		})
	}
}

func TestBucketsAndProjectsAreCountedApart(t *testing.T) {
	res, kept := keptMetrics(t)
	synctest.Test(t, func(t *testing.T) {
		r := newOrgRig(t, 6, "sync_mode: continuous\npolling_interval: 1m\nauto_replay_nacks: false\n")
		r.res = res
		all := r.org.Projects()
		all[0].SetStatus(emulator.StatusInactive)
		all[1].RevokeKeys()
		all[2].SetFaults(emulator.FaultRules(emulator.DenyBucket("docs")))
		for _, bucket := range []string{"avatars", "docs", "images"} {
			all[3].RemoveBucket(bucket) // an empty project fails at nothing
		}
		stop := r.live()
		defer stop()
		time.Sleep(10 * time.Minute)
		now := r.input.(*several).progress()
		require.Equal(t, "9 buckets, 1 failing; 2 projects can't be read", now.Scopes.String())
		kept.mu.Lock()
		defer kept.mu.Unlock()
		require.EqualValues(t, 1, kept.values["supabase_storage_scopes failing"])
		require.EqualValues(t, 8, kept.values["supabase_storage_scopes waiting"])
		require.EqualValues(t, 2, kept.values["supabase_storage_projects failing"])
		require.Contains(t, kept.values, "supabase_storage_projects waiting")
		require.EqualValues(t, 0, kept.values["supabase_storage_projects waiting"])
	})
}
