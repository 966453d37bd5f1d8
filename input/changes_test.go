package input

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// often polls every ten seconds, and lists everything each hour; jitter adds up
// to a second.
const often = "sync_mode: continuous\npolling_interval: 10s\nfull_sweep_interval: 1h\n"

// aPoll is longer than the pause between two polls.
const aPoll = 12 * time.Second

// newChangesRig reads with the service_role key, so that changes can be asked
// for.
func newChangesRig(t testing.TB, fields string) *rig {
	t.Helper()
	r := newRig(t, "")
	s := r.server.Settings()
	r.asks = true
	r.fields = often + fields + "credentials: {type: session_token, anon_key: " + s.AnonKey + ", service_role_key: " + s.ServiceRoleKey + "}\n"
	return r
}

// fullPages counts the pages that a listing asked for, in contrast to requests for
// one key.
func (r *rig) fullPages() (n int) {
	for _, q := range r.server.Log() {
		if q.Op == emulator.OpList && q.Query.Get("max-keys") == "1000" {
			n++
		}
	}
	return n
}

// awaitPass returns within a second of the beginning of a pass that lists everything.
func (r *rig) awaitPass() {
	for pages := r.fullPages(); r.fullPages() == pages; {
		time.Sleep(time.Second)
	}
}

func (r *rig) put(key, body string, opts ...emulator.PutOption) {
	r.server.Put("docs", key, []byte(body), opts...)
}

func TestBetweenFullListingsOnlyWhatChangedIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newChangesRig(t, "exclude_patterns: ['*.tmp']\nemit_deletes: true\n")
		for i := range 2500 {
			r.put(fmt.Sprintf("%04d", i), "1")
		}
		stop := r.live()
		defer stop()
		time.Sleep(5 * time.Minute)
		require.Len(t, r.arrived(), 2500)
		lists, asked := r.server.Count(emulator.OpList), r.server.Count(emulator.OpListV2)

		time.Sleep(10 * time.Minute)
		require.Equal(t, lists, r.server.Count(emulator.OpList))
		polls := r.server.Count(emulator.OpListV2) - asked
		require.InDelta(t, 57, polls, 4, "a poll at rest is one request")
		require.Empty(t, r.arrived())

		r.put("0007", "2")
		r.put("new", "1")
		r.put("new.tmp", "1")
		r.server.Delete("docs", "0008")
		time.Sleep(aPoll)
		require.Equal(t, []string{"created new", "updated 0007"}, r.arrived())
		require.Equal(t, lists, r.server.Count(emulator.OpList))

		time.Sleep(time.Hour)
		require.Equal(t, []string{"deleted 0008"}, r.arrived(), "what is gone is for a full listing to tell")
		require.Greater(t, r.server.Count(emulator.OpList), lists)
		require.NotContains(t, r.logs.String(), "Every pass lists all")
	})
}

func TestChangesThatShareMillisecondsAllArriveWithOnePoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newChangesRig(t, "")
		for i := range 3500 {
			r.put(fmt.Sprintf("%05d", i), "1", emulator.WithLastModified(time.Now().Add(-time.Hour)))
		}
		stop := r.live()
		defer stop()
		time.Sleep(5 * time.Minute)
		require.Len(t, r.arrived(), 3500)
		lists := r.server.Count(emulator.OpList)
		now := time.Now()
		for i := range 3000 { // fifty to a millisecond, the keys against the times
			at := now.Add(time.Duration(i/50)*time.Millisecond + time.Duration(i*37%50*20)*time.Microsecond)
			r.put(fmt.Sprintf("%05d", 3499-i), "2", emulator.WithLastModified(at))
		}
		time.Sleep(aPoll)
		require.Len(t, r.arrived(), 3000)
		require.Equal(t, lists, r.server.Count(emulator.OpList))
	})
}

func TestAPollAtRestWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "s.db")
		r := newChangesRig(t, fmt.Sprintf("state: {path: %q}\n", path))
		for i := range 2500 {
			r.put(fmt.Sprint(i), "1")
		}
		stop := r.live()
		defer stop()
		time.Sleep(time.Minute)
		before, err := os.ReadFile(path)
		require.NoError(t, err)
		lines := r.logs.String()
		time.Sleep(30 * time.Minute)
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, sha256.Sum256(before), sha256.Sum256(after), "the file is the same to the byte")
		require.Equal(t, lines, r.logs.String(), "nor is there anything to tell")
	})
}

func TestARowThatIsVisibleLateIsFound(t *testing.T) {
	for late, within := range map[time.Duration]time.Duration{
		time.Minute:      aPoll,
		10 * time.Minute: time.Hour,
	} {
		t.Run(late.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newChangesRig(t, "")
				r.put("first", "1")
				stop := r.live()
				defer stop()
				time.Sleep(15 * time.Minute)
				r.put("newer", "1")
				time.Sleep(aPoll)
				r.arrived()
				r.put("late", "1", emulator.WithLastModified(time.Now().Add(-late)))
				time.Sleep(aPoll)
				arrived := r.arrived()
				if within > aPoll {
					require.Empty(t, arrived)
					time.Sleep(within)
					arrived = r.arrived()
				}
				require.Equal(t, []string{"created late"}, arrived)
			})
		})
	}
}

func TestWhatChangesDuringAFullListingIsForThePollAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newChangesRig(t, "concurrency: {max_listers: 1}\n")
		for i := range 2500 {
			r.put(fmt.Sprintf("k%04d", i), "1", emulator.WithLastModified(time.Now().Add(-time.Hour)))
		}
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpList && q.N > 1 {
				return emulator.Fault{Delay: 10 * time.Minute}
			}
			return emulator.Fault{}
		})
		r.fields += "timeouts: {response: 20m}\n"
		stop := r.live()
		defer stop()
		time.Sleep(15 * time.Minute) // behind the first page
		r.put("a", "1")
		time.Sleep(20 * time.Minute)
		arrived := r.arrived()
		require.Len(t, arrived, 2501)
		require.Equal(t, "created a", arrived[0])
		require.Equal(t, 1+3, r.server.Count(emulator.OpList))
	})
}

func TestAServerWithAnotherClockCanBeAskedForChanges(t *testing.T) {
	for _, skew := range []time.Duration{-time.Hour, time.Hour} {
		t.Run(skew.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newChangesRig(t, "")
				r.server = emulator.New(emulator.Options{Clock: func() time.Time { return time.Now().Add(skew) }})
				r.put("a", "1")
				stop := r.live()
				defer stop()
				time.Sleep(10 * time.Minute)
				lists := r.server.Count(emulator.OpList)
				for i := range 5 {
					r.arrived()
					r.put("a", fmt.Sprint("again ", i))
					r.put(fmt.Sprint("b", i), "1")
					time.Sleep(aPoll)
					require.Equal(t, []string{fmt.Sprint("created b", i), "updated a"}, r.arrived())
				}
				require.Equal(t, lists, r.server.Count(emulator.OpList))
			})
		})
	}
}

func TestARestartBeginsWithAFullListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newChangesRig(t, withState(t)+"emit_deletes: true\n")
		for _, key := range []string{"a", "b", "c"} {
			r.put(key, "1")
		}
		stop := r.live()
		time.Sleep(time.Minute)
		stop()
		require.Len(t, r.arrived(), 3)
		r.put("late", "1", emulator.WithLastModified(time.Now().Add(-24*time.Hour)))
		r.put("b", "2")
		r.server.Delete("docs", "c")
		stop = r.live()
		defer stop()
		time.Sleep(time.Second)
		require.Equal(t, []string{"created late", "deleted c", "updated b"}, r.arrived())
	})
}

func TestAParkedObjectIsTriedAgainByPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newChangesRig(t, withState(t)+"retry: {max_attempts: 2}\n")
		began := time.Now()
		var mu sync.Mutex
		var tried []time.Duration
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op != emulator.OpGet || q.Key != "bad" {
				return emulator.Fault{}
			}
			mu.Lock()
			defer mu.Unlock()
			if len(tried) == 0 || time.Since(began)-tried[len(tried)-1] > 5*time.Second {
				tried = append(tried, time.Since(began))
			}
			if time.Since(began) < 12*time.Minute {
				return emulator.Fault{Status: 500}
			}
			return emulator.Fault{}
		})
		r.put("bad", "1", emulator.WithLastModified(began.Add(-time.Hour)))
		r.put("good", "1")
		stop := r.live()
		time.Sleep(5 * time.Minute)
		stop() // what waits is known after a restart
		stop = r.live()
		defer stop()
		lists := r.server.Count(emulator.OpList)
		time.Sleep(25 * time.Minute)
		require.Equal(t, []string{"created bad", "created good"}, r.arrived())
		require.LessOrEqual(t, r.server.Count(emulator.OpList)-lists, 2, "without a full listing")
		mu.Lock()
		defer mu.Unlock()
		require.Len(t, tried, 5, "%v", tried)
		for i, minutes := range []float64{1, 2, 4, 8} { // as without polls for changes
			require.InDelta(t, 60*minutes, (tried[i+1] - tried[i]).Seconds(), 15)
		}
	})
}

func TestAParkedObjectHoldsUpNoPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newChangesRig(t, withState(t))
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpGet && q.Key == "bad" {
				return emulator.Fault{Status: 500}
			}
			return emulator.Fault{}
		})
		for i := range 2500 {
			r.put(fmt.Sprintf("%04d", i), "1")
		}
		r.put("bad", "1")
		stop := r.live()
		time.Sleep(5 * time.Minute)
		require.Len(t, r.arrived(), 2500)
		lists := r.fullPages()
		for i := range 150 { // in which it is tried again and again
			r.put(fmt.Sprintf("new %03d", i), "1")
			time.Sleep(aPoll + 2*time.Second)
			require.Equal(t, []string{fmt.Sprintf("created new %03d", i)}, r.arrived(), "after %d", i)
		}
		require.Equal(t, lists, r.fullPages(), "except for probes")
		stop()
		time.Sleep(time.Hour)
		stop = r.live() // with a full listing, for which it is due
		defer stop()
		time.Sleep(2 * time.Second)
		r.put("newer", "1")
		time.Sleep(aPoll + 2*time.Second)
		require.Equal(t, []string{"created newer"}, r.arrived())
		time.Sleep(5 * time.Minute)
		require.Equal(t, 2, strings.Count(r.logs.String(), "is parked"), "once in each process")
		require.Greater(t, strings.Count(r.logs.String(), "is still parked"), 1, "which is for debugging alone")
	})
}

func TestWhatMinAgeHoldsBackArrivesWhenItIsOldEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newChangesRig(t, "min_age: 20m\n")
		r.put("a", "1")
		stop := r.live()
		defer stop()
		time.Sleep(10 * time.Minute)
		lists := r.server.Count(emulator.OpList)
		r.put("b", "1")
		r.put("c", "1")
		time.Sleep(10*time.Minute + aPoll)
		require.Equal(t, []string{"created a"}, r.arrived())
		r.put("c", "2")
		time.Sleep(10 * time.Minute)
		require.Equal(t, []string{"created b"}, r.arrived())
		time.Sleep(10*time.Minute + aPoll)
		require.Equal(t, []string{"created c"}, r.arrived())
		require.Equal(t, lists, r.server.Count(emulator.OpList))
	})
}

func TestAnOverwriteOfWhatIsOnItsWayIsDeliveredAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newChangesRig(t, "")
		r.put("a", "1")
		r.ack = func(batch service.MessageBatch) error {
			if meta(batch[0], emit.MetaEvent) == "created" {
				time.Sleep(30 * time.Minute)
			}
			return nil
		}
		stop := r.live()
		defer stop()
		time.Sleep(5 * time.Minute)
		require.Equal(t, []string{"created a"}, r.arrived())
		r.put("a", "2")
		time.Sleep(20 * time.Minute)
		require.Empty(t, r.arrived())
		lists := r.server.Count(emulator.OpList)
		time.Sleep(6 * time.Minute)
		require.Equal(t, []string{"updated a"}, r.arrived())
		require.Equal(t, lists, r.server.Count(emulator.OpList))
	})
}

func TestARefusedObjectComesAgainWithPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newChangesRig(t, "auto_replay_nacks: false\n")
		r.put("a", "1")
		var refusals atomic.Int64
		r.ack = func(service.MessageBatch) error {
			if refusals.Add(1) <= 2 {
				time.Sleep(10 * time.Minute) // long after its pass
				return errRefused
			}
			return nil
		}
		stop := r.live()
		defer stop()
		time.Sleep(30 * time.Minute)
		require.Len(t, r.arrived(), 3)
		require.Equal(t, 1+1, r.server.Count(emulator.OpList))
	})
}

func TestAServerThatCannotBeAskedIsNotAskedForADay(t *testing.T) {
	for name, f := range map[string]emulator.Fault{
		"no such route":       {Status: 404, Code: "NotFound", Message: "Route not found"},
		"feature not enabled": {Status: 403, Code: "FeatureNotEnabled"},
		"denied":              {Status: 403, Code: "AccessDenied", Message: "new row violates row-level security policy"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newChangesRig(t, "retry: {max_attempts: 2, max_interval: 1s}\n")
				r.put("a", "1")
				var lacks atomic.Bool
				lacks.Store(true)
				r.server.SetFaults(func(q emulator.Request) emulator.Fault {
					if q.Op == emulator.OpListV2 && lacks.Load() {
						return f
					}
					return emulator.Fault{}
				})
				stop := r.live()
				defer stop()
				time.Sleep(10 * time.Minute)
				require.Equal(t, 1, strings.Count(r.logs.String(), "Every pass lists all of bucket"))
				asked := r.server.Count(emulator.OpListV2)
				for i := range 10 {
					r.arrived()
					r.put("a", fmt.Sprint("again ", i))
					time.Sleep(aPoll)
					require.Equal(t, []string{"updated a"}, r.arrived(), "each pass finds what changed")
				}
				lacks.Store(false)
				time.Sleep(23 * time.Hour)
				require.Equal(t, asked, r.server.Count(emulator.OpListV2))
				time.Sleep(time.Hour)
				lists := r.server.Count(emulator.OpList)
				time.Sleep(10 * time.Minute)
				require.Greater(t, r.server.Count(emulator.OpListV2), asked)
				require.Equal(t, lists, r.server.Count(emulator.OpList), "it can be asked by now")
				require.Equal(t, 1, strings.Count(r.logs.String(), "Every pass lists all of bucket"))
			})
		})
	}
}

func TestAServerThatKeepsFailingIsAskedLessAndLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newChangesRig(t, "retry: {max_attempts: 2, max_interval: 1s}\n")
		r.put("a", "1")
		var fails atomic.Bool
		fails.Store(true)
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpListV2 && fails.Load() {
				return emulator.Fault{Status: 544}
			}
			return emulator.Fault{}
		})
		stop := r.live()
		defer stop()
		time.Sleep(20 * time.Hour)
		require.Less(t, r.server.Count(emulator.OpListV2), 30)
		require.Equal(t, 1, strings.Count(r.logs.String(), "Every pass lists all of bucket"))
		for i := range 10 {
			r.arrived()
			r.put("a", fmt.Sprint("again ", i))
			time.Sleep(aPoll)
			require.Equal(t, []string{"updated a"}, r.arrived(), "each pass finds what changed")
		}
		fails.Store(false)
		time.Sleep(24 * time.Hour)
		lists := r.server.Count(emulator.OpList)
		time.Sleep(30 * time.Minute)
		require.LessOrEqual(t, r.server.Count(emulator.OpList)-lists, 1)
	})
}

func TestAFailedPollIsMadeUpForByAFullListingAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newChangesRig(t, "retry: {max_attempts: 2, max_interval: 1s}\n")
		r.put("a", "1")
		var down atomic.Bool
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpListV2 && down.Load() {
				return emulator.Fault{Status: 429}
			}
			return emulator.Fault{}
		})
		stop := r.live()
		defer stop()
		time.Sleep(10 * time.Minute)
		lists := r.server.Count(emulator.OpList)
		down.Store(true)
		r.put("b", "1")
		time.Sleep(aPoll + 2*time.Second)
		down.Store(false)
		require.Equal(t, []string{"created a", "created b"}, r.arrived())
		require.InDelta(t, lists+1, r.server.Count(emulator.OpList), 1)
		time.Sleep(2 * time.Minute)
		lists = r.server.Count(emulator.OpList)
		time.Sleep(10 * time.Minute)
		require.Equal(t, lists, r.server.Count(emulator.OpList))
		require.NotContains(t, r.logs.String(), "Every pass lists all")
	})
}

func TestAChangeOfEveryRowIsLeftToAFullListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newChangesRig(t, "")
		for i := range 5000 {
			r.put(fmt.Sprintf("%04d", i), "1", emulator.WithLastModified(time.Now().Add(-time.Hour)))
		}
		stop := r.live()
		defer stop()
		time.Sleep(10 * time.Minute)
		require.Len(t, r.arrived(), 5000)
		r.server.Touch("docs")
		for i := range 5000 { // a time of its own for each
			r.put(fmt.Sprintf("%04d", i), "1", emulator.WithLastModified(time.Now().Add(time.Duration(i)*time.Microsecond)))
		}
		r.put("new", "1")
		time.Sleep(5 * time.Minute)
		require.Equal(t, []string{"created new"}, r.arrived())
		lists, asked := r.server.Count(emulator.OpList), r.server.Count(emulator.OpListV2)
		time.Sleep(10 * time.Minute)
		require.Equal(t, lists, r.server.Count(emulator.OpList))
		require.Less(t, r.server.Count(emulator.OpListV2)-asked, 65, "and soon a poll is one request again")
		require.NotContains(t, r.logs.String(), "Every pass lists all")
	})
}

func TestABucketOfOnePageIsAlwaysListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newChangesRig(t, "emit_deletes: true\nretry: {max_attempts: 1}\n")
		r.asks = false
		for i := range 1000 {
			r.put(fmt.Sprintf("%04d", i), "1")
		}
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpGet && q.Key == "0666" && q.N < 1010 {
				return emulator.Fault{Status: 500}
			}
			return emulator.Fault{}
		})
		stop := r.live()
		defer stop()
		time.Sleep(time.Minute)
		r.arrived()
		r.awaitPass() // so that the next aPoll has one pass
		r.server.Delete("docs", "0007")
		time.Sleep(aPoll)
		require.Equal(t, []string{"deleted 0007"}, r.arrived(), "so that deletions are told at once")
		require.Equal(t, 1, r.server.Count(emulator.OpListV2), "and nothing more is asked")

		for i := range 10 {
			r.put(fmt.Sprintf("new %d", i), "1")
		}
		time.Sleep(3 * aPoll)
		r.arrived()
		lists := r.server.Count(emulator.OpList)
		r.put("0008", "2")
		time.Sleep(30 * time.Minute)
		require.Equal(t, []string{"created 0666", "updated 0008"}, r.arrived(), "what was parked before is not forgotten")
		require.Equal(t, lists, r.server.Count(emulator.OpList), "of two pages it is worth while to ask")
	})
}

func TestAccessKeysListEverythingInSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, often)
		r.put("a", "1")
		stop := r.live()
		defer stop()
		time.Sleep(time.Hour)
		require.Zero(t, r.server.Count(emulator.OpListV2))
		require.NotContains(t, r.logs.String(), "Every pass lists all")
		r.put("b", "1")
		time.Sleep(aPoll)
		require.Equal(t, []string{"created a", "created b"}, r.arrived())
	})
}

func TestDeletionsInABucketOfOnePageAreToldAtOnceHoweverManyThereAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newChangesRig(t, "emit_deletes: true\n")
		r.asks = false
		for i := range 500 {
			r.put(fmt.Sprintf("%04d", i), "1")
		}
		stop := r.live()
		defer stop()
		time.Sleep(time.Minute)
		r.arrived()
		for i := range 8 {
			key := fmt.Sprintf("%04d", i)
			r.server.Delete("docs", key)
			time.Sleep(aPoll)
			require.Equal(t, []string{"deleted " + key}, r.arrived())
		}
	})
}
