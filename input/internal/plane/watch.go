package plane

import (
	"context"
	"errors"
	"time"
)

// errStalled is the cause of a request that a watch ended.
var errStalled = errors.New("stalled")

// leastBytes is how many bytes must arrive for each Options.IdleTimeout that Read
// spends waiting. With the default of 60 s that is 273 bytes a second; 256
// downloads that share a line of 1 Mbit/s are faster.
const leastBytes = 16 << 10

// watch ends a request that stalls, or nearly stalls. Its clock runs only while
// the client waits for the server: a slow output is not a fault of the connection.
type watch struct {
	caller context.Context //nolint:containedctx // a watch lives as long as its one request
	ctx    context.Context //nolint:containedctx // the request's own context, a child of caller
	cancel context.CancelCauseFunc
	timer  *time.Timer
	limit  time.Duration

	// Since leastBytes last arrived:
	waited time.Duration // in Read
	got    int           // bytes
	began  time.Time     // when the present wait began
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

// arrived stops the clock. Once leastBytes have arrived, the limit starts again
// from zero.
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

// stalled reports whether the watch ended the request.
func (w *watch) stalled() bool {
	return w.caller.Err() == nil && errors.Is(context.Cause(w.ctx), errStalled)
}
