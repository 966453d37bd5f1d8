package emit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"
)

// logged are the lines of a log.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) logger() *service.Logger { return service.NewLoggerFromSlog(slog.New(l)) }

// Enabled implements slog.Handler.
func (l *logged) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (l *logged) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, r.Message)
	return nil
}

// WithAttrs implements slog.Handler.
func (l *logged) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup implements slog.Handler.
func (l *logged) WithGroup(string) slog.Handler { return l }

// with gives the lines that have all of some words.
func (l *logged) with(words ...string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) }) {
			found = append(found, line)
		}
	}
	return found
}

const notAcknowledged = "and is not acknowledged"

var errRefused = errors.New("refused by the output")

// Not with a whole input: the wrapper of Benthos sleeps under the lock that the
// other acks wait for, and the time of a bubble stands still then.
func TestAnObjectThatIsRefusedWhileOthersPassIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs := &logged{}
		u := NewUndelivered(logs.logger(), func(time.Duration, int) {})
		ack := func(context.Context, error) error { return nil }
		slow, poison := u.HandOver("slow", ack), u.HandOver("poison", ack)
		time.Sleep(500 * time.Millisecond) // so that nothing happens at the moment of a look
		for range 50 {
			other := u.HandOver("other", ack)
			time.Sleep(5 * time.Second)
			u.refuse("poison", errRefused)
			require.NoError(t, other(t.Context(), nil))
		}
		lines := logs.with(notAcknowledged)
		require.Len(t, lines, 3, "after 1, 2 and 4 minutes")
		require.Contains(t, lines[0], `"poison"`, "what is slow and was not refused may be large")
		require.Contains(t, lines[2], "refused it 47 times, the last time with: "+errRefused.Error())
		require.NoError(t, poison(t.Context(), nil))
		require.Len(t, logs.with(`The output has acknowledged messages of object "poison", after 4m1`), 1)
		time.Sleep(StuckAfter + time.Second)
		require.Len(t, logs.with(notAcknowledged, `"slow"`, `last object that it refused is "poison"`), 1, "nothing at all is acknowledged now")
		require.NoError(t, slow(t.Context(), nil))
		u.Close()
	})
}

func TestTheOldestBatchIsFoundInWhateverOrderTheyAreAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs := &logged{}
		u := NewUndelivered(logs.logger(), func(time.Duration, int) {})
		acks := map[string]service.AckFunc{}
		for _, key := range []string{"a", "b", "c", "d"} {
			acks[key] = u.HandOver(key, func(context.Context, error) error { return nil })
			time.Sleep(time.Second)
		}
		for _, step := range []struct{ ack, oldest string }{{"b", "a"}, {"d", "a"}, {"a", "c"}, {"a", "c"}, {"c", ""}} {
			require.NoError(t, acks[step.ack](t.Context(), nil))
			if step.oldest == "" {
				require.Equal(t, "", u.Why())
			} else {
				require.Contains(t, u.Why(), `object "`+step.oldest+`"`)
			}
		}
		time.Sleep(time.Hour)
		u.mu.Lock()
		defer u.mu.Unlock()
		require.Zero(t, u.batches)
		require.False(t, u.looking, "nothing waits, so nothing is looked at")
		require.Empty(t, logs.lines)
	})
}

func TestWhatAnOutputSaysIsShownWithoutSecretsAndEscapes(t *testing.T) {
	u := NewUndelivered((&logged{}).logger(), func(time.Duration, int) {})
	defer u.Close()
	u.HandOver("a", func(context.Context, error) error { return nil })
	token := "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2lnbmF0dXJl"
	u.refuse("a", fmt.Errorf("401\x1b[2J for https://me:hunter22@hook.example with \"Authorization: Bearer %s\"\nlevel=error", token))
	why := u.Why()
	require.Contains(t, why, "401 for https://[redacted]@hook.example")
	for _, bad := range []string{token, "hunter22", "\x1b", "\n"} {
		require.NotContains(t, why, bad)
	}
}
