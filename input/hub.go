package input

import (
	"context"
	"fmt"
	"sync"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/meter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/outage"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/scope"
)

// hub is what Benthos has of an input, whether it reads one scope or many: its messages,
// connecting, and closing.
type hub struct {
	*scope.Shared
	shut shut

	mu        sync.Mutex
	attempted bool // Connect was called
	closed    bool
	recorded  *openRun // nil for a run that repeats
	// wait is what Connect waits for.
	wait outage.Lines
}

func newHub(conf config.Config, res *service.Resources, m *meter.Set, voice scope.Voice) *hub {
	h := &hub{}
	h.shut.init()
	h.Shared = scope.NewShared(h.shut.begun, conf, res, m, voice, func() bool { return endTeller() != nil })
	return h
}

// ReadBatch implements service.BatchInput. It waits for the next batch. Its only
// errors are the end of the input and the context's error, because every other
// failure belongs to an object and is handled there.
func (h *hub) ReadBatch(ctx context.Context) (service.MessageBatch, service.AckFunc, error) {
	select {
	case next, ok := <-h.Out:
		if !ok {
			return nil, nil, service.ErrEndOfInput
		}
		return next.Batch, h.Undelivered.HandOver(next.Key, next.Ack), nil
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

// connect calls once until it succeeds. What only another configuration can fix ends
// every run, and any other error ends a one-time run: then why is that error, and err
// the end of the input. A run that repeats tries again. It returns the error at first
// and every five minutes, so that Benthos logs it and shows it on /ready.
func (h *hub) connect(ctx context.Context, once func(context.Context) (err error, lasts bool)) (why, err error) {
	for {
		err, lasts := once(ctx)
		switch {
		case err == nil:
			return nil, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case lasts || !h.Conf.Plan.Repeats():
			return err, service.ErrEndOfInput
		}
		tell := h.wait.Failed()
		pause := h.Conf.Retry.Delay(h.wait.Failures())
		if tell {
			if lasted := h.wait.Lasts(); lasted > 0 {
				err = fmt.Errorf("still waiting, for %s so far: %w", lasted, err)
			}
			return nil, service.NewErrBackOff(err, pause)
		}
		if err := retry.Sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
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
