package input

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

const (
	// A failed checkpoint waits for checkpointPause, then for twice as long each
	// time it fails again, up to checkpointMostPause: a store that is down is not
	// asked all the time, and one that is back is noticed within a minute.
	checkpointPause     = time.Second
	checkpointMostPause = time.Minute
	// checkpointTimeout bounds one checkpoint, since a cache may have no time-out of
	// its own. A fold writes a few megabytes.
	checkpointTimeout = time.Minute
	// The first line on an outage is followed by one after outageLine, then after
	// twice that time, and so on.
	outageLine = time.Minute
)

// keeper writes a ledger's checkpoints when they are due. The acks themselves
// must not: Benthos holds a lock around each that all others wait for.
type keeper struct {
	ledger *ledger.Ledger
	hooks  keeperHooks
	stop   context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	failing chan struct{} // closed when checkpoints succeed again; nil while they do
}

// keeperHooks are called by a keeper, one at a time.
type keeperHooks struct {
	// written is called after each checkpoint that succeeded.
	written func()
	// failing is called when checkpoints begin to fail in a way that may pass, with
	// a time of 0, and ever less often while they do.
	failing func(err error, since time.Duration)
	// recovered is called when they succeed again.
	recovered func(after time.Duration)
	// fatal is called once, when nothing can be recorded any more. The keeper ends
	// with it.
	fatal func(error)
}

// keep writes checkpoints until end is called, or until no further one can
// succeed.
func keep(l *ledger.Ledger, hooks keeperHooks) *keeper {
	ctx, stop := context.WithCancel(context.Background())
	k := &keeper{ledger: l, hooks: hooks, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(k.done)
		defer stop()
		k.run(ctx)
	}()
	return k
}

func (k *keeper) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var out stall
	for {
		timer.Stop()
		if next := k.ledger.NextCheckpoint(); !next.IsZero() {
			timer.Reset(max(time.Until(next), time.Until(out.next)))
		}
		select {
		case <-ctx.Done():
			return
		case <-k.ledger.Failed():
			k.close()
			k.hooks.fatal(k.ledger.Err())
			return
		case <-k.ledger.Wake():
			continue
		case <-timer.C:
		}
		err := k.checkpoint(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case ledger.Lasting(err):
			// Failed says so.
		case err != nil:
			k.close()
			if out.failed(time.Now()) {
				k.hooks.failing(err, time.Since(out.began))
			}
		default:
			if k.open() {
				k.hooks.recovered(time.Since(out.began))
			}
			out = stall{}
			k.hooks.written()
		}
	}
}

func (k *keeper) checkpoint(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkpointTimeout)
	defer cancel()
	return k.ledger.Checkpoint(ctx)
}

// stall is a time in which checkpoints fail.
type stall struct {
	began, next time.Time
	pause       time.Duration
	// line is how long after its beginning the next line is due.
	line time.Duration
}

// failed takes note of a failure, and reports whether a line is due.
func (o *stall) failed(now time.Time) (say bool) {
	if o.began.IsZero() {
		*o = stall{began: now, pause: checkpointPause / 2, line: outageLine}
		say = true
	}
	o.pause = min(2*o.pause, checkpointMostPause)
	o.next = now.Add(o.pause)
	if now.Sub(o.began) >= o.line {
		o.line = 2 * now.Sub(o.began)
		say = true
	}
	return say
}

// close holds further messages back.
func (k *keeper) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failing == nil {
		k.failing = make(chan struct{})
	}
}

// open lets messages pass again, and reports whether they were held back.
func (k *keeper) open() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failing == nil {
		return false
	}
	close(k.failing)
	k.failing = nil
	return true
}

// wait holds messages back while checkpoints fail: what is delivered then would
// be delivered again after a restart, and is kept in memory until one succeeds.
// A nil keeper holds nothing back.
func (k *keeper) wait(ctx context.Context) error {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	failing := k.failing
	k.mu.Unlock()
	if failing == nil {
		return nil
	}
	select {
	case <-failing:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// end waits until no checkpoint is under way, or until ctx ends.
func (k *keeper) end(ctx context.Context) error {
	k.stop()
	select {
	case <-k.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for a checkpoint: %w", ctx.Err())
	}
}

// keeperHooks say in the log how the checkpoints go, and end the run with the
// state.
func (r *reader) keeperHooks() keeperHooks {
	field := r.conf.State.Field()
	return keeperHooks{
		written: r.tellState,
		failing: func(err error, since time.Duration) {
			if since == 0 {
				r.log.Errorf("%s: %v; nothing more is delivered until it succeeds, since a restart would deliver it again", field, err)
				return
			}
			r.log.Errorf("%s: nothing was delivered for %v, as the state still can't be written: %v", field, since.Round(time.Second), err)
		},
		recovered: func(after time.Duration) {
			r.log.Infof("%s: the state can be written again after %v; delivering goes on", field, after.Round(time.Second))
		},
		fatal: r.stateLost,
	}
}

// stateLost ends a run that can record nothing any more: all that it delivered
// would be delivered again.
func (r *reader) stateLost(err error) {
	err = fmt.Errorf("%s: %w", r.conf.State.Field(), err)
	r.log.Errorf("The run ends, since nothing can be delivered any more without its state: %v", err)
	r.setCause(err)
	r.mu.Lock()
	stop := r.stop
	r.mu.Unlock()
	stop()
}
