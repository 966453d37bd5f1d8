package input

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

func TestAMissingBucketNamesTheOneThatWasMeant(t *testing.T) {
	there := []string{"docs", "User-Uploads", "avatars", "user-upload", "a", "été"}
	for name, want := range map[string]string{
		"user-uploads": "User-Uploads", // case alone is nearer than a letter
		"USER-UPLOAD":  "user-upload",
		"doc":          "docs",
		"docss":        "docs",
		"dics":         "docs",
		"odcs":         "docs",
		"avatar_":      "avatars",
		"Été":          "été",
		"ete":          "", // two letters
		"dosc1":        "",
		"photos":       "",
		"b":            "", // a letter of one is nothing in common
	} {
		require.Equal(t, want, nearest(name, there), name)
	}
}

func TestTheCheckAndTheRunAskWhetherANearBucketWasMeant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "source_path: Docs/x/\n")
		r.server.Put("docs", "x/a.txt", []byte("x"))
		problem := r.check(CheckOptions{}).step(t, CheckStepBucket).Problems[0]
		require.Equal(t, "source_path", problem.Field)
		require.Equal(t, `the bucket "Docs" does not exist in this project`, problem.Problem)
		require.Equal(t, `did you mean "docs"? If not, compare it with the names in the Dashboard under Storage, letter for letter`, problem.Remedy)
	})
	synctest.Test(t, func(t *testing.T) {
		// A server that does not name its buckets costs a run the hint, and no more.
		r := newRig(t, "source_path: doc\n")
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpListBuckets {
				return emulator.Fault{Status: 500}
			}
			return emulator.Fault{}
		})
		problem := r.check(CheckOptions{}).step(t, CheckStepBucket).Problems[0]
		require.Contains(t, problem.Problem, `the bucket "doc" does not exist`)
		require.NotContains(t, problem.Remedy, "did you mean")
	})
}

func TestTheCheckSaysThatObjectsWillBeDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for fields, want := range map[string]bool{"delete_objects: true\n": true, "": false} {
			r := newRig(t, fields)
			r.server.Put("docs", "a.txt", []byte("x"))
			report := r.check(CheckOptions{})
			require.True(t, report.OK)
			require.Equal(t, want, report.Sample.Deletes)
			require.Equal(t, want, strings.HasSuffix(report.step(t, CheckStepConfig).Found, ", objects will be deleted after delivery (delete_objects)"))
		}
	})
}
