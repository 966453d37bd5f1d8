package input

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// hostileKeys are keys that the Storage API allows and that clients get wrong.
var hostileKeys = []string{
	"f.txt", "f.txt.bak", "f.txt-1", "f.txt (copy)", "f.txt/inside",
	"/leading", "//two", "dbl//slash", "trailing/", "trailing ", " leading space",
	"a/./b", "a/../b", "plus+sign", "eq=uals", "amp&ersand", "col:on", "semi;colon", "quest?ion",
	"com,ma", "at@sign", "dol$lar", "par(en)", "ex!claim", "apos'trophe", "st*ar", "under_score",
	strings.Repeat("k", 1024),
}

func TestEveryObjectArrivesOnceByteForByte(t *testing.T) {
	for scanner, fields := range map[string]string{
		"to_the_end": "",
		"lines":      "scanner: {lines: {}}\n",
	} {
		t.Run(scanner, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, fields)
				want := fillWithLines(r.server, 2300)
				report := r.run()
				require.Equal(t, "", errOf(report.Err))
				require.Equal(t, want, joined(r.contents()))
				require.Equal(t, int64(len(want)), report.Delivered)
				require.Equal(t, 3, r.server.Count(emulator.OpList)-1, "pages, after the probe")
				require.Equal(t, len(want), r.server.Count(emulator.OpGet))
				require.Zero(t, r.server.Count(emulator.OpHead))
			})
		})
	}
}

// fillWithLines uploads objects of a few lines under hostile and plain keys.
func fillWithLines(s *emulator.Server, n int) map[string]string {
	want := map[string]string{}
	for i := range n {
		key := fmt.Sprintf("dir%d/file %d.txt", i%7, i)
		if i < len(hostileKeys) {
			key = hostileKeys[i]
		}
		var lines []string
		for l := range 1 + i%5 {
			lines = append(lines, fmt.Sprintf("line %d of %q %s", l, key, strings.Repeat("x", i%100)))
		}
		want[key] = strings.Join(lines, "\n")
		s.Put("docs", key, []byte(want[key]), emulator.WithRawKey())
	}
	return want
}

// joined puts the messages of each object together again as lines.
func joined(got map[string][]string) map[string]string {
	out := map[string]string{}
	for key, parts := range got {
		out[key] = strings.Join(parts, "\n")
	}
	return out
}

func TestNothingIsLostOrTornWhenRequestsFail(t *testing.T) {
	for scanner, fields := range map[string]string{
		"to_the_end": "",
		"lines":      "scanner: {lines: {}}\n",
	} {
		t.Run(scanner, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, fields)
				want := fillWithLines(r.server, 1500)
				rng := rand.New(rand.NewPCG(1, 2))
				var mu sync.Mutex
				r.server.SetFaults(func(q emulator.Request) emulator.Fault {
					mu.Lock()
					defer mu.Unlock()
					statuses := []int{500, 503, 544, 429}
					switch p := rng.Float64(); {
					case q.Op == emulator.OpList && p < 0.3, q.Op == emulator.OpGet && p < 0.1:
						return emulator.Fault{Status: statuses[rng.IntN(4)]}
					case q.Op == emulator.OpGet && p < 0.2:
						return emulator.Fault{CutFraction: rng.Float64()}
					case q.Op == emulator.OpGet && p < 0.22:
						return emulator.Fault{CleanCutAfter: 1}
					case q.Op == emulator.OpGet && p < 0.23:
						return emulator.Fault{StallAfter: 1}
					case q.Op == emulator.OpGet && p < 0.24:
						return emulator.Fault{HangUp: true}
					}
					return emulator.Fault{}
				})
				report := r.run()
				require.Equal(t, "", errOf(report.Err))
				require.Equal(t, want, joined(r.contents()))
				require.NotContains(t, r.logs.String(), "level=ERROR")
			})
		})
	}
}

func TestAnObjectThatIsOverwrittenWhileItIsReadArrivesAsOneVersion(t *testing.T) {
	for _, fields := range []string{"", "scanner: {lines: {}}\n"} {
		t.Run(fields, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, fields)
				const lines = 13_000 // 13 MB: more than is read in one piece
				version := func(word string) []byte {
					return []byte(strings.Repeat(strings.Repeat(word+" version of it ", 60)+"\n", lines))
				}
				r.server.Put("docs", "k", version("old"))
				r.server.SetFaults(func(q emulator.Request) emulator.Fault {
					if q.Op == emulator.OpGet && q.N == 1 {
						return emulator.Fault{CutFraction: 0.7}
					}
					if q.Op == emulator.OpGet && q.N == 2 {
						return emulator.Fault{Before: func() { r.server.Put("docs", "k", version("new")) }}
					}
					return emulator.Fault{}
				})
				var whole int
				r.ack = func(batch service.MessageBatch) error { return nil }
				report := r.run()
				require.Equal(t, "", errOf(report.Err))
				require.Equal(t, int64(1), report.Delivered)
				stored, _, _ := r.server.Get("docs", "k")
				for _, msg := range r.messages {
					body, err := msg.AsBytes()
					require.NoError(t, err)
					fresh := meta(msg, emit.MetaETag) == stored.ETag
					if fresh {
						whole++
					}
					text := strings.TrimSuffix(string(body), "\n")
					require.Equal(t, strings.Count(text, "version"), strings.Count(text, map[bool]string{true: "new version of it", false: "old version of it"}[fresh]), "no message mixes versions or is torn")
				}
				require.Equal(t, map[bool]int{true: 1, false: lines}[fields == ""], whole, "the new version arrives whole")
			})
		})
	}
}

func TestALineThatWasCutIsNeverDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "scanner: {lines: {}}\nretry: {max_attempts: 2}\n")
		line := strings.Repeat("a", 999)
		r.server.Put("docs", "k", []byte(strings.Repeat(line+"\n", 10_000)))
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpGet && q.Offset == 0 {
				return emulator.Fault{CutAfter: 9_000_050} // in the middle of a line
			}
			if q.Op == emulator.OpGet {
				return emulator.Fault{Status: 500}
			}
			return emulator.Fault{}
		})
		report := r.run()
		require.Equal(t, map[string]int64{"unavailable": 1}, report.Parked)
		require.NotEmpty(t, r.messages)
		for _, msg := range r.messages {
			body, err := msg.AsBytes()
			require.NoError(t, err)
			require.Equal(t, line, string(body))
		}
	})
}

func TestARefusedMessageIsDeliveredAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.server.Put("docs", "a", []byte("x"))
		var mu sync.Mutex
		refusals := 0
		r.ack = func(service.MessageBatch) error {
			mu.Lock()
			defer mu.Unlock()
			// Benthos waits before a third repetition, under a lock for which a bubble
			// can't wait.
			if refusals++; refusals <= 2 {
				return errRefused
			}
			return nil
		}
		report := r.run()
		require.Equal(t, "", errOf(report.Err))
		require.Equal(t, []string{"x", "x", "x"}, r.contents()["a"])
		require.Equal(t, 1, r.server.Count(emulator.OpGet), "it is not downloaded again")
		require.Equal(t, int64(1), report.Delivered)
	})
}

func TestWithoutReplayARefusedObjectCountsAsFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "auto_replay_nacks: false\nscanner: {lines: {}}\n")
		r.server.Put("docs", "a", []byte("1\n2\n3"))
		r.server.Put("docs", "b", []byte("4"))
		r.ack = func(batch service.MessageBatch) error {
			if body, _ := batch[0].AsBytes(); string(body) == "2" {
				return errRefused
			}
			return nil
		}
		report := r.run()
		require.Equal(t, map[string]int64{"rejected": 1}, report.Parked)
		require.Equal(t, int64(1), report.Delivered)
		require.ErrorContains(t, report.Err, "1 of 2 objects could not be delivered (rejected: 1)")
		require.Contains(t, r.logs.String(), "refused by the output")
	})
}

func TestEachWayAnObjectEndsIsCountedAndTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, `
include_patterns: ["*.txt", "*.gz"]
exclude_patterns: ["secret*"]
modified_since: 1999-06-01
min_age: 1m
max_object_size: 1000
skip_empty: true
scanner: {decompress: {algorithm: gzip, into: {to_the_end: {}}}}
retry: {max_attempts: 2}
`)
		put := func(key, body string, opts ...emulator.PutOption) {
			r.server.Put("docs", key, []byte(body), append([]emulator.PutOption{emulator.WithLastModified(time.Now().Add(-time.Hour))}, opts...)...)
		}
		var good bytes.Buffer
		zip := gzip.NewWriter(&good)
		_, _ = zip.Write([]byte("hello world"))
		require.NoError(t, zip.Close())
		put("good.gz", good.String())
		put("bad.gz", "this is not gzip")
		put("image.jpg", "x")
		put("secret.txt", "x")
		put("old.txt", "x", emulator.WithLastModified(time.Date(1999, 5, 31, 0, 0, 0, 0, time.UTC)))
		put("young.txt", "x", emulator.WithLastModified(time.Now()))
		put("large.txt", strings.Repeat("x", 1001))
		put("empty.txt", "")
		put("folder/.emptyFolderPlaceholder", "")
		put("gone.txt", "x")
		put("lost.txt", "x", emulator.WithMissingContent())
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpGet && q.Key == "gone.txt" {
				return emulator.Fault{Before: func() { r.server.Delete("docs", "gone.txt") }}
			}
			return emulator.Fault{}
		})
		report := r.run()
		require.Equal(t, map[string][]string{"good.gz": {"hello world"}}, r.contents())
		require.Equal(t, int64(11), report.Listed)
		require.Equal(t, int64(1), report.Delivered)
		require.Equal(t, int64(1), report.Vanished)
		require.Equal(t, map[string]int64{
			"include": 1, "exclude": 1, "modified_since": 1, "min_age": 1, "size": 1, "empty": 1, "placeholder": 1,
		}, report.Filtered)
		require.Equal(t, map[string]int64{"scanner": 1, "unavailable": 1}, report.Parked)
		require.Zero(t, report.Unsettled)
		require.ErrorContains(t, report.Err, `reading bucket "docs": 2 of 11 objects could not be delivered (scanner: 1, unavailable: 1): "`)
		require.ErrorContains(t, report.Err, `"bad.gz"`)
		require.ErrorContains(t, report.Err, `"lost.txt"`)
		logs := r.logs.String()
		require.Contains(t, logs, `bad.gz`)
		require.Contains(t, logs, `gzip: invalid header`)
		require.Equal(t, 1, strings.Count(logs, `Object \"lost.txt\" is parked (unavailable)`), "each parked object is named once")
	})
}

func TestAnEmptyObjectNeitherStopsNorStallsTheRun(t *testing.T) {
	for scanner, messages := range map[string]int{
		"to_the_end: {}": 1,
		"lines: {}":      0,
		"decompress: {algorithm: gzip, into: {to_the_end: {}}}": 0,
	} {
		t.Run(scanner, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "scanner: {"+scanner+"}\n")
				r.server.Put("docs", "empty", nil)
				report := r.run()
				require.Equal(t, "", errOf(report.Err))
				require.Equal(t, int64(1), report.Delivered)
				require.Len(t, r.contents()["empty"], messages)
			})
		})
	}
}

func TestDeliveredObjectsAreDeletedAfterTheirAck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "delete_objects: true\nauto_replay_nacks: false\n")
		for _, key := range []string{"kept-newer", "kept-refused", "removed"} {
			r.server.Put("docs", key, []byte("first"))
		}
		r.ack = func(batch service.MessageBatch) error {
			switch key := meta(batch[0], emit.MetaKey); key {
			case "kept-newer":
				r.server.Put("docs", key, []byte("second"))
			case "kept-refused":
				return errRefused
			case "removed":
				_, _, there := r.server.Get("docs", key)
				require.True(t, there, "it is deleted only after the ack")
			}
			return nil
		}
		report := r.run()
		require.Equal(t, int64(2), report.Delivered)
		_, _, removed := r.server.Get("docs", "removed")
		_, body, newer := r.server.Get("docs", "kept-newer")
		_, _, refused := r.server.Get("docs", "kept-refused")
		require.False(t, removed)
		require.True(t, newer)
		require.Equal(t, "second", string(body))
		require.True(t, refused)
	})
}

func TestClosingStopsTheRunAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		for i := range 500 {
			r.server.Put("docs", fmt.Sprint(i), []byte("x"))
		}
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpGet {
				return emulator.Fault{Delay: 50 * time.Second}
			}
			return emulator.Fault{}
		})
		require.NoError(t, r.build())
		require.NoError(t, r.input.Connect(t.Context()))
		time.Sleep(time.Second)
		start := time.Now()
		require.NoError(t, r.input.Close(context.Background()))
		require.Zero(t, time.Since(start))
		reports := Reports()
		report := reports[len(reports)-1]
		require.ErrorIs(t, report.Err, errInterrupted)
		require.ErrorContains(t, Interrupted(), "stopped before its end")
		require.NotContains(t, errOf(ExitError()), "stopped before its end")
	})
}

func TestAStalledPipelineStopsDownloadsAndRepeatsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "concurrency: {max_downloads: 10}\n")
		for i := range 5000 {
			r.server.Put("docs", fmt.Sprintf("%04d", i), []byte("x"))
		}
		batches := 0
		r.onBatch = func(service.MessageBatch) {
			if batches++; batches == 100 {
				time.Sleep(time.Minute)
				require.LessOrEqual(t, r.server.Count(emulator.OpGet), 100+10+2)
			}
		}
		report := r.run()
		require.Equal(t, "", errOf(report.Err))
		require.Equal(t, int64(5000), report.Delivered)
		require.Equal(t, 5000, r.server.Count(emulator.OpGet))
	})
}
