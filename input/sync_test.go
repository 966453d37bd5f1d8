package input

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// minutely polls every minute; jitter adds up to six seconds.
const minutely = "sync_mode: continuous\npolling_interval: 1m\n"

// aPass is longer than the pause between two passes.
const aPass = 70 * time.Second

func withState(t *testing.T) string {
	return fmt.Sprintf("state: {path: %q}\n", filepath.Join(t.TempDir(), "state", "docs.db"))
}

func TestContinuousDeliversWhatIsNewOrChangedWithTheNextPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, minutely)
		r.server.Put("docs", "a", []byte("1"))
		r.server.Put("docs", "b", []byte("1"))
		stop := r.live()
		defer stop()
		time.Sleep(time.Second)
		require.Equal(t, []string{"created a", "created b"}, r.arrived())
		time.Sleep(10 * aPass)
		require.Empty(t, r.arrived(), "nothing changed")
		r.server.Put("docs", "b", []byte("2"))
		r.server.Put("docs", "c", []byte("1"))
		time.Sleep(aPass)
		require.Equal(t, []string{"created c", "updated b"}, r.arrived())
		require.Equal(t, 4, r.server.Count(emulator.OpGet))
	})
}

func TestWhatWatermarksLoseIsDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, minutely)
		now := time.Now()
		r.server.Put("docs", "m", []byte("1"), emulator.WithLastModified(now))
		stop := r.live()
		defer stop()
		time.Sleep(time.Second)
		require.Equal(t, []string{"created m"}, r.arrived())
		r.server.Put("docs", "n-same-time", []byte("1"), emulator.WithLastModified(now))
		r.server.Put("docs", "o-visible-late", []byte("1"), emulator.WithLastModified(now.Add(-10*time.Minute)))
		r.server.Put("docs", "a-sorts-before", []byte("1"), emulator.WithLastModified(now.Add(-time.Hour)))
		r.server.Put("docs", "m", []byte("2"), emulator.WithLastModified(now.Add(-time.Hour)))
		time.Sleep(aPass)
		require.Equal(t, []string{"created a-sorts-before", "created n-same-time", "created o-visible-late", "updated m"}, r.arrived())
	})
}

func TestAServerWithAnotherClockChangesNothing(t *testing.T) {
	for _, skew := range []time.Duration{-time.Hour, time.Hour} {
		t.Run(skew.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, minutely)
				r.server = emulator.New(emulator.Options{Clock: func() time.Time { return time.Now().Add(skew) }})
				r.server.Put("docs", "a", []byte("1"))
				stop := r.live()
				defer stop()
				time.Sleep(time.Second)
				r.server.Put("docs", "a", []byte("2"))
				r.server.Put("docs", "b", []byte("1"))
				time.Sleep(3 * aPass)
				require.Equal(t, []string{"created a", "created b", "updated a"}, r.arrived())
			})
		})
	}
}

func TestATouchOfEveryRowDeliversNothingUnlessItIsAskedFor(t *testing.T) {
	for detection, want := range map[string][]string{"etag": {}, "modified": {"updated a", "updated b"}} {
		t.Run(detection, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, minutely+"change_detection: "+detection+"\n")
				r.server.Put("docs", "a", []byte("1"))
				r.server.Put("docs", "b", []byte("1"))
				stop := r.live()
				defer stop()
				time.Sleep(time.Second)
				require.Len(t, r.arrived(), 2)
				r.server.Touch("docs")
				time.Sleep(2 * aPass)
				require.Equal(t, want, r.arrived())
			})
		})
	}
}

func TestTheSameBytesUploadedAgainAreNotDeliveredAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, minutely)
		r.server.Put("docs", "a", []byte("1"))
		stop := r.live()
		defer stop()
		time.Sleep(time.Second)
		r.server.Put("docs", "a", []byte("1"))
		time.Sleep(2 * aPass)
		require.Equal(t, []string{"created a"}, r.arrived())
	})
}

func TestAnOverwriteBetweenListingAndDownloadIsDeliveredOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, minutely)
		r.server.Put("docs", "a", []byte("old"))
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpGet && q.N == 1 {
				return emulator.Fault{Before: func() { r.server.Put("docs", "a", []byte("new")) }}
			}
			return emulator.Fault{}
		})
		stop := r.live()
		defer stop()
		time.Sleep(3 * aPass)
		require.Equal(t, map[string][]string{"a": {"new"}}, r.contents())
	})
}

func TestARestartGoesOnWhereTheLastProcessEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, mode := range []string{"", minutely, "sync_mode: scheduled\npolling_interval: 1m\n"} {
			r := newRig(t, mode+withState(t))
			run := func() {
				stop := r.live()
				time.Sleep(time.Second)
				stop()
			}
			r.server.Put("docs", "a", []byte("1"))
			run()
			require.Equal(t, []string{"created a"}, r.arrived())
			run()
			require.Empty(t, r.arrived())
			r.server.Put("docs", "a", []byte("2"))
			r.server.Put("docs", "b", []byte("1"))
			run()
			require.Equal(t, []string{"created b", "updated a"}, r.arrived())
		}
	})
}

func TestACacheResourceKeepsTheStateOfEachNamespaceApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := newRig(t, minutely+"state: {cache: shared, namespace: one}\n")
		one.server.Put("docs", "a", []byte("1"))
		run := func(r *rig) []string {
			stop := r.live()
			time.Sleep(time.Second)
			stop()
			return r.arrived()
		}
		require.Equal(t, []string{"created a"}, run(one))
		two := newRig(t, minutely+"state: {cache: shared, namespace: two}\n")
		two.server, two.res = one.server, one.res
		require.Equal(t, []string{"created a"}, run(two))
		require.Empty(t, run(two))
		require.Empty(t, run(one))
	})
}

func TestAnIdlePassWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		r := newRig(t, minutely+fmt.Sprintf("state: {path: %q}\n", filepath.Join(dir, "s.db")))
		for i := range 2500 {
			r.server.Put("docs", fmt.Sprint(i), []byte("1"))
		}
		stop := r.live()
		defer stop()
		time.Sleep(2 * aPass)
		before, err := os.ReadFile(filepath.Join(dir, "s.db"))
		require.NoError(t, err)
		lists, lines := r.server.Count(emulator.OpList), r.logs.String()
		time.Sleep(5 * aPass)
		after, err := os.ReadFile(filepath.Join(dir, "s.db"))
		require.NoError(t, err)
		require.Equal(t, sha256.Sum256(before), sha256.Sum256(after), "the file is the same to the byte")
		require.Equal(t, lines, r.logs.String(), "nor is there anything to tell")
		require.Len(t, r.arrived(), 2500)
		require.GreaterOrEqual(t, r.server.Count(emulator.OpList)-lists, 4*3)
	})
}

func TestAChangedFilterDeliversWhatNewlyMatchesAndRepeatsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := withState(t) + "emit_deletes: true\n"
		r := newRig(t, "")
		for _, key := range []string{"p/a.txt", "p/b.jpg", "q/c.txt", "q/d.jpg"} {
			r.server.Put("docs", key, []byte(key))
		}
		run := func(fields string) []string {
			r.fields = minutely + state + fields
			stop := r.live()
			time.Sleep(3 * aPass)
			stop()
			return r.arrived()
		}
		require.Equal(t, []string{"created p/a.txt", "created q/c.txt"}, run("include_patterns: ['*.txt']\n"))
		require.Equal(t, []string{"created p/b.jpg", "created q/d.jpg"}, run(""))
		require.Empty(t, run("exclude_patterns: ['*.jpg']\n"))
		require.Empty(t, run("source_path: docs/p/\n"))
		require.Empty(t, run("source_path: docs/q\n"))
		require.Empty(t, run(""))
		r.server.Put("docs", "q/e.txt", []byte("1"))
		require.Empty(t, run("source_path: docs/p\n"))
		require.Equal(t, []string{"created q/e.txt"}, run(""))
	})
}

func TestDeletionsAreDeliveredOnlyWhenTheyAreSure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, minutely+"emit_deletes: true\n")
		for i := range 10 {
			r.server.Put("docs", fmt.Sprint(i), []byte("1"))
		}
		stop := r.live()
		defer stop()
		time.Sleep(time.Second)
		require.Len(t, r.arrived(), 10)

		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpList {
				return emulator.Fault{Status: 500}
			}
			return emulator.Fault{}
		})
		r.server.Delete("docs", "3")
		time.Sleep(30 * time.Minute)
		require.Empty(t, r.arrived(), "a listing that fails says nothing about what is gone")
		r.server.SetFaults(nil)
		time.Sleep(10 * time.Minute)
		require.Equal(t, []string{"deleted 3"}, r.arrived())
		time.Sleep(10 * time.Minute)
		require.Empty(t, r.arrived())
		r.server.Put("docs", "3", []byte("1"))
		time.Sleep(aPass)
		require.Equal(t, []string{"created 3"}, r.arrived(), "the same bytes again, after it was gone")
	})
}

func TestAMassDisappearanceDeletesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		hidden := false
		r := newRig(t, "")
		r.fields = minutely + "emit_deletes: true\n" + sessionToken(r.server.Settings(), r.server.UserToken("u1", 1000*time.Hour))
		r.server.AllowRead("docs", func(_ map[string]any, key string) bool {
			mu.Lock()
			defer mu.Unlock()
			return !hidden || key == "0"
		})
		for i := range 10 {
			r.server.Put("docs", fmt.Sprint(i), []byte("1"))
		}
		stop := r.live()
		defer stop()
		time.Sleep(time.Second)
		require.Len(t, r.arrived(), 10)
		set := func(v bool) {
			mu.Lock()
			defer mu.Unlock()
			hidden = v
		}
		set(true)
		time.Sleep(3 * time.Hour)
		require.Empty(t, r.arrived())
		require.Contains(t, r.logs.String(), "9 of 10 delivered objects are no longer listed")
		set(false)
		time.Sleep(3 * time.Hour)
		require.Empty(t, r.arrived(), "and nothing is repeated when they are seen again")
	})
}

func TestAParkedObjectIsTriedAgainByLaterPassesUntilItSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, minutely+withState(t)+"retry: {max_attempts: 2}\n")
		heals := time.Now().Add(100 * time.Minute)
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpGet && q.Key == "bad" && time.Now().Before(heals) {
				return emulator.Fault{Status: 500}
			}
			return emulator.Fault{}
		})
		r.server.Put("docs", "bad", []byte("1"))
		r.server.Put("docs", "good", []byte("1"))
		stop := r.live()
		time.Sleep(90 * time.Minute)
		require.Equal(t, []string{"created good"}, r.arrived())
		gets := r.server.Count(emulator.OpGet)
		require.Less(t, gets, 20, "the pauses between the attempts grow")
		stop()
		stop = r.live() // what was parked is known after a restart
		defer stop()
		time.Sleep(3 * time.Hour)
		require.Equal(t, []string{"created bad"}, r.arrived())
	})
}

func TestWithoutReplayARefusedObjectComesAgainWhileOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, minutely+"auto_replay_nacks: false\n")
		for i := range 3000 {
			r.server.Put("docs", fmt.Sprintf("%04d", i), []byte("1"))
		}
		var mu sync.Mutex
		refusals := 0
		r.ack = func(batch service.MessageBatch) error {
			mu.Lock()
			defer mu.Unlock()
			if meta(batch[0], emit.MetaKey) == "0042" && refusals < 2 {
				refusals++
				return errRefused
			}
			return nil
		}
		stop := r.live()
		defer stop()
		time.Sleep(time.Hour)
		require.Len(t, r.arrived(), 3002)
		require.Equal(t, 2, refusals)
	})
}

func TestScheduledPassesKeepTheirCadenceAndNeverOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "sync_mode: scheduled\npolling_interval: 10m\n")
		r.server.Put("docs", "a", []byte("1"))
		var mu sync.Mutex
		var listed []time.Duration
		start := time.Now()
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			mu.Lock()
			defer mu.Unlock()
			listed = append(listed, time.Since(start).Round(time.Minute))
			if q.Op == emulator.OpList && q.N == 3 {
				return emulator.Fault{Delay: 50 * time.Second}
			}
			return emulator.Fault{}
		})
		stop := r.live()
		time.Sleep(45 * time.Minute)
		stop()
		require.Equal(t, []time.Duration{0, 0, 0, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute, 40 * time.Minute}, listed)
	})
}

func TestACronScheduleWaitsForItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "sync_mode: scheduled\nschedule: 'TZ=Europe/Berlin 30 2 * * *'\n")
		r.server.Put("docs", "a", []byte("1"))
		stop := r.live()
		defer stop()
		time.Sleep(time.Hour) // midnight UTC is one o'clock in Berlin
		require.Empty(t, r.arrived())
		time.Sleep(time.Hour)
		require.Equal(t, []string{"created a"}, r.arrived())
	})
}

func TestWhatTheInputDeletesItselfIsNoDeletion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, minutely+"delete_objects: true\nemit_deletes: true\nmax_delete_ratio: 1\n"+withState(t))
		r.server.Put("docs", "a", []byte("1"))
		stop := r.live()
		defer stop()
		time.Sleep(5 * aPass)
		_, _, there := r.server.Get("docs", "a")
		require.False(t, there)
		require.Equal(t, []string{"created a"}, r.arrived())
		r.server.Put("docs", "a", []byte("1"))
		time.Sleep(2 * aPass)
		require.Equal(t, []string{"created a"}, r.arrived())
	})
}

func TestAnOutageBetweenPassesIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, minutely)
		stop := r.live()
		defer stop()
		time.Sleep(time.Second)
		r.server.SetFaults(func(emulator.Request) emulator.Fault { return emulator.Fault{HangUp: true} })
		time.Sleep(3 * time.Hour)
		r.server.Put("docs", "a", []byte("1"))
		r.server.SetFaults(nil)
		time.Sleep(10 * time.Minute)
		require.Equal(t, []string{"created a"}, r.arrived())
	})
}

func TestADamagedStateIsRefusedAndNotStartedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "s.db")
		r := newRig(t, fmt.Sprintf("state: {path: %q}\n", path))
		r.server.Put("docs", "a", []byte("1"))
		require.Equal(t, "", errOf(r.run().Err))
		require.NoError(t, os.WriteFile(path, []byte("this was never a database"), 0o600))
		r.messages = nil
		report := r.run()
		require.ErrorContains(t, report.Err, "state.path")
		require.ErrorContains(t, report.Err, "move it away")
		require.Empty(t, r.messages)
	})
}

func TestASecondProcessOnTheSameStateIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := newRig(t, minutely+withState(t))
		stop := first.live()
		defer stop()
		time.Sleep(time.Second)
		second := newRig(t, "")
		second.fields = first.fields[len(minutely):]
		require.ErrorContains(t, second.run().Err, "state.path")
	})
}
