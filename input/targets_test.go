package input

import (
	"fmt"
	"math/rand/v2"
	"slices"
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

func TestAWorkerDeliversWhatItsMessagesNameAndEndsWithThem(t *testing.T) {
	overBothPlanes(t, func(t *testing.T, credentials string) {
		r, f := newWorker(t, credentials)
		r.server.Put("docs", "a", []byte("1"))
		r.server.Put("docs", "b/c", []byte("2"))
		r.server.Put("docs", "not named", []byte("3"))
		f.send(key("a"))
		f.send(webhook("UPDATE", "b/c"))
		f.end()
		report := r.run()
		require.NoError(t, report.Err)
		require.Equal(t, []string{"created a", "updated b/c"}, r.arrived())
		require.Equal(t, acks(2), f.answered())
		require.Equal(t, int64(2), report.Delivered)
		require.Equal(t, int64(2), report.Listed)
	})
}

func TestAWorkerThatIsStoppedWhileIdleSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, f := newWorker(t, "")
		r.server.Put("docs", "a", []byte("1"))
		stop := r.live()
		f.send(key("a"))
		settleDown()
		before := len(Reports())
		stop()
		require.Equal(t, []string{"created a"}, r.arrived())
		require.Equal(t, acks(1), f.answered())
		require.Len(t, Reports(), before, "as an input that repeats")
		require.Contains(t, r.logs.String(), "Read what targets_input named in bucket \\\"docs\\\": targets received: 1, delivered: 1 (1 B)")
	})
}

// held is a rig whose output holds its acks until release is called for a key.
type held struct {
	mu    sync.Mutex
	gates map[string]chan error
}

func (h *held) gate(key string) chan error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.gates == nil {
		h.gates = map[string]chan error{}
	}
	if h.gates[key] == nil {
		h.gates[key] = make(chan error, 100)
	}
	return h.gates[key]
}

func (h *held) ack(t *testing.T) func(service.MessageBatch) error {
	return func(batch service.MessageBatch) error {
		select {
		case err := <-h.gate(meta(batch[0], emit.MetaKey)):
			return err
		case <-t.Context().Done():
			return nil
		}
	}
}

func (h *held) release(key string, err error) { h.gate(key) <- err }

func TestAKeyIsUnderWayOnceSoThatNoOldVersionComesAfterANewOne(t *testing.T) {
	overBothPlanes(t, func(t *testing.T, credentials string) {
		r, f := newWorker(t, credentials)
		output := &held{}
		r.ack = output.ack(t)
		r.server.Put("docs", "a", []byte("old"))
		stop := r.live()
		f.send(key("a"))
		settleDown()
		r.server.Put("docs", "a", []byte("newer"))
		f.send(webhook("UPDATE", "a"))
		f.send(webhook("UPDATE", "a"))
		settleDown()
		require.Equal(t, map[string][]string{"a": {"old"}}, r.contents(), "the output has not answered yet")
		require.Empty(t, f.answered())
		output.release("a", nil)
		settleDown()
		require.Equal(t, map[string][]string{"a": {"old", "newer"}}, r.contents())
		require.Equal(t, acks(1), f.answered())
		output.release("a", nil)
		settleDown()
		require.Equal(t, acks(2), f.answered(), "both that came while the old version was under way")
		stop()
		require.Equal(t, []string{"created a", "updated a"}, r.arrived())
	})
}

func TestAnOldReferenceBringsTheVersionThatIsThereNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, f := newWorker(t, "")
		r.server.Put("docs", "a", []byte("old"))
		r.server.Put("docs", "a", []byte("now"))
		f.send(`{"bucket":"docs","key":"a","etag":"149603e6c03516362a8da23f624db945","size":3,"event":"created"}`)
		f.end()
		require.NoError(t, r.run().Err)
		require.Equal(t, map[string][]string{"a": {"now"}}, r.contents())
	})
}

// refusing makes the content of the key bad fail until it is told to stop.
func refusing(r *rig) (heal func()) {
	var healed atomic.Bool
	r.server.SetFaults(func(q emulator.Request) emulator.Fault {
		reads := q.Op == emulator.OpGet || q.Op == emulator.OpHead || q.Op == emulator.OpRESTGet
		if reads && q.Key == "bad" && !healed.Load() {
			return emulator.Fault{Status: 403}
		}
		return emulator.Fault{}
	})
	return func() { healed.Store(true) }
}

func TestAnObjectThatFailsIsTriedAgainWhileItsTargetWaitsAndOthersGoOn(t *testing.T) {
	overBothPlanes(t, func(t *testing.T, credentials string) {
		r, f := newWorker(t, credentials)
		r.server.Put("docs", "bad", []byte("1"))
		r.server.Put("docs", "good", []byte("1"))
		heal := refusing(r)
		stop := r.live()
		f.send(key("bad"))
		for range 10 {
			f.send(key("good"))
			time.Sleep(10 * time.Minute)
		}
		require.Equal(t, acks(10), f.answered(), "nothing is nacked: children replay nacks at once")
		f.send(webhook("UPDATE", "bad")) // joins the one that waits
		settleDown()
		heal()
		time.Sleep(2 * time.Hour)
		require.Equal(t, acks(2), f.answered())
		stop()
		require.Contains(t, r.arrived(), "updated bad")
		logs := r.logs.String()
		require.Contains(t, logs, `Object \"bad\" is parked (denied)`)
		require.Contains(t, logs, "of these tried again later: 1")
		require.Contains(t, logs, "joined: 1")
	})
}

func TestANewTargetForAnObjectThatFailedIsTriedAtOnce(t *testing.T) {
	overBothPlanes(t, func(t *testing.T, credentials string) {
		r, f := newWorker(t, credentials)
		r.server.Put("docs", "k", []byte("1"), emulator.WithMissingContent())
		stop := r.live()
		f.send(key("k"))
		time.Sleep(5 * time.Hour) // the pauses have become an hour long
		require.Empty(t, f.answered())
		r.server.Put("docs", "k", []byte("new"))
		f.send(key("k"))
		time.Sleep(time.Second)
		require.Equal(t, acks(2), f.answered())
		stop()
	})
}

func TestANackOfTheOutputNacksTheTargetWhereNacksAreNotReplayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, f := newWorker(t, "auto_replay_nacks: false\n")
		for _, k := range []string{"a", "b", "c"} {
			r.server.Put("docs", k, []byte(k))
		}
		output := &held{}
		r.ack = output.ack(t)
		stop := r.live()
		f.send("["+key("a")+","+key("b")+"]", key("c"))
		settleDown()
		output.release("b", errRefused)
		output.release("a", nil)
		settleDown()
		require.Empty(t, f.answered(), "c is still under way")
		output.release("c", nil)
		settleDown()
		require.Equal(t, []string{"rejected by the pipeline: refused by the output"}, f.answered())

		f.send(key("b"))
		output.release("b", nil)
		settleDown()
		require.Equal(t, acks(1), f.answered(), "what comes again is delivered again")
		stop()
	})
}

func TestAWorkerWhoseOutputRefusedSomethingForGoodEndsWithAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, f := newWorker(t, "auto_replay_nacks: false\n")
		r.server.Put("docs", "a", []byte("1"))
		r.ack = func(service.MessageBatch) error { return errRefused }
		f.send(key("a"))
		f.end()
		require.ErrorContains(t, r.run().Err, "1 of 1 object could not be delivered (rejected: 1)")
	})
}

func TestReplayedNacksNeverReachTheTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, f := newWorker(t, "")
		r.server.Put("docs", "a", []byte("1"))
		var times atomic.Int64
		r.ack = func(service.MessageBatch) error {
			if times.Add(1) < 3 {
				return errRefused
			}
			return nil
		}
		f.send(key("a"))
		f.end()
		stop := r.live()
		time.Sleep(time.Minute)
		stop()
		require.Equal(t, acks(1), f.answered())
	})
}

func TestATargetWhoseObjectIsNotThereIsAckedOrNacked(t *testing.T) {
	overBothPlanes(t, func(t *testing.T, credentials string) {
		r, f := newWorker(t, credentials)
		f.send(key("gone"))
		f.end()
		report := r.run()
		require.NoError(t, report.Err)
		require.Equal(t, int64(1), report.Vanished)
		require.Equal(t, acks(1), f.answered())
		require.Contains(t, r.logs.String(), `Object \"gone\", which a message of targets_input names, is not listed: the target is done with (on_missing)`)

		r, f = newWorker(t, credentials+"on_missing: nack\n")
		f.send(key("gone"))
		f.end()
		begin := time.Now()
		report = r.run()
		require.ErrorContains(t, report.Err, "could not be delivered (missing: 1)")
		require.Equal(t, []string{"the listing shows no such object (on_missing)"}, f.answered())
		require.Less(t, time.Since(begin), time.Minute)

		r, f = newWorker(t, credentials+"on_missing: nack\n")
		stop := r.live()
		time.Sleep(time.Minute)
		f.send(key("late"))
		time.Sleep(200 * time.Millisecond)
		r.server.Put("docs", "late", []byte("1")) // its transaction ends after the message about it
		settleDown()
		stop()
		require.Equal(t, acks(1), f.answered())
		require.Equal(t, []string{"created late"}, r.arrived())
	})
}

func TestADeletionIsPassedOnUnlessTheObjectIsThere(t *testing.T) {
	overBothPlanes(t, func(t *testing.T, credentials string) {
		r, f := newWorker(t, credentials+"on_missing: nack\n")
		r.server.Put("docs", "again", []byte("1"))
		f.send(webhook("DELETE", "gone"))
		f.send(webhook("DELETE", "again"))
		f.send(webhook("DELETE", "folder/.emptyFolderPlaceholder"))
		f.end()
		report := r.run()
		require.NoError(t, report.Err)
		require.Equal(t, []string{"created again", "deleted gone"}, r.arrived())
		require.Equal(t, acks(3), f.answered())
	})
}

func TestADeletionThatIsRefusedNacksItsTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, f := newWorker(t, "auto_replay_nacks: false\n")
		r.ack = func(service.MessageBatch) error { return errRefused }
		f.send(webhook("DELETE", "gone"))
		f.end()
		require.Error(t, r.run().Err)
		require.Equal(t, []string{"rejected by the pipeline: refused by the output"}, f.answered())
	})
}

func TestTargetsOfElsewhereAreDoneWithUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, f := newWorker(t, "source_path: docs/in/\nexclude_patterns: ['*.tmp']\nmax_object_size: 3\n")
		for _, k := range []string{"in/a", "in/b.tmp", "out/c", "in/large"} {
			r.server.Put("docs", k, []byte(strings.TrimPrefix(k, "in/")))
		}
		var asked atomic.Int64
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Query.Get("prefix") != "in/" {
				asked.Add(1)
			}
			return emulator.Fault{}
		})
		f.send(key("out/c"), key("in/b.tmp"), `{"bucket":"other","key":"in/a"}`, `{"project_ref":"abcdefghijklmnopqrst","key":"in/a"}`, webhook("DELETE", "in/b.tmp"))
		f.end()
		report := r.run()
		require.NoError(t, report.Err)
		require.Zero(t, asked.Load())
		require.Empty(t, r.messages)
		require.Equal(t, map[string]int64{"outside": 3, "exclude": 2}, report.Filtered)

		r2, f2 := newWorker(t, "source_path: docs/in/\nmax_object_size: 3\n")
		r2.server = r.server
		f2.send(key("in/large"), key("in/a"))
		f2.end()
		report = r2.run()
		require.Equal(t, map[string]int64{"size": 1}, report.Filtered)
		require.Equal(t, []string{"created in/a"}, r2.arrived())
		require.Equal(t, acks(1), f2.answered())
	})
}

func TestATargetWaitsUntilItsObjectIsOldEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, f := newWorker(t, "min_age: 10m\n")
		r.server.Put("docs", "a", []byte("1"))
		stop := r.live()
		f.send(key("a"))
		time.Sleep(9 * time.Minute)
		require.Empty(t, f.answered())
		time.Sleep(2 * time.Minute)
		require.Equal(t, acks(1), f.answered())
		stop()
		require.Equal(t, []string{"created a"}, r.arrived())
	})
}

func TestAMessageThatNamesNothingIsToldAndHoldsNothingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, f := newWorker(t, "")
		r.server.Put("docs", "a", []byte("1"))
		f.send("no JSON", "["+key("a")+`,{"x":1}]`, "")
		for range 20 {
			f.send(`{"Records":[{"s3":{"bucket":{"name":"b"},"object":{"key":"k"}}}]}`)
		}
		f.end()
		report := r.run()
		require.ErrorContains(t, report.Err, "23 messages of targets_input named no object")
		require.Equal(t, []string{"created a"}, r.arrived())
		require.Equal(t, acks(21), f.answered())
		require.Len(t, r.logs.linesWith("level=ERROR", "A message of targets_input is skipped"), linesOfAKind)
		require.Contains(t, r.logs.String(), "13 more messages of targets_input are skipped")
	})
}

func TestAWorkerThatIsStoppedNacksWhatIsUnderWayAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, f := newWorker(t, "")
		r.server.Put("docs", "slow", []byte("1"))
		r.server.Put("docs", "bad", []byte("1"))
		r.server.Put("docs", "done", []byte("1"))
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			switch {
			case q.Op == emulator.OpGet && q.Key == "slow":
				return emulator.Fault{Delay: time.Hour}
			case q.Op == emulator.OpGet && q.Key == "bad":
				return emulator.Fault{Status: 403}
			}
			return emulator.Fault{}
		})
		stop := r.live()
		f.send(key("done"), key("slow"))
		f.send(key("slow"))
		f.send(key("bad"))
		f.send(key("done"))
		time.Sleep(30 * time.Second)
		begin := time.Now()
		stop()
		require.Less(t, time.Since(begin), time.Second)
		stopped := "the input stopped before the object was delivered"
		require.ElementsMatch(t, []string{"ack", stopped, stopped, stopped}, f.answered())
	})
}

func TestAWorkerThatNeverConnectedClosesItsTargetsInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, f := newWorker(t, "")
		require.NoError(t, r.build())
		begin := time.Now()
		require.NoError(t, r.input.Close(t.Context()))
		require.Less(t, time.Since(begin), time.Second)
		require.Zero(t, f.read())
	})
}

func TestTargetsWaitForAnEndpointThatIsDown(t *testing.T) {
	for name, status := range map[string]int{"it fails": 503, "it refuses the keys": 403} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, f := newWorker(t, "")
				var down atomic.Bool
				r.server.SetFaults(func(emulator.Request) emulator.Fault {
					if down.Load() {
						return emulator.Fault{Status: status}
					}
					return emulator.Fault{}
				})
				stop := r.live()
				settleDown()
				down.Store(true)
				for i := range 50 {
					k := fmt.Sprintf("%02d", i)
					r.server.Put("docs", k, []byte("1"))
					f.send(key(k))
				}
				time.Sleep(5 * time.Hour)
				require.Empty(t, f.answered())
				down.Store(false)
				time.Sleep(5 * time.Minute)
				require.Equal(t, acks(50), f.answered())
				stop()
				require.Len(t, r.arrived(), 50)
			})
		})
	}
}

func TestAWorkerTakesInNoMoreThanItsMemoryHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, f := newWorker(t, "")
		for i := range 10 {
			r.server.Put("docs", fmt.Sprint(i), []byte("1"))
		}
		output := &held{}
		r.ack = output.ack(t)
		const offered = 20_000
		for i := range offered {
			f.send(key(fmt.Sprint(i % 10)))
		}
		stop := r.live()
		time.Sleep(time.Minute)
		few := f.read()
		require.Less(t, few, offered)
		for range 100 {
			for i := range 10 {
				output.release(fmt.Sprint(i), nil)
			}
			time.Sleep(time.Second)
		}
		require.Equal(t, offered, f.read())
		require.Equal(t, acks(offered), f.answered())
		stop()
	})
}

// TestAWebhookStorm posts each change twice and out of order while the bucket changes.
func TestAWebhookStormDeliversEachFinalVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys, posts := 1000, 10_000
		if underRace {
			keys, posts = 100, 1000
		}
		r, f := newWorker(t, "")
		chance := rand.New(rand.NewPCG(7, 0))
		r.ack = func(service.MessageBatch) error { time.Sleep(50 * time.Millisecond); return nil }
		last := map[string]string{}
		stop := r.live()
		var late []string
		for i := range posts / 2 {
			k := fmt.Sprintf("%03d", chance.IntN(keys))
			last[k] = fmt.Sprintf("%06d", i)
			r.server.Put("docs", k, []byte(last[k]))
			late = append(late, webhook("UPDATE", k), webhook("INSERT", k))
			if len(late) >= 200 {
				chance.Shuffle(len(late), func(a, b int) { late[a], late[b] = late[b], late[a] })
				for _, doc := range late[:100] {
					f.send(doc)
				}
				late = late[100:]
				time.Sleep(100 * time.Millisecond)
			}
		}
		for _, doc := range late {
			f.send(doc)
		}
		time.Sleep(time.Minute)
		require.Equal(t, acks(posts), f.answered())
		contents := r.contents()
		stop()
		require.Len(t, contents, len(last))
		delivered := 0
		for k, versions := range contents {
			require.Equal(t, last[k], versions[len(versions)-1])
			require.True(t, slices.IsSorted(versions), "%s went back: %v", k, versions)
			delivered += len(versions)
		}
		require.Less(t, delivered, posts, "targets are joined")
		t.Logf("%d posts for %d keys: %d messages", posts, len(last), delivered)
	})
}

func TestAWorkerBehindALyingGatewayDeliversTheTruthAndNacksNothing(t *testing.T) {
	overBothPlanes(t, func(t *testing.T, credentials string) {
		f := newFeed()
		r, want, lying := liarRig(t, credentials+f.fields())
		for k := range want {
			f.send(key(k))
		}
		stop := r.live()
		time.Sleep(10 * time.Minute)
		lying.Store(false)
		time.Sleep(3 * time.Hour)
		stop()
		times := requireTrue(t, r.messages, want)
		require.Len(t, times, len(want))
		require.Equal(t, acks(len(want)), f.answered())
		require.NotContains(t, r.logs.String(), "is not listed", "all objects are there")
	})
}

func TestWhatATargetBroughtIsDeletedFromTheBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, f := newWorker(t, "delete_objects: true\n")
		output := &held{}
		r.ack = output.ack(t)
		r.server.Put("docs", "a", []byte("1"))
		r.server.Put("docs", "b", []byte("1"))
		r.server.Put("docs", "other", []byte("1"))
		stop := r.live()
		f.send("[" + key("a") + "," + key("b") + "]")
		settleDown()
		r.server.Put("docs", "b", []byte("overwritten"))
		output.release("a", nil)
		output.release("b", nil)
		settleDown()
		stop()
		require.Equal(t, acks(1), f.answered())
		for k, there := range map[string]bool{"a": false, "b": true, "other": true} {
			_, _, found := r.server.Get("docs", k)
			require.Equal(t, there, found, k)
		}
	})
}

func TestWithEmitFailuresATargetIsDoneWithOnceItsFailureIsAcked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, full := range map[string]string{"targets alone": "", "and listings": hourly} {
			r, f := newWorker(t, "emit_failures: true\n"+full)
			r.server.Put("docs", "good", []byte("1"))
			stop := r.live()
			settleDown()
			r.server.Put("docs", "bad", []byte("1"))
			refusing(r)
			f.send(key("bad"), key("good"))
			time.Sleep(time.Minute)
			stop()
			require.Equal(t, acks(1), f.answered(), name)
			require.Len(t, r.messages, 2, name)
			for _, msg := range r.messages {
				if meta(msg, emit.MetaKey) == "bad" {
					require.Equal(t, "denied", meta(msg, emit.MetaFailure))
					body, _ := msg.AsBytes()
					require.Contains(t, string(body), `"key":"bad"`)
				}
			}
		}
	})
}

func TestAFailureThatIsRefusedNacksItsTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, f := newWorker(t, "emit_failures: true\nauto_replay_nacks: false\n")
		r.server.Put("docs", "bad", []byte("1"))
		refusing(r)
		r.ack = func(service.MessageBatch) error { return errRefused }
		stop := r.live()
		f.send(key("bad"))
		time.Sleep(time.Minute)
		stop()
		require.Equal(t, []string{"refused by the output"}, f.answered())
	})
}

func TestWithEmitFailuresAMessageThatNamesNothingIsSentOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, f := newWorker(t, "emit_failures: true\n")
		output := &held{}
		r.ack = output.ack(t)
		var broken error
		r.onBatch = func(batch service.MessageBatch) { broken = batch[0].GetError() }
		stop := r.live()
		f.send("no JSON")
		settleDown()
		require.Empty(t, f.answered())
		output.release("<unset>", nil)
		settleDown()
		require.Equal(t, acks(1), f.answered())
		stop()
		require.Error(t, broken)
		body, err := r.messages[0].AsBytes()
		require.NoError(t, err)
		require.Equal(t, "no JSON", string(body))
	})
}

func TestWhatTargetsNameCanBeSentAsReferences(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, f := newWorker(t, "emit: reference\nreference_url_expiry: 1h\n")
		r.server.Put("docs", "a", []byte("1"))
		f.send(webhook("UPDATE", "a"))
		f.end()
		require.NoError(t, r.run().Err)
		body := r.contents()["a"][0]
		require.Contains(t, body, `"event":"updated"`)
		require.Contains(t, body, `"url":"`)
		require.Equal(t, acks(1), f.answered())
	})
}

func TestAProcessorThatFailsBelowTargetsInputIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed()
		r := newRig(t, strings.TrimSuffix(f.fields(), "}\n")+", processors: [{mapping: 'root.key = this.object.not_null()'}]}\n")
		r.server.Put("docs", "a", []byte("1"))
		f.send(`{"object":"a"}`)
		f.send(`{"key":"a"}`)
		f.end()
		require.ErrorContains(t, r.run().Err, "1 messages of targets_input named no object")
		require.Equal(t, []string{"created a"}, r.arrived())
		require.Contains(t, r.logs.String(), "a processor below targets_input failed")
	})
}

func TestAnInputOfBenthosCanNameObjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "targets_input: {generate: {count: 25, interval: '', batch_size: 5, mapping: 'root.name = \"%02d\".format(count(\"a test of targets\"))'}}\n")
		for i := range 26 {
			r.server.Put("docs", fmt.Sprintf("%02d", i), []byte("1"))
		}
		require.NoError(t, r.run().Err)
		require.Len(t, r.arrived(), 25)
	})
}
