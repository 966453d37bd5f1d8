package s3

import (
	"context"
	"errors"
	"time"
)

// errStalled is the cause with which a watch ends a request.
var errStalled = errors.New("stalled")

// leastBytes is how much has to arrive in each period of Options.IdleTimeout that
// a reader spends waiting. With the default of 60 s this is 273 bytes a
// second: 256 downloads that share a line of 1 Mbit/s do better.
const leastBytes = 16 << 10

// watch ends a request that stands still, or nearly so. It is armed while
// somebody waits for the server, and only then: an output that takes its time
// is no fault of the connection.
type watch struct {
	caller context.Context //nolint:containedctx // a watch lives as long as its one request
	ctx    context.Context //nolint:containedctx // the request's own context, a child of caller
	cancel context.CancelCauseFunc
	timer  *time.Timer
	limit  time.Duration

	// Since the last time that leastBytes had arrived:
	waited time.Duration // in Read
	got    int
	began  time.Time // of the wait under way
}

// newWatch returns a watch that is armed with limit.
func newWatch(caller context.Context, limit time.Duration) *watch {
	w := &watch{caller: caller, limit: limit}
	w.ctx, w.cancel = context.WithCancelCause(caller)
	if limit > 0 {
		w.timer = time.AfterFunc(limit, func() { w.cancel(errStalled) })
	}
	return w
}

// arm starts the clock with what is left of the limit.
func (w *watch) arm() {
	if w.limit <= 0 {
		return
	}
	w.began = time.Now()
	left := max(w.limit-w.waited, 0)
	if w.timer == nil {
		w.timer = time.AfterFunc(left, func() { w.cancel(errStalled) })
		return
	}
	w.timer.Reset(left)
}

// arrived stops the clock. Where n bytes complete a sufficient number, the
// limit counts anew.
func (w *watch) arrived(n int) {
	if w.limit <= 0 {
		return
	}
	w.timer.Stop()
	w.waited += time.Since(w.began)
	if w.got += n; w.got >= leastBytes {
		w.got, w.waited = 0, 0
	}
}

// disarm stops the clock.
func (w *watch) disarm() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// end releases the watch and its context.
func (w *watch) end() {
	w.disarm()
	w.cancel(nil)
}

// stalled reports whether it was the watch that ended the request.
func (w *watch) stalled() bool {
	return w.caller.Err() == nil && errors.Is(context.Cause(w.ctx), errStalled)
}
