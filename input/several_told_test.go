package input

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// told are the lines at INFO and above that contain a text.
func told(logs, text string) (lines []string) {
	for line := range strings.Lines(logs) {
		if strings.Contains(line, text) && !strings.Contains(line, "level=DEBUG") {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestAProjectThatFailsInMidRunIsToldOfOnceForAllItsBuckets(t *testing.T) {
	for name, fault := range map[string]func(*emulator.Server){
		"500":     func(s *emulator.Server) { s.SetFaults(emulator.FaultRules(emulator.FailEverything(500))) },
		"540":     func(s *emulator.Server) { s.SetStatus(emulator.StatusInactive) },
		"revoked": func(s *emulator.Server) { s.RevokeKeys() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newOrgRig(t, 3, "sync_mode: continuous\npolling_interval: 1m\nstate: {cache: shared}\n")
				stop := r.live()
				time.Sleep(90 * time.Second)
				s := r.org.Projects()[1]
				ref := s.Settings().ProjectRef
				require.Empty(t, told(r.logs.String(), ref))
				fault(s)
				time.Sleep(3 * time.Hour)
				require.Len(t, told(r.logs.String(), ref), 1)
				s.SetStatus(emulator.StatusActiveHealthy)
				s.SetFaults(nil)
				if name == "revoked" {
					s.IssueKeys()
				}
				time.Sleep(time.Hour)
				require.Len(t, told(r.logs.String(), ref), 2)
				s.Put("docs", "new.txt", []byte("new"))
				r.arrived()
				time.Sleep(3 * time.Minute)
				require.Equal(t, map[string]int{ref: 1}, r.arrived())
				stop()
			})
		})
	}
}

func TestARoleThatMayNotListBucketsIsToldWhatToWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		s := r.server.Settings()
		r.fields = fmt.Sprintf("source_path: \"*/\"\ncredentials: {type: session_token, anon_key: %s, user_token: %s}\n", s.AnonKey, r.server.UserToken("ada", 100*time.Hour))
		r.bucketsOf(1, "one")
		report := r.run()
		require.ErrorContains(t, report.Err, "source_path")
		require.ErrorContains(t, report.Err, "storage.buckets")
		t.Log(report.Err)
	})
}

func TestABucketIsGoneOverTheRESTAPIToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fields = fmt.Sprintf("source_path: \"*/\"\ncredentials: {type: secret_key, secret_key: %s}\n", r.server.Settings().SecretKey) +
			"sync_mode: continuous\npolling_interval: 1m\nstate: {cache: shared}\nemit_deletes: true\nmax_delete_ratio: 1\n"
		r.bucketsOf(2, "one", "two")
		stop := r.live()
		time.Sleep(10 * time.Second)
		require.Len(t, r.arrived(), 4)
		r.server.RemoveBucket("two")
		time.Sleep(3 * time.Minute)
		require.Len(t, r.arrived(), 2)
		require.Len(t, told(r.logs.String(), "is gone"), 1)
		stop()
	})
}

func TestABucketThatGoesBetweenTwoLooksIsToldOfOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "source_path: \"*/\"\nsync_mode: continuous\npolling_interval: 1m\nstate: {cache: shared}\n")
		var names []string
		for n := range 12 {
			names = append(names, fmt.Sprintf("bucket-%02d", n))
		}
		r.bucketsOf(1, names...)
		stop := r.live()
		for n, name := range names[:10] { // while passes and looks drift apart
			time.Sleep(3*time.Minute + time.Duration(n)*6*time.Second)
			r.server.RemoveBucket(name)
		}
		time.Sleep(10 * time.Minute)
		for _, name := range names[:10] {
			require.Len(t, told(r.logs.String(), name), 1, name)
		}
		stop()
	})
}

func TestABucketThatIsListedAndMissingIsToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "source_path: \"*/\"\nsync_mode: continuous\npolling_interval: 1m\nstate: {cache: shared}\n")
		r.bucketsOf(1, "one", "two")
		stop := r.live()
		time.Sleep(90 * time.Second)
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Bucket == "two" {
				return emulator.Fault{Status: 404, Code: "NoSuchBucket", Message: "Bucket not found"}
			}
			return emulator.Fault{}
		})
		time.Sleep(time.Hour)
		require.Len(t, told(r.logs.String(), "can't be read"), 1)
		r.server.SetFaults(nil)
		time.Sleep(2 * time.Hour)
		require.Len(t, told(r.logs.String(), "can be read again"), 1)
		stop()
	})
}

func TestARunThatHasDeliveredEverythingLogsNothingMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newOrgRig(t, 2, "sync_mode: continuous\npolling_interval: 1m\n")
		stop := r.live()
		time.Sleep(45 * time.Second)
		before := strings.Count(r.logs.String(), "level=INFO")
		require.Positive(t, strings.Count(r.logs.String(), "24 delivered"))
		time.Sleep(10 * time.Minute)
		require.Equal(t, before, strings.Count(r.logs.String(), "level=INFO"))
		stop()
	})
}

// Where passes are rare, no outage is counted: each bucket fails by itself.
func TestAProjectThatFailsBetweenRarePassesIsToldOfOnceForAllItsBuckets(t *testing.T) {
	for _, status := range []int{402, 500, 503, 521, 540, 544} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newOrgRig(t, 2, "sync_mode: continuous\npolling_interval: 4h\nstate: {cache: shared}\nretry: {max_attempts: 3}\n")
				stop := r.live()
				defer stop()
				time.Sleep(time.Hour)
				s := r.org.Projects()[1]
				ref := s.Settings().ProjectRef
				before := len(told(r.logs.String(), ref))
				s.SetFaults(emulator.FaultRules(emulator.FailEverything(status)))
				time.Sleep(48 * time.Hour)
				require.Len(t, told(r.logs.String(), ref)[before:], 1)
				s.SetFaults(nil)
				time.Sleep(12 * time.Hour)
				require.Len(t, told(r.logs.String(), ref)[before:], 2)
			})
		})
	}
}

// What is wrong with one bucket is told of the bucket, whatever its status.
func TestABucketThatFailsByItselfIsToldOfByItself(t *testing.T) {
	for _, status := range []int{403, 500, 544} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newOrgRig(t, 2, "sync_mode: continuous\npolling_interval: 4h\nstate: {cache: shared}\nretry: {max_attempts: 3}\n")
				stop := r.live()
				defer stop()
				time.Sleep(time.Hour)
				s := r.org.Projects()[1]
				s.SetFaults(emulator.FaultRules(emulator.FaultRule{
					Match: func(q emulator.Request) bool { return q.Bucket == "docs" }, Fault: emulator.Fault{Status: status},
				}))
				time.Sleep(48 * time.Hour)
				require.Len(t, told(r.logs.String(), `Bucket \"docs\" of project \"project-2\"`), 1)
				s.SetFaults(nil)
				time.Sleep(12 * time.Hour)
				require.Len(t, told(r.logs.String(), `Bucket \"docs\" of project \"project-2\"`), 2)
				require.Empty(t, told(r.logs.String(), "aiting for project"))
			})
		})
	}
}
