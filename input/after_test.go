package input

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

const moves = "source_path: docs/in/\nafter_delivery: move\nmove_to: done/\n"

// eachWay runs test with S3 access keys, which copy and delete, with a JWT over S3 and
// with a secret key over REST, which both move.
func eachWay(t *testing.T, test func(t *testing.T, r *rig)) {
	t.Helper()
	for _, name := range []string{"access keys", "JWT", "secret key"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, moves)
				s := r.server.Settings()
				switch name {
				case "JWT":
					r.fields += fmt.Sprintf("credentials: {type: session_token, anon_key: %s, service_role_key: %s}\n", s.AnonKey, s.ServiceRoleKey)
				case "secret key":
					r.server = emulator.New(emulator.Options{Gateway: emulator.GatewayKong})
					r.server.CreateBucket("docs")
					r.fields += fmt.Sprintf("credentials: {type: secret_key, secret_key: %s}\n", r.server.Settings().SecretKey)
				}
				test(t, r)
			})
		})
	}
}

// takes reports whether a request moves, copies or deletes.
func takes(q emulator.Request) bool {
	return slices.Contains([]emulator.Op{emulator.OpCopy, emulator.OpDelete, emulator.OpRESTMove, emulator.OpRESTDeleteMany, emulator.OpRESTDelete}, q.Op)
}

// putMarked uploads an object with a type, cache control and metadata that a test finds
// again at its new key.
func (r *rig) putMarked(key, body string) {
	r.server.Put("docs", key, []byte(body), emulator.WithContentType("text/x-after"), emulator.WithCacheControl("max-age=77"),
		emulator.WithMetadata(map[string]any{"camera": "Leica", "n": 3.0, "town": "Zürich"}))
}

// requireMoved checks that an object is at its new key alone, with all that is stored
// with it.
func (r *rig) requireMoved(from, to, body string) {
	r.t.Helper()
	_, _, there := r.server.Get("docs", from)
	require.False(r.t, there, "%s is still there", from)
	stored, content, there := r.server.Get("docs", to)
	require.True(r.t, there, "%s is not there", to)
	require.Equal(r.t, body, string(content))
	require.Equal(r.t, []string{"text/x-after", "max-age=77"}, []string{stored.ContentType, stored.CacheControl})
	require.Equal(r.t, map[string]string{"camera": "Leica", "town": "Zürich"}, stored.UserMetadata)
}

func (r *rig) requireThere(key, body string) {
	r.t.Helper()
	_, content, there := r.server.Get("docs", key)
	require.True(r.t, there, key)
	require.Equal(r.t, body, string(content), key)
}

func TestWhatIsDeliveredIsMovedWithAllThatIsStoredWithIt(t *testing.T) {
	eachWay(t, func(t *testing.T, r *rig) {
		r.putMarked("in/a.txt", "a")
		r.putMarked("in/2024/b & c+d.txt", "b")
		r.ack = func(service.MessageBatch) error {
			time.Sleep(time.Second)
			r.requireThere("in/a.txt", "a") // nothing is moved before the acks
			return nil
		}
		report := r.run()
		require.Equal(t, "", errOf(report.Err))
		require.Equal(t, []string{"created in/2024/b & c+d.txt", "created in/a.txt"}, r.arrived())
		r.requireMoved("in/a.txt", "done/a.txt", "a")
		r.requireMoved("in/2024/b & c+d.txt", "done/2024/b & c+d.txt", "b")
		require.Len(t, r.logs.linesWith(`Objects are moved to \"done/\" after delivery (after_delivery)`), 1)
	})
}

func TestARefusedObjectIsNotMoved(t *testing.T) {
	eachWay(t, func(t *testing.T, r *rig) {
		r.fields += "auto_replay_nacks: false\n"
		r.putMarked("in/a", "a")
		r.ack = func(service.MessageBatch) error { return errRefused }
		require.ErrorContains(t, r.run().Err, "rejected")
		r.requireThere("in/a", "a")
		require.Zero(t, r.server.Count(emulator.OpCopy)+r.server.Count(emulator.OpRESTMove))
	})
}

func TestNothingIsOverwrittenByAMove(t *testing.T) {
	eachWay(t, func(t *testing.T, r *rig) {
		r.putMarked("in/a", "ours")
		r.putMarked("done/a", "theirs")
		report := r.run()
		require.Equal(t, "", errOf(report.Err), "it is kept on purpose")
		r.requireThere("in/a", "ours")
		r.requireThere("done/a", "theirs")
		require.Len(t, r.logs.linesWith("level=WARN", `Object \"in/a\" was delivered but kept (after_delivery): another object is listed as`, "done/a", "6 bytes"), 1)
	})
}

func TestACopyThatIsThereAlreadyIsFinished(t *testing.T) {
	eachWay(t, func(t *testing.T, r *rig) {
		r.putMarked("in/a", "same")
		r.putMarked("done/a", "same")
		require.Equal(t, "", errOf(r.run().Err))
		r.requireMoved("in/a", "done/a", "same")
		require.Zero(t, r.server.Count(emulator.OpCopy))
	})
}

// The ETag of an upload in parts says nothing of the content, and a copy has another.
func TestAnObjectThatWasUploadedInPartsIsMoved(t *testing.T) {
	for name, dest := range map[string]string{"not there": "", "a copy": "same", "of the same size": "Same"} {
		t.Run(name, func(t *testing.T) {
			eachWay(t, func(t *testing.T, r *rig) {
				r.server.Put("docs", "in/a", []byte("same"), emulator.WithETag("3858f62230ac3c915f300c664312c63f-2"))
				if dest != "" {
					r.server.Put("docs", "done/a", []byte(dest))
				}
				require.Equal(t, "", errOf(r.run().Err))
				if dest == "Same" {
					r.requireThere("in/a", "same")
					r.requireThere("done/a", "Same")
					return
				}
				_, _, there := r.server.Get("docs", "in/a")
				require.False(t, there)
				r.requireThere("done/a", "same")
			})
		})
	}
}

func TestAVersionThatCameMeanwhileIsNotMoved(t *testing.T) {
	eachWay(t, func(t *testing.T, r *rig) {
		r.fields += minutely
		r.putMarked("in/a", "first")
		once := sync.OnceFunc(func() { r.putMarked("in/a", "second") })
		r.onBatch = func(service.MessageBatch) { once() }
		stop := r.live()
		time.Sleep(10 * time.Second)
		r.requireThere("in/a", "second")
		require.Len(t, r.logs.linesWith("level=WARN", "another version is listed by now"), 1)
		time.Sleep(2 * aPass)
		stop()
		require.Equal(t, []string{"created in/a", "updated in/a"}, r.arrived())
		r.requireMoved("in/a", "done/a", "second")
	})
}

// An overwrite between the look at the listing and the move over REST moves a version
// that nobody has delivered.
func TestWhatWasOverwrittenDuringTheMoveIsMovedBackAndDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, moves+minutely)
		s := r.server.Settings()
		r.fields += fmt.Sprintf("credentials: {type: session_token, anon_key: %s, service_role_key: %s}\n", s.AnonKey, s.ServiceRoleKey)
		r.putMarked("in/a", "first")
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpRESTMove && q.N == 1 {
				return emulator.Fault{Before: func() { r.putMarked("in/a", "second") }}
			}
			return emulator.Fault{}
		})
		stop := r.live()
		time.Sleep(3 * aPass)
		stop()
		require.Equal(t, map[string][]string{"in/a": {"first", "second"}}, r.contents())
		r.requireMoved("in/a", "done/a", "second")
		require.Len(t, r.logs.linesWith("level=WARN", "it was moved, and moved back"), 1)
	})
}

// fault is one way in which a request goes wrong.
type fault struct {
	name  string
	fault func(q emulator.Request) emulator.Fault
	// wrap is the same at the transport, for the first request that matches.
	wrap func(match func(*http.Request) bool) func(http.RoundTripper) http.RoundTripper
}

var faultsOfAMove = []fault{
	{name: "500", fault: func(emulator.Request) emulator.Fault { return emulator.Fault{Status: 500} }},
	{name: "544", fault: func(emulator.Request) emulator.Fault { return emulator.Fault{Status: 544} }},
	{name: "a page of a gateway", fault: func(emulator.Request) emulator.Fault { return emulator.Fault{Status: 502} }},
	{name: "hung up", fault: func(emulator.Request) emulator.Fault { return emulator.Fault{HangUp: true} }},
	{name: "cut off", fault: func(emulator.Request) emulator.Fault { return emulator.Fault{CutAfter: emulator.AtOnce} }},
	{name: "a bare 200", wrap: answerWith(false)},
	{name: "lost", wrap: answerWith(true)},
}

func TestEachRequestOfAMoveMayFailOnceOrBeLost(t *testing.T) {
	for _, f := range faultsOfAMove {
		for op := range 3 {
			t.Run(fmt.Sprintf("%s/%d", f.name, op), func(t *testing.T) {
				eachWay(t, func(t *testing.T, r *rig) {
					r.putMarked("in/a", "a")
					var acked atomic.Bool
					r.ack = func(service.MessageBatch) error { acked.Store(true); return nil }
					var fired atomic.Bool
					n := 0
					r.server.SetFaults(func(q emulator.Request) emulator.Fault {
						wrong := acked.Load() && (takes(q) && op == 0 || !takes(q) && op > 0)
						if wrong {
							n++
						}
						if f.fault != nil && wrong && n == max(op, 1) {
							fired.Store(true)
							return f.fault(q)
						}
						return emulator.Fault{}
					})
					if f.wrap != nil {
						n := 0
						r.wrap = f.wrap(func(req *http.Request) bool {
							if !acked.Load() || (req.Method == http.MethodPut || req.Method == http.MethodDelete || strings.HasSuffix(req.URL.Path, "/move")) == (op == 2) {
								return false
							}
							if n++; n == op+1 {
								fired.Store(true)
							}
							return n == op+1
						})
					}
					require.Equal(t, "", errOf(r.run().Err))
					require.Equal(t, []string{"created in/a"}, r.arrived())
					r.requireMoved("in/a", "done/a", "a")
					oneRequest := r.server.Count(emulator.OpCopy) == 0
					require.Equal(t, f.wrap == nil || op != 1 || !oneRequest, fired.Load())
				})
			})
		}
	}
}

// answerWith has a request that matches take effect and its answer be lost, or has
// something on the way say 200 in its place.
func answerWith(effect bool) func(func(*http.Request) bool) func(http.RoundTripper) http.RoundTripper {
	return func(match func(*http.Request) bool) func(http.RoundTripper) http.RoundTripper {
		var mu sync.Mutex
		return func(inner http.RoundTripper) http.RoundTripper {
			return roundTripper(func(req *http.Request) (*http.Response, error) {
				mu.Lock()
				wrong := match(req)
				mu.Unlock()
				if !wrong {
					return inner.RoundTrip(req)
				}
				if !effect {
					return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
				}
				res, err := inner.RoundTrip(req)
				if err != nil {
					return nil, err
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				return nil, errors.New("connection reset by peer")
			})
		}
	}
}

// Something on the way says that the source is deleted, and it is not.
func TestAMoveIsOverWhenTheListingSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, moves)
		r.putMarked("in/a", "a")
		lies := 3
		r.wrap = func(inner http.RoundTripper) http.RoundTripper {
			return roundTripper(func(req *http.Request) (*http.Response, error) {
				if req.Method != http.MethodDelete || lies == 0 {
					return inner.RoundTrip(req)
				}
				lies--
				return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
			})
		}
		require.Equal(t, "", errOf(r.run().Err))
		require.Zero(t, lies)
		r.requireMoved("in/a", "done/a", "a")
	})
}

func TestWhatCouldNotBeMovedIsToldAndALaterRunFinishesItWithoutDelivering(t *testing.T) {
	for name, status := range map[string]int{"failing": 500, "denied": 403} {
		t.Run(name, func(t *testing.T) {
			eachWay(t, func(t *testing.T, r *rig) {
				r.fields += withState(t) + "retry: {max_attempts: 3}\n"
				r.putMarked("in/a", "a")
				r.server.SetFaults(func(q emulator.Request) emulator.Fault {
					if takes(q) {
						return emulator.Fault{Status: status}
					}
					return emulator.Fault{}
				})
				report := r.run()
				require.ErrorContains(t, report.Err, "1 object delivered but not moved")
				require.EqualValues(t, 1, report.NotRemoved)
				require.Len(t, r.logs.linesWith("level=ERROR", `Object \"in/a\" was delivered, but could not be moved (after_delivery): `), 1)
				require.Len(t, r.arrived(), 1)
				r.requireThere("in/a", "a")

				require.ErrorContains(t, r.run().Err, "1 object delivered but not moved", "told again")
				r.server.SetFaults(nil)
				report = r.run()
				require.Equal(t, "", errOf(report.Err))
				require.EqualValues(t, 1, report.Unchanged)
				require.Empty(t, r.arrived())
				r.requireMoved("in/a", "done/a", "a")
			})
		})
	}
}

func TestAContinuousRunTriesAMoveAgainWithoutDelivering(t *testing.T) {
	eachWay(t, func(t *testing.T, r *rig) {
		r.fields += minutely + "retry: {max_attempts: 2}\nemit_deletes: true\nmax_delete_ratio: 1\n"
		r.putMarked("in/a", "a")
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if takes(q) {
				return emulator.Fault{Status: 503}
			}
			return emulator.Fault{}
		})
		stop := r.live()
		time.Sleep(30 * time.Minute)
		r.server.SetFaults(nil)
		time.Sleep(time.Hour)
		r.requireMoved("in/a", "done/a", "a")
		require.Equal(t, []string{"created in/a"}, r.arrived(), "no repeat, and no deletion")
		r.putMarked("in/a", "a")
		time.Sleep(2 * aPass)
		stop()
		require.Equal(t, []string{"created in/a"}, r.arrived(), "a new upload")
		r.requireMoved("in/a", "done/a", "a")
	})
}

func TestWhatLiesBelowMoveToIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, minutely+"source_path: docs\nafter_delivery: move\nmove_to: done/\nemit_deletes: true\nmax_delete_ratio: 1\n"+withState(t))
		r.putMarked("a", "a")
		r.putMarked("done/old", "old")
		stop := r.live()
		time.Sleep(5 * aPass)
		stop()
		require.Equal(t, []string{"created a"}, r.arrived())
		r.requireMoved("a", "done/a", "a")
		r.requireThere("done/old", "old")
		require.NotEmpty(t, r.logs.linesWith("filtered"))
	})
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "source_path: docs\nafter_delivery: move\nmove_to: done/\n")
		r.putMarked("done/old", "old")
		require.Equal(t, map[string]int64{"moved": 1}, r.run().Filtered)
	})
}

func TestAKeyThatWouldBeTooLongIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, moves)
		key := "in/" + strings.Repeat("k", 1020)
		r.putMarked(key, "a")
		require.Equal(t, "", errOf(r.run().Err))
		r.requireThere(key, "a")
		require.Len(t, r.logs.linesWith("level=WARN", "its key below move_to would have 1025 bytes, and the longest have 1024"), 1)
	})
}

func TestTwoKeysNeverBecomeOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "source_path: docs/in\nafter_delivery: move\nmove_to: done/\n")
		r.putMarked("in/x", "same")
		r.putMarked("inx", "same")
		require.Equal(t, "", errOf(r.run().Err))
		r.requireMoved("in/x", "done/x", "same")
		r.requireThere("inx", "same")
		require.Len(t, r.logs.linesWith("level=WARN", "does not lie in the folder"), 1)
	})
}

// A crash leaves a state of some moment, and a move between any two of its requests.
func TestAfterKillsAndFaultsEachObjectIsOnceAtItsNewKey(t *testing.T) {
	seeds := uint64(6)
	if underRace {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			eachWay(t, func(t *testing.T, r *rig) {
				chance := rand.New(rand.NewPCG(seed, 1))
				var mu sync.Mutex
				number := func(n int) int { mu.Lock(); defer mu.Unlock(); return chance.IntN(n) }
				luck := func(n int) bool { return number(n) == 0 }
				const objects = 60
				want := map[string]string{}
				for i := range objects {
					key := fmt.Sprintf("%02d/%d.txt", i%7, i)
					want[key] = fmt.Sprintf("content %d", i)
					r.putMarked("in/"+key, want[key])
				}
				var dead bool
				state := t.TempDir()
				r.fields += "sync_mode: continuous\npolling_interval: 30s\nretry: {max_attempts: 3}\nemit_deletes: true\nmax_delete_ratio: 1\n"
				base := r.fields
				r.wrap = func(inner http.RoundTripper) http.RoundTripper {
					return roundTripper(func(req *http.Request) (*http.Response, error) {
						mu.Lock()
						gone := dead
						mu.Unlock()
						if gone || luck(12) {
							return nil, errors.New("connection refused")
						}
						res, err := inner.RoundTrip(req)
						if err == nil && luck(8) { // it took effect
							_ = res.Body.Close()
							return nil, errors.New("connection reset by peer")
						}
						return res, err
					})
				}
				r.server.SetFaults(func(emulator.Request) emulator.Fault {
					switch {
					case luck(15):
						return emulator.Fault{Status: 500}
					case luck(15):
						return emulator.Fault{Status: 544, Delay: time.Second}
					}
					return emulator.Fault{Delay: 20 * time.Millisecond}
				})
				got := map[string]int{}
				for life := range 6 {
					r.fields = fmt.Sprintf("%sstate: {path: %q}\n", base, fmt.Sprintf("%s/%d.db", state, life))
					mu.Lock()
					dead = false
					mu.Unlock()
					end := r.begin()
					time.Sleep(time.Duration(100+number(1500)) * time.Millisecond)
					left := copyOf(t, fmt.Sprintf("%s/%d.db", state, life))
					mu.Lock()
					dead = true // what a kill leaves: the state of this moment, and no further request
					mu.Unlock()
					_ = end()
					for _, event := range r.arrived() {
						got[event]++
					}
					writeFile(t, fmt.Sprintf("%s/%d.db", state, life+1), left)
				}
				r.wrap = nil
				r.server.SetFaults(nil)
				r.fields = fmt.Sprintf("%sstate: {path: %q}\n", base, fmt.Sprintf("%s/%d.db", state, 6))
				stop := r.live()
				time.Sleep(2 * time.Hour)
				stop()
				for _, event := range r.arrived() {
					got[event]++
				}
				for key, body := range want {
					r.requireMoved("in/"+key, "done/"+key, body)
					require.Positive(t, got["created in/"+key], "%s was never delivered", key)
					require.Zero(t, got["deleted in/"+key], "%s was told as deleted", key)
				}
			})
		})
	}
}

func copyOf(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if !errors.Is(err, os.ErrNotExist) {
		require.NoError(t, err)
	}
	return data
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if len(data) > 0 {
		require.NoError(t, os.WriteFile(path, data, 0o600))
	}
}
