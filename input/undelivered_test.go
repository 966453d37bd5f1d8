package input

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// linesWith gives the log lines that have all of some words.
func (l *logLines) linesWith(words ...string) (found []string) {
lines:
	for line := range strings.Lines(l.String()) {
		for _, word := range words {
			if !strings.Contains(line, word) {
				continue lines
			}
		}
		found = append(found, strings.TrimSpace(line))
	}
	return found
}

const notAcknowledged = "and is not acknowledged"

func TestAnObjectThatTheOutputRefusesForeverIsNamedWithTheReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.server.Put("docs", "poison", []byte("x"))
		from := time.Now()
		r.ack = func(service.MessageBatch) error {
			time.Sleep(5 * time.Second) // by when all is read: the wrapper of Benthos sleeps under a lock, and the time of a bubble stands still for what waits for it
			if time.Since(from) < 10*time.Minute {
				return fmt.Errorf("413 payload\ntoo large, %s", strings.Repeat("x", 1000))
			}
			return nil
		}
		report := r.run()
		require.Equal(t, "", errOf(report.Err))
		lines := r.logs.linesWith("level=WARN", notAcknowledged)
		require.Len(t, lines, 4, "after 1, 2, 4 and 8 minutes")
		for i, wait := range []string{"1m0s", "2m0s", "4m0s", "8m0s"} {
			require.Contains(t, lines[i], `Object \"poison\" was handed to the output `+wait+" ago")
			require.Contains(t, lines[i], "413 payload too large")
			require.Less(t, len(lines[i]), 700)
		}
		require.Len(t, r.logs.linesWith(`The output has acknowledged messages of object \"poison\", after 10m`), 1)
	})
}

func TestAnOutputThatNeverAnswersIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		for i := range 5 {
			r.server.Put("docs", fmt.Sprint(i), []byte("x"))
		}
		gate := make(chan struct{})
		r.ack = func(service.MessageBatch) error { <-gate; return nil }
		time.AfterFunc(5*time.Hour+30*time.Minute, func() { close(gate) })
		require.Equal(t, "", errOf(r.run().Err))
		lines := r.logs.linesWith(notAcknowledged)
		// After 1, 2, 4, ... 64 and 128 minutes, then every hour.
		require.Len(t, lines, 7+4)
		require.Contains(t, lines[0], "1m0s ago and is not acknowledged; 5 batches of messages wait in all. The output has not answered")
		require.Len(t, r.logs.linesWith("The output has acknowledged"), 1)
	})
}

func TestAnOutputThatAcknowledgesInTimeIsNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		for i := range 20 {
			r.server.Put("docs", fmt.Sprint(i), []byte("x"))
		}
		var before atomic.Int64
		r.ack = func(service.MessageBatch) error { // one after the other, 50 seconds each
			time.Sleep(time.Duration(before.Add(1)) * 50 * time.Second)
			return nil
		}
		require.Equal(t, "", errOf(r.run().Err))
		require.Empty(t, r.logs.linesWith(notAcknowledged))
	})
}

func TestProgressIsToldWhileNothingMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.server.Put("docs", "a", []byte("x"))
		r.ack = func(service.MessageBatch) error { time.Sleep(45 * time.Second); return nil }
		require.Equal(t, "", errOf(r.run().Err))
		lines := r.logs.linesWith(`Reading bucket \"docs\": 1 listed, 0 filtered, 0 delivered (0 B), 1 under way`)
		require.Len(t, lines, 4, "every ten seconds")
	})
}

func TestAPassThatIsOverTellsNoProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "sync_mode: continuous\npolling_interval: 10m\n")
		r.server.Put("docs", "a", []byte("x"))
		stop := r.live()
		time.Sleep(time.Hour)
		stop()
		require.Empty(t, r.logs.linesWith(`Reading bucket \"docs\": `))
	})
}

func TestProgressSaysWhichRequestsFailWhileNothingMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.server.Put("docs", "a", []byte("x"))
		from := time.Now()
		lists := 0
		r.server.SetFaults(func(q emulator.Request) emulator.Fault {
			if q.Op == emulator.OpList {
				lists++
			}
			if q.Op == emulator.OpList && lists > 1 && time.Since(from) < 25*time.Second {
				return emulator.Fault{Status: 503}
			}
			return emulator.Fault{}
		})
		require.Equal(t, "", errOf(r.run().Err))
		require.Len(t, r.logs.linesWith("0 listed", "nothing has moved for 20s, failed requests: ", ", the last with: ", "HTTP 503"), 1)
	})
}

func TestProgressBlamesNoRequestsWhileAnOutputIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.server.Put("docs", "a", []byte("x"))
		r.ack = func(service.MessageBatch) error { time.Sleep(45 * time.Second); return nil }
		require.Equal(t, "", errOf(r.run().Err))
		require.Empty(t, r.logs.linesWith("nothing has moved"))
	})
}
