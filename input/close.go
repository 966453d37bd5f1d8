package input

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// closeStep bounds each step of Close. The steps have a time of their own, so that
// one that hangs costs no other.
const closeStep = time.Minute

// shut is how an input ends.
type shut struct {
	// begun ends with the first Close, ended is closed when all is closed; then err
	// is how that went.
	begun context.Context
	begin context.CancelFunc
	once  sync.Once
	ended chan struct{}
	err   error
}

func (s *shut) init() {
	s.begun, s.begin = context.WithCancel(context.Background())
	s.ended = make(chan struct{})
}

// untilClosed is a context that also ends with the first Close.
func (r *reader) untilClosed(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(r.shut.begun, cancel)
	return ctx, func() { stop(); cancel() }
}

// Close ends the run, writes what was acked, waits until that is settled, and
// tells what became of every object. Benthos calls it after the last ack. If ctx
// ends first, closing goes on, so that the state is not left locked; calling Close
// again waits for it, and returns how it went.
func (r *reader) Close(ctx context.Context) error {
	r.shut.begin()
	r.shut.once.Do(func() {
		go func() {
			defer close(r.shut.ended)
			r.shut.err = r.closeAll()
		}()
	})
	select {
	case <-r.shut.ended:
		return r.shut.err
	default:
	}
	select {
	case <-r.shut.ended:
		return r.shut.err
	case <-ctx.Done():
		return fmt.Errorf("closing the input, which goes on: %w", ctx.Err())
	}
}

// closeAll closes everything, that which matters most first: a process may be
// given little time to end.
func (r *reader) closeAll() error {
	r.mu.Lock()
	r.closed = true
	stop, done := r.stop, r.done
	r.mu.Unlock()
	if stop != nil {
		stop()
	}
	_ = timed(r.lastCheckpoint) // where it failed, closeLedger tries again and says so
	errs := []error{
		timed(func(ctx context.Context) error { return waitFor(ctx, done) }),
		timed(r.shared.Removals.Wait),
	}
	if err := timed(r.closeLedger); err != nil {
		r.setCause(err)
		errs = append(errs, err)
	}
	errs = append(errs, timed(r.conf.Scanner.Close))
	r.undelivered.close()
	if r.changes != nil {
		r.changes.Close()
	}
	r.meters.gathered.flush()
	r.client.Close()
	r.conclude()
	signOut(context.Background(), r.source, r.log)
	return errors.Join(errs...)
}

// timed runs one step of Close.
func timed(step func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), closeStep)
	defer cancel()
	return step(ctx)
}

// waitFor waits for the end of the run; nil is one that has not begun.
func waitFor(ctx context.Context, done <-chan struct{}) error {
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for downloads to stop: %w", ctx.Err())
	}
}

// lastCheckpoint writes what was acked by now.
func (r *reader) lastCheckpoint(ctx context.Context) error {
	if r.keeper == nil {
		return nil
	}
	if err := r.keeper.end(ctx); err != nil {
		return err
	}
	return r.ledger.Checkpoint(ctx)
}

// closeLedger writes what was settled last.
func (r *reader) closeLedger(ctx context.Context) error {
	if r.ledger == nil {
		return nil
	}
	if err := r.ledger.Close(ctx); err != nil {
		return fmt.Errorf("%s: %w; what was delivered last will be delivered again", r.conf.State.Field(), err)
	}
	return nil
}
