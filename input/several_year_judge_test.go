package input

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/scope"
)

// objectLife is an object as it is stored, and what was told of it.
type objectLife struct {
	scope   string
	content string // "" where there is none
	before  string // the content until since
	since   time.Time
	life    int // how often it was written or deleted

	// told is the content that was delivered last, "" where a deletion was told after it.
	told     string
	toldLife int
	toldAt   time.Time
	// lost says that a crash may have taken with it that this was told.
	lost bool
}

// change has an object change. It is called with the lock held.
func (o *objectLife) change(content string) {
	o.before, o.content, o.since = o.content, content, time.Now()
	o.life++
}

// sameTime is how far apart a change and its message may be and still count as
// simultaneous.
const sameTime = time.Minute

// take judges a message that was acknowledged.
func (y *year) take(msg *service.Message) {
	y.mu.Lock()
	defer y.mu.Unlock()
	name := meta(msg, emit.MetaProjectRef) + "/" + meta(msg, emit.MetaBucket) + "/" + meta(msg, emit.MetaKey)
	o, now := y.objects[name], time.Now()
	if now.Sub(y.lastMoment) > scope.ProgressEvery/2 {
		y.moments++
		y.lastMoment = now
	}
	if o == nil {
		y.wrong("%s was told of and never was", name)
		return
	}
	body, _ := msg.AsBytes()
	content := string(body)
	fresh := now.Sub(o.since) < sameTime
	if meta(msg, emit.MetaEvent) == "deleted" {
		y.deleted++
		content = ""
		switch {
		case !y.deletes:
			y.wrong("%s: a deletion was told", name)
		case o.content != "" && !(fresh && o.before == ""):
			y.wrong("%s: a deletion was told of what is there", name)
		case o.told == "" && !o.lost:
			y.wrong("%s: a deletion was told again", name)
		}
	} else {
		y.delivered++
		switch {
		case content != o.content && !(fresh && content == o.before):
			y.wrong("%s: %q was delivered, and %q is stored", name, content, o.content)
		case content == o.told && o.toldLife == o.life:
			y.repeats++
			if !o.lost {
				y.wrong("%s: %q was delivered again", name, content)
			}
		}
	}
	o.told, o.toldLife, o.toldAt, o.lost = content, o.life, now, false
}

// crashed notes what a process may not have written when it ended at once: what was
// acknowledged in the last second, and since the state could not be written.
func (y *year) crashed() {
	y.mu.Lock()
	defer y.mu.Unlock()
	written := time.Now()
	if y.store.downSince.Before(written) && y.store.isDown() {
		written = y.store.downSince
	}
	for _, o := range y.objects {
		o.lost = o.lost || o.toldAt.After(written.Add(-1100*time.Millisecond))
	}
}

// judge looks whether everything has arrived that has been as it is for long enough.
func (y *year) judge() {
	y.mu.Lock()
	defer y.mu.Unlock()
	now := time.Now()
	for name, o := range y.objects {
		s := y.scopes[o.scope]
		if !s.clear || now.Sub(s.since) < arrives || now.Sub(o.since) < arrives {
			continue
		}
		switch {
		case o.content != "" && o.told != o.content:
			y.wrong("%s: %q has not arrived (%q was told), stored since %s, clear since %s", name, o.content, o.told, y.when(o.since), y.when(s.since))
		case o.content == "" && o.told != "" && y.deletes && !o.lost:
			y.wrong("%s: its deletion has not arrived, deleted since %s, clear since %s", name, y.when(o.since), y.when(s.since))
		}
		if o.content != "" {
			o.lost = false
		}
	}
	y.mustBeRight()
}

// wrong notes a violation. It is called with the lock held.
func (y *year) wrong(format string, args ...any) {
	text := y.when(time.Now()) + " WRONG: " + fmt.Sprintf(format, args...)
	y.story = append(y.story, text)
	y.violations = append(y.violations, text)
}

// mustBeRight ends the test with the story so far if something was wrong. It is called
// with the lock held.
func (y *year) mustBeRight() {
	if len(y.violations) == 0 {
		return
	}
	story := append(slices.Clone(y.story), y.log.all(y.when)...)
	slices.SortStableFunc(story, func(a, b string) int { return strings.Compare(a[:whenLength], b[:whenLength]) })
	y.t.Logf("seed %d\n%s", y.seed, strings.Join(story[max(0, len(story)-400):], "\n"))
	y.end()
	require.Empty(y.t, y.violations)
}

// whenLength is the length of the text of a time.
const whenLength = len("day 000 00:00:00.000")

func (y *year) when(at time.Time) string {
	d := at.Sub(y.began)
	return fmt.Sprintf("day %03d %02d:%02d:%06.3f", int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60, (d % time.Minute).Seconds())
}

// yearLog keeps the lines at Info and above.
type yearLog struct {
	muted atomic.Bool // nobody reads the log of a process that crashed

	mu    sync.Mutex
	lines []yearLine
}

type yearLine struct {
	at    time.Time
	level slog.Level
	text  string
}

func (l *yearLog) logger() *service.Logger { return service.NewLoggerFromSlog(slog.New(l)) }

func (l *yearLog) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

func (l *yearLog) Handle(_ context.Context, r slog.Record) error {
	if l.muted.Load() || r.Level < slog.LevelInfo {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, yearLine{time.Now(), r.Level, r.Message})
	return nil
}

func (l *yearLog) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *yearLog) WithGroup(string) slog.Handler      { return l }

func (l *yearLog) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.lines)
}

func (l *yearLog) all(when func(time.Time) string) (lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		lines = append(lines, when(line.at)+" LOG "+line.level.String()+": "+line.text)
	}
	return lines
}

// yearStore outlives the processes that use it.
type yearStore struct {
	mu        sync.Mutex
	values    map[string][]byte
	down      bool
	downSince time.Time
	writes    int
}

func (s *yearStore) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down, s.downSince = down, time.Now()
}

func (s *yearStore) isDown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down
}

func (s *yearStore) size() (bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, value := range s.values {
		bytes += len(key) + len(value)
	}
	return bytes
}

// written is how often something was written.
func (s *yearStore) written() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

// yearHandle is a store as one process has it.
type yearHandle struct {
	*yearStore
	dead atomic.Bool
}

var (
	errStoreDown = errors.New("using the cache resource \"shared\": connection refused")
	errDead      = errors.New("the process has crashed")
)

// access runs f with the lock held, unless nobody has access.
func (h *yearHandle) access(f func() error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.dead.Load():
		return errDead
	case h.down:
		return errStoreDown
	}
	return f()
}

// Get implements ledger.Store.
func (h *yearHandle) Get(_ context.Context, key string) (value []byte, _ error) {
	err := h.access(func() error {
		v, there := h.values[key]
		if !there {
			return ledger.ErrNotFound
		}
		value = bytes.Clone(v)
		return nil
	})
	return value, err
}

// Put implements ledger.Store.
func (h *yearHandle) Put(_ context.Context, entries ...ledger.Entry) error {
	return h.access(func() error {
		for _, e := range entries {
			h.values[e.Key] = bytes.Clone(e.Value)
		}
		h.writes++
		return nil
	})
}

// Delete implements ledger.Store.
func (h *yearHandle) Delete(_ context.Context, keys ...string) error {
	return h.access(func() error {
		for _, key := range keys {
			delete(h.values, key)
		}
		h.writes++
		return nil
	})
}

// Close implements ledger.Store.
func (h *yearHandle) Close() error { return nil }
