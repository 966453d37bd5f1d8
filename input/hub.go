package input

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/limiter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// hub is what all scopes of an input share.
type hub struct {
	conf   config.Config // as it is written
	res    *service.Resources
	log    *service.Logger
	meters *meters
	out    chan handover
	// undelivered are the batches that the pipeline has.
	undelivered *undelivered
	// room is for the downloads of all scopes.
	room *fetch.Room
	shut shut

	// What follows is for inputs that read several scopes.
	several bool
	// store is nil where each scope opens its own, or nothing is remembered.
	store ledger.Store
	// allStalled is how many scopes wait for their state.
	allStalled atomic.Int64
	// settled is how many objects were delivered or parked.
	settled atomic.Int64
	// told are the peculiarities of a server, which one line tells for all scopes.
	told sync.Map
}

// tells is log where nothing was told of what so far, else the level DEBUG: thousands of
// scopes may have the same to tell.
func (h *hub) tells(what string, log, again func(string)) func(string) {
	if _, told := h.told.LoadOrStore(what, true); told {
		return again
	}
	return log
}

func newHub(conf config.Config, res *service.Resources, m *meters) *hub {
	h := &hub{conf: conf, res: res, log: res.Logger(), meters: m, out: make(chan handover)}
	h.undelivered = newUndelivered(h.log, m.oldestUndelivered, m.passes.undelivered)
	h.room = fetch.NewRoom(fetch.RoomOptions{
		Bytes: conf.BufferBytes, Places: limiter.MaxDownloads(conf.MaxDownloads), BytesPerSecond: conf.MaxBytesPerSecond,
		Whole: conf.WholeScanner || conf.ToTheEnd, None: conf.References, Buffered: m.Buffered,
	})
	h.shut.init()
	return h
}

// ReadBatch implements service.BatchInput. It waits for the next batch. Its only
// errors are the end of the input and the context's error, because every other
// failure belongs to an object and is handled there.
func (h *hub) ReadBatch(ctx context.Context) (service.MessageBatch, service.AckFunc, error) {
	select {
	case next, ok := <-h.out:
		if !ok {
			return nil, nil, service.ErrEndOfInput
		}
		return next.batch, h.undelivered.handOver(next.key, next.ack), nil
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

// connect calls once until it succeeds. What only another configuration can fix ends
// every run, and any other error ends a one-time run: then why is that error, and err
// the end of the input. A run that repeats tries again. It returns the error at first
// and every five minutes, so that Benthos logs it and shows it on /ready.
func (h *hub) connect(ctx context.Context, wait *outage, once func(context.Context) (err error, lasts bool)) (why, err error) {
	for {
		err, lasts := once(ctx)
		switch {
		case err == nil:
			return nil, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case lasts || !h.conf.Plan.Repeats():
			return err, service.ErrEndOfInput
		}
		tell := wait.failed()
		pause := h.conf.Retry.Delay(wait.failures)
		if tell {
			if lasted := wait.lasts(); lasted > 0 {
				err = fmt.Errorf("still waiting, for %s so far: %w", lasted, err)
			}
			return nil, service.NewErrBackOff(err, pause)
		}
		if err := retry.Sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// life is what there is of a run from Connect to Close.
type life struct {
	mu        sync.Mutex
	attempted bool          // Connect was called
	startedAt time.Time     // zero until the run has begun
	stop      func()        // ends the run
	done      chan struct{} // closed when the run has ended
	cause     error         // why it ended early
	closed    bool
	recorded  *openRun // nil for a run that repeats
	// wait is what Connect waits for.
	wait outage
}

func (l *life) setCause(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cause == nil { // what came first is why the run ends
		l.cause = err
	}
}

// endWith ends the run early.
func (l *life) endWith(err error) {
	l.setCause(err)
	l.mu.Lock()
	stop := l.stop
	l.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// closeStep bounds each step of Close. Each step has a time of its own, so that a
// step that hangs does not cost the others theirs.
const closeStep = time.Minute

// timed runs one step of Close.
func timed(step func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), closeStep)
	defer cancel()
	return step(ctx)
}

// shut is the state of Close.
type shut struct {
	// begun ends with the first Close. Ended is closed when everything is closed;
	// err is then the result.
	begun context.Context //nolint:containedctx // the life of the input, which no call has
	begin context.CancelFunc
	once  sync.Once
	ended chan struct{}
	err   error
}

func (s *shut) init() {
	s.begun, s.begin = context.WithCancel(context.Background())
	s.ended = make(chan struct{})
}

// close closes everything, once. If ctx ends first, closing goes on, so that the state
// does not stay locked. Another call waits for it and returns its result.
func (s *shut) close(ctx context.Context, closeAll func() error) error {
	s.begin()
	s.once.Do(func() {
		go func() {
			defer close(s.ended)
			s.err = closeAll()
		}()
	})
	select {
	case <-s.ended:
		return s.err
	default:
	}
	select {
	case <-s.ended:
		return s.err
	case <-ctx.Done():
		return fmt.Errorf("closing the input, which goes on: %w", ctx.Err())
	}
}

// untilClosed is a context that also ends with the first Close.
func (h *hub) untilClosed(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(h.shut.begun, cancel)
	return ctx, func() { stop(); cancel() }
}
