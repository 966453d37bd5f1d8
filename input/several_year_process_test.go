package input

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// year is an organization in which something happens every day, the input that reads it,
// and what has to have arrived.
type year struct {
	t       *testing.T
	seed    uint64
	rand    *rand.Rand
	fields  string
	deletes bool

	org   *emulator.Organization
	token struct{ file, now string }
	store *yearStore
	log   *yearLog
	began time.Time
	// planned is the time as the story has it.
	planned time.Time

	// The process that runs.
	handle    *yearHandle
	end       func() // ends it, whatever is wrong
	processes int
	crashes   int

	mu sync.Mutex
	// What follows is guarded by mu.
	objects    map[string]*objectLife // by "project/bucket/key"
	scopes     map[string]*scopeLife  // by "project/bucket"
	projects   []*projectLife
	apiDown    bool
	apiUntil   time.Time
	storeUntil time.Time
	running    bool
	story      []string
	violations []string
	// withhold is how many of the next batches are not acknowledged.
	withhold int
	// arrived hears of a batch, if somebody waits for it.
	arrived chan struct{}

	events, troubles, delivered, deleted, repeats, versions int
	// lines is how many the log may have except those of progress, of which there may be
	// one for each of the moments at which something arrived.
	lines, moments int
	lastMoment     time.Time
}

func newYear(t *testing.T, seed uint64, tokenFile, fields string, deletes bool) *year {
	y := &year{
		t: t, seed: seed, rand: rand.New(rand.NewPCG(seed, 2026)), fields: fields, deletes: deletes,
		org: emulator.NewOrganization(emulator.OrganizationOptions{}), store: &yearStore{values: map[string][]byte{}}, log: &yearLog{}, began: time.Now(), planned: time.Now(),
		objects: map[string]*objectLife{}, scopes: map[string]*scopeLife{}, arrived: make(chan struct{}, 1),
	}
	y.token.file = tokenFile
	y.newToken(y.org.AccessToken())
	for range 4 {
		y.addProject(false)
	}
	return y
}

// newToken writes another access token into its file.
func (y *year) newToken(token string) {
	y.token.now = token
	require.NoError(y.t, os.WriteFile(y.token.file, []byte(token+"\n"), 0o600))
}

// start runs the input until stop or crash is called.
func (y *year) start() {
	res := service.MockResources(service.MockResourcesOptUseLogger(y.log.logger()), service.MockResourcesOptAddCache("shared"))
	parsed, err := config.Spec().ParseYAML("source_path: \"*/\"\ncredentials: {type: access_token, access_token_file: "+strconv.Quote(y.token.file)+"}\n"+y.fields, nil)
	require.NoError(y.t, err)
	conf, err := config.Parse(parsed)
	require.NoError(y.t, err)
	conf.Transport = y.org.Transport()
	s := newSeveral(conf, res)
	y.handle = &yearHandle{yearStore: y.store}
	s.Store = y.handle
	input := withRetries(conf, s, s.Undelivered)
	y.processes++
	ctx, cancel := context.WithCancel(y.t.Context())
	var reading sync.WaitGroup
	reading.Go(func() { y.read(ctx, input) })
	y.end = func() {
		cancel()
		reading.Wait()
		_ = input.Close(context.Background()) // of a process that crashed it fails
	}
	y.lock(func() {
		y.running = true
		y.lines += 2 // what is read, and what the server does not send
		for _, p := range y.projects {
			p.fresh = true
			if p.broken != nil { // it is told of again
				y.lines += 2
			}
			y.lines += 2 * len(p.denied)
		}
	})
}

func (y *year) lock(f func()) {
	y.mu.Lock()
	defer y.mu.Unlock()
	f()
	y.look()
}

func (y *year) read(ctx context.Context, input service.BatchInput) {
	for input.Connect(ctx) != nil {
		if retry.Sleep(ctx, time.Second) != nil {
			return
		}
	}
	for {
		batch, ack, err := input.ReadBatch(ctx)
		if err != nil {
			return
		}
		select {
		case y.arrived <- struct{}{}:
		default:
		}
		y.mu.Lock()
		held := y.withhold > 0
		if held {
			y.withhold--
		}
		y.mu.Unlock()
		if held {
			continue
		}
		for _, msg := range batch {
			y.take(msg)
		}
		_ = ack(y.t.Context(), nil)
	}
}

// stop ends the process as it should end.
func (y *year) stop() {
	y.end()
	y.lock(func() { y.running = false })
}

func (y *year) restart() {
	y.stop()
	y.start()
}

// crash ends the process at once: nothing is written any more.
func (y *year) crash() {
	y.handle.dead.Store(true)
	y.crashed()
	y.log.muted.Store(true)
	y.crashes++
	y.stop()
	y.log.muted.Store(false)
	y.lock(func() { y.withhold = 0 })
	y.start()
}

// quiet is a time in which nothing happens: nothing may be told, logged or written.
func (y *year) quiet(d time.Duration) {
	y.calm()
	y.mu.Lock()
	messages := y.delivered + y.deleted
	y.mu.Unlock()
	lines, written := y.log.count(), y.store.written()
	y.sleep(d)
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.delivered+y.deleted != messages || y.log.count() != lines || y.store.written() != written {
		y.wrong("in a quiet month there were %d messages, %d lines and %d writes", y.delivered+y.deleted-messages, y.log.count()-lines, y.store.written()-written)
	}
	y.mustBeRight()
}

// calm ends all troubles, and waits until everything has arrived.
func (y *year) calm() {
	y.endTroubles(true)
	y.sleep(2 * arrives)
	y.judge()
}

// isAsYoung compares a process that is old with one that has just begun to rest.
func (y *year) isAsYoung() {
	y.calm()
	routines, heap := measure()
	y.restart()
	y.calm()
	youngRoutines, youngHeap := measure()
	y.t.Logf("old: %d goroutines, %d bytes; young: %d goroutines, %d bytes", routines, heap, youngRoutines, youngHeap)
	require.Equal(y.t, youngRoutines, routines, "goroutines of an old process at rest")
	require.Less(y.t, heap, youngHeap+1<<20, "heap of an old process at rest")
}

func measure() (routines int, heap uint64) {
	synctest.Wait()
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	stacks := make([]byte, 8<<20) // only those of the bubble: others may end meanwhile
	routines = bytes.Count(stacks[:runtime.Stack(stacks, true)], []byte(", synctest bubble "))
	return routines, m.HeapAlloc
}

// judgeLines checks that each event was logged in two lines at the most.
func (y *year) judgeLines() {
	y.mu.Lock()
	defer y.mu.Unlock()
	progress := 0
	for _, line := range y.log.all(y.when) {
		if strings.Contains(line, " parked; ") {
			progress++
		}
	}
	others := y.log.count() - progress
	y.t.Logf("%d lines of progress after %d moments, %d others after things that may have %d", progress, y.moments, others, y.lines)
	require.LessOrEqual(y.t, progress, y.moments)
	require.LessOrEqual(y.t, others, y.lines)
}

// perBucket is what the state may have of a bucket in addition to what a new one has: each
// keeps a few dozen changes before it writes itself anew.
const perBucket = 4 << 10

// judgeState compares the state with that of a new input that reads the same, and
// remembers nothing of what is gone or was changed.
func (y *year) judgeState() {
	y.stop()
	old := y.store
	y.store = &yearStore{values: map[string][]byte{}}
	y.start()
	time.Sleep(2 * arrives)
	y.stop()
	require.Less(y.t, old.size(), y.store.size()+perBucket*len(y.scopes))
	y.t.Logf("the state has %d bytes in %d values for %d buckets; a new one has %d in %d", old.size(), len(old.values), len(y.scopes), y.store.size(), len(y.store.values))
}
