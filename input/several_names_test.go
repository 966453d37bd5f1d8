package input

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// A row that somebody wrote into storage.buckets has any name. The server lists it, and
// refuses every request for it.
func TestABucketThatNoRequestCanNameIsToldAndLeavesTheRunIncomplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, tenants)
		r.bucketsOf(2, "tenant-1", "tenant-a/b")
		check := r.check(CheckOptions{})
		require.False(t, check.OK)
		require.Equal(t, CheckFailed, scopeOf(t, check, "", "tenant-a/b").Status)
		require.Equal(t, CheckOK, scopeOf(t, check, "", "tenant-1").Status)

		report := r.run()
		require.EqualValues(t, 2, report.Delivered)
		require.ErrorContains(t, report.Err, `bucket "tenant-a/b": the server refuses buckets of such a name`)

		r.fields += minutelyDeletes
		stop := r.live()
		time.Sleep(5 * time.Minute)
		stop()
		require.Len(t, r.logs.linesWith("level=WARN", "tenant-a/b"), 2, "once a run")
	})
}

func TestBucketsThatAreCalledAsFoldersAreReadLikeOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, `source_path: "*/"`)
		r.bucketsOf(1, ".", "..")
		require.NoError(t, r.run().Err)
		paths := map[string]string{}
		for _, msg := range r.messages {
			paths[meta(msg, emit.MetaBucket)] = meta(msg, emit.MetaSafePath)
		}
		require.Equal(t, map[string]string{".": "%2E/a/000.txt", "..": "%2E%2E/a/000.txt"}, paths)
	})
}

func TestABucketThatIsDeletedDuringAOneTimeRunIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, tenants)
		r.bucketsOf(2, "tenant-1", "tenant-2")
		var once sync.Once
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Bucket != "tenant-2" {
				return emulator.Fault{}
			}
			return emulator.Fault{Before: func() { once.Do(func() { r.server.RemoveBucket("tenant-2") }) }}
		})
		report := r.run()
		require.NoError(t, report.Err)
		require.EqualValues(t, 2, report.Delivered)
		require.Empty(t, r.logs.linesWith("level=WARN", ""))
		require.Len(t, r.logs.linesWith("level=INFO", `tenant-2\" is gone: it was deleted since the run began`), 1)
	})
}

// A list that goes on to show a bucket is no witness that it was deleted.
func TestABucketThatIsListedAndDeniedLeavesTheRunIncomplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, tenants)
		r.bucketsOf(2, "tenant-1", "tenant-2")
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Bucket == "tenant-2" {
				return emulator.Fault{Status: 404, Code: "NoSuchBucket", Message: "The specified bucket does not exist"}
			}
			return emulator.Fault{}
		})
		require.ErrorContains(t, r.run().Err, "tenant-2")
	})
}

func TestADeletedBucketIsNotSaidToFailOrToBeReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, tenants+minutelyDeletes)
		r.bucketsOf(2, "tenant-1", "tenant-2", "tenant-3")
		stop := r.live()
		for _, name := range []string{"tenant-2", "tenant-3"} {
			time.Sleep(2*time.Minute + 59*time.Second)
			r.server.RemoveBucket(name)
		}
		time.Sleep(5 * time.Minute)
		stop()
		require.Len(t, told(r.logs.String(), "is gone: "), 2)
		require.Empty(t, told(r.logs.String(), "can be read again"))
		require.Empty(t, r.logs.linesWith("level=WARN", "does not exist"))
	})
}

func TestWhatTheServerNeverSendsIsToldOnceForAllBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.server = emulator.New(emulator.Options{Gateway: emulator.GatewayKong})
		r.fields = fmt.Sprintf("%scredentials: {type: secret_key, secret_key: %s}\n", tenants, r.server.Settings().SecretKey)
		r.bucketsOf(2, "tenant-1", "tenant-2", "tenant-3")
		require.NoError(t, r.run().Err)
		require.Len(t, r.logs.linesWith("level=INFO", "the server sends no metadata of objects"), 1)
	})
}

func TestARunThatFindsNothingInAnyBucketSaysWhatToLookAt(t *testing.T) {
	for name, tc := range map[string]struct {
		fields string
		want   []string
	}{
		"another prefix":   {"source_path: \"tenant-*/A/\"\n", []string{`Nothing was listed in any of 2 buckets below \"A/\"`, "literal, case-sensitive"}},
		"filtered":         {tenants + "include_patterns: [\"*.TXT\"]\n", []string{"All 4 objects listed in", "(include: 4)", "check shows"}},
		"nothing but rows": {tenants + "credentials: {type: session_token, anon_key: ANON, user_token: USER}\n", []string{"Nothing was listed in any of 2 buckets. Row level security may hide their objects"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "")
				r.bucketsOf(2, "tenant-1", "tenant-2")
				for _, name := range []string{"tenant-1", "tenant-2"} {
					r.server.AllowBucket(name, func(map[string]any) bool { return true })
				}
				keys := strings.NewReplacer("ANON", r.server.Settings().AnonKey, "USER", r.server.UserToken("ada", time.Hour))
				r.fields = keys.Replace(tc.fields)
				require.NoError(t, r.run().Err)
				require.Len(t, r.logs.linesWith(append([]string{"level=WARN"}, tc.want...)...), 1, r.logs.String())
			})
		})
	}
}
