package input

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
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
	shut        shut

	// What follows is for inputs that read several scopes.
	several bool
	// room is nil where the downloads of one scope have their own.
	room *fetch.Fetcher // TODO
	// store is nil where each scope opens its own, or nothing is remembered.
	store ledger.Store
}

func newHub(conf config.Config, res *service.Resources, m *meters) *hub {
	h := &hub{conf: conf, res: res, log: res.Logger(), meters: m, out: make(chan handover)}
	h.undelivered = newUndelivered(h.log, m.oldestUndelivered, m.passes.undelivered)
	h.shut.init()
	return h
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
