package input

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// closeStep bounds each step of Close. Each step has a time of its own, so that a
// step that hangs does not cost the others theirs.
const closeStep = time.Minute

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

// untilClosed is a context that also ends with the first Close.
func (r *reader) untilClosed(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(r.shut.begun, cancel)
	return ctx, func() { stop(); cancel() }
}

// Close ends the run, writes what was acked, waits for deletions, and reports what
// became of every object. Benthos calls it after the last ack. If ctx ends first,
// closing goes on, so that the state does not stay locked. Another call of Close
// waits for it and returns its result.
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

// closeAll closes everything, the most important first: a process may have little
// time to end.
func (r *reader) closeAll() error {
	r.mu.Lock()
	r.closed = true
	stop, done := r.stop, r.done
	r.mu.Unlock()
	if stop != nil {
		stop()
	}
	_ = timed(r.lastCheckpoint) // if it fails, closeLedger tries again and reports it
	errs := []error{
		timed(func(ctx context.Context) error { return waitFor(ctx, done) }),
		timed(r.removals.Wait),
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
	r.conclude(nil)
	signOut(context.Background(), r.source, r.log)
	return errors.Join(errs...)
}

// timed runs one step of Close.
func timed(step func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), closeStep)
	defer cancel()
	return step(ctx)
}

// waitFor waits for the end of the run; done is nil if the run has not begun.
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

// lastCheckpoint writes what has been acked so far.
func (r *reader) lastCheckpoint(ctx context.Context) error {
	if r.keeper == nil {
		return nil
	}
	if err := r.keeper.end(ctx); err != nil {
		return err
	}
	return r.ledger.Checkpoint(ctx)
}

// closeLedger writes what is not written yet, and closes the ledger.
func (r *reader) closeLedger(ctx context.Context) error {
	if r.ledger == nil {
		return nil
	}
	if err := r.ledger.Close(ctx); err != nil {
		return fmt.Errorf("%s: %w; what was delivered last will be delivered again", r.conf.State.Field(), err)
	}
	return nil
}
