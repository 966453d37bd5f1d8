package scope

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	_ "github.com/redpanda-data/benthos/v4/public/components/pure"
	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/meter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
)

// lines are those of a log.
type lines struct{ bytes.Buffer }

// with counts the lines that have all of some words.
func (l *lines) with(words ...string) (n int) {
lines:
	for line := range strings.Lines(l.String()) {
		for _, word := range words {
			if !strings.Contains(line, word) {
				continue lines
			}
		}
		n++
	}
	return n
}

// made is a scope that was made of some fields and makes no request.
func made(t *testing.T, voice Voice, fields string) (*Scope, *lines) {
	t.Helper()
	parsed, err := config.Spec().ParseYAML(`
project_ref: abcdefghijklmnopqrst
region: eu-central-1
credentials: {type: access_key, access_key_id: id, secret_access_key: secret}
source_path: docs
`+fields, nil)
	require.NoError(t, err)
	conf, err := config.Parse(parsed)
	require.NoError(t, err)
	logs := &lines{}
	res := service.MockResources(service.MockResourcesOptUseLogger(service.NewLoggerFromSlog(slog.New(slog.NewTextHandler(logs, nil)))))
	shared := NewShared(t.Context(), conf, res, meter.New(res.Metrics()), voice, func() bool { return false })
	endpoint := NewEndpoint(shared, conf, conf.Keys, shared.Log, shared.Meters, EndpointOptions{})
	s, err := New(endpoint, conf, shared.Log, shared.Meters, Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s, logs
}

func TestObjectsThatAreKeptAreTenLinesAndACount(t *testing.T) {
	s, logs := made(t, Alone, "delete_objects: true\n")
	for i := range 25 {
		s.watcher.NotRemoved(object.Object{Key: fmt.Sprint(i)}, "it is listed as another version now", nil)
		s.watcher.NotRemoved(object.Object{Key: fmt.Sprint(i)}, "", errors.New("denied"))
	}
	s.watcher.ended()
	require.Contains(t, logs.String(), `Object \"0\" was delivered but kept (delete_objects): it is listed as another version now`)
	require.Equal(t, LinesOfAKind, logs.with("level=WARN", "was delivered but kept"))
	require.Equal(t, LinesOfAKind, logs.with("level=ERROR", "was delivered, but could not be deleted"))
	require.Equal(t, 1, logs.with("15 more objects were delivered but kept"))
	require.Equal(t, 1, logs.with("15 more objects were delivered, but could not be deleted"))
	before := logs.with("more objects")
	s.watcher.ended()
	require.Equal(t, before, logs.with("more objects"), "said once")
}

func TestARunThatCanNotWriteItsStateSaysSo(t *testing.T) {
	s, _ := made(t, Alone, "")
	hooks := s.keeperHooks()
	hooks.Failing(errors.New("no space left on device"), 0)
	require.Contains(t, s.heldUp(pass.Report{}, 0, nil), "waiting until the state can be written: no space left")
	hooks.Recovered(time.Second)
	require.Equal(t, "waiting for the listing", s.heldUp(pass.Report{}, 0, nil))
}

func TestOneOfManySaysThatItsStateFailsWhereNoOtherHas(t *testing.T) {
	for voice, want := range map[Voice]int{Alone: 2, OneOfMany: 1} {
		s, logs := made(t, voice, "")
		hooks := s.keeperHooks()
		hooks.Failing(errors.New("no space left on device"), 0)
		hooks.Failing(errors.New("no space left on device"), time.Hour)
		require.Equal(t, want, logs.with("level=ERROR", "no space left"), logs.String())
		hooks.Recovered(time.Hour)
		require.Equal(t, 1, logs.with("level=INFO", "can be written again after 1h"), "it was the only one")
	}
}
