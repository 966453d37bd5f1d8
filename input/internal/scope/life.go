package scope

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrInterrupted is the cause of a run that was stopped from outside before its end.
var ErrInterrupted = errors.New("stopped before its end")

// Life is what there is of a run from its beginning to its end. It is safe for concurrent
// use; the zero Life is that of a run that has not begun.
type Life struct {
	mu    sync.Mutex
	began time.Time     // zero until the run has begun
	stop  func()        // ends the run
	done  chan struct{} // closed when the run has ended
	cause error         // why it ended early
}

// Start begins a run, without a cause for its end. It ends with ctx, or earlier: with
// Stop. Ended is to be called when nothing of it is under way any more.
func (l *Life) Start(ctx context.Context) (run context.Context, ended func()) {
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.began, l.stop, l.done, l.cause = time.Now(), stop, done, nil
	return ctx, func() { close(done) }
}

// Began is when the run began; zero if it has not.
func (l *Life) Began() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.began
}

// Cause is why the run ended early; nil if it did not.
func (l *Life) Cause() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cause
}

// SetCause notes why the run ends early. What came first is why.
func (l *Life) SetCause(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cause == nil {
		l.cause = err
	}
}

// Forgive drops the cause that SetCause noted.
func (l *Life) Forgive() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cause = nil
}

// EndWith ends the run early.
func (l *Life) EndWith(err error) {
	l.SetCause(err)
	l.Stop()
}

// Stop ends the run, if it has begun.
func (l *Life) Stop() {
	l.mu.Lock()
	stop := l.stop
	l.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// Done is closed when the run has ended; nil if it has not begun.
func (l *Life) Done() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.done
}

// Ended waits for the end of the run, if it has begun.
func (l *Life) Ended(ctx context.Context) error {
	done := l.Done()
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

// CloseStep bounds each step of closing. Each step has a time of its own, so that a
// step that hangs does not cost the others theirs.
const CloseStep = time.Minute

// Timed runs one step of closing.
func Timed(step func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), CloseStep)
	defer cancel()
	return step(ctx)
}
