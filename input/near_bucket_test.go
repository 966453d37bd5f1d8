package input

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

func TestTheCheckAndTheRunAskWhetherANearBucketWasMeant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "source_path: Docs/x/\n")
		r.server.Put("docs", "x/a.txt", []byte("x"))
		problem := stepOf(t, r.check(CheckOptions{}), CheckStepBucket).Problems[0]
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
		problem := stepOf(t, r.check(CheckOptions{}), CheckStepBucket).Problems[0]
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
			require.Equal(t, want, strings.HasSuffix(stepOf(t, report, CheckStepConfig).Found, ", objects will be deleted after delivery (delete_objects)"))
		}
	})
}
