package s3bucket

import (
	"context"
	"errors"
	"time"
)

// errStalled is the cause with which a watch ends a request.
var errStalled = errors.New("stalled")

// watch ends a request that stands still. It is armed while somebody waits for
// the server, and only then: an output that takes its time is no fault of the
// connection.
type watch struct {
	caller context.Context //nolint:containedctx // a watch lives as long as its one request
	ctx    context.Context //nolint:containedctx // the request's own context, a child of caller
	cancel context.CancelCauseFunc
	timer  *time.Timer
	limit  time.Duration
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

// arm starts the clock again with the last limit.
func (w *watch) arm() {
	if w.limit <= 0 {
		return
	}
	if w.timer == nil {
		w.timer = time.AfterFunc(w.limit, func() { w.cancel(errStalled) })
		return
	}
	w.timer.Reset(w.limit)
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
