package input

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

const (
	// After a failed checkpoint the keeper waits for checkpointPause, and twice as
	// long after each further failure, up to checkpointMostPause. So a store that is
	// down gets few requests, and its return is noticed within a minute.
	checkpointPause     = time.Second
	checkpointMostPause = time.Minute
	// checkpointTimeout bounds one checkpoint, since a cache may have no timeout of
	// its own. A fold writes a few megabytes.
	checkpointTimeout = time.Minute
	// The second line about a stall comes after outageLine, the next after twice that
	// time, and so on.
	outageLine = time.Minute
)

// keeper writes a ledger's checkpoints when they are due. An ack must not write
// them: Benthos holds a lock during each ack, and all other acks wait for it.
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
	// failing is called with a time of 0 when checkpoints begin to fail in a way that
	// may pass, and then less and less often while they fail.
	failing func(err error, since time.Duration)
	// recovered is called when checkpoints succeed again.
	recovered func(after time.Duration)
	// fatal is called once, when nothing can be recorded any more. Then the keeper
	// ends.
	fatal func(error)
}

// keep writes checkpoints until end is called, or until none can succeed any more.
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
			// The channel Failed reports it.
		case err != nil:
			k.close()
			if since, say := out.failed(time.Now()); say {
				k.hooks.failing(err, since)
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
	// line is the time from the beginning to the next line.
	line time.Duration
}

// failed notes a failure. It returns how long checkpoints have failed by now, 0 for
// the first one, and whether a line is due.
func (o *stall) failed(now time.Time) (since time.Duration, say bool) {
	if o.began.IsZero() {
		*o = stall{began: now, pause: checkpointPause / 2, line: outageLine}
		say = true
	}
	o.pause = min(2*o.pause, checkpointMostPause)
	o.next = now.Add(o.pause)
	if since = now.Sub(o.began); since >= o.line {
		o.line = 2 * since
		say = true
	}
	return since, say
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

// wait holds messages back while checkpoints fail: objects delivered meanwhile
// would be delivered again after a restart, and their records would fill memory. A
// nil keeper holds nothing back.
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

// keeperHooks log how the checkpoints go, and end the run if the state is lost.
func (r *reader) keeperHooks() keeperHooks {
	field := r.conf.State.Field()
	return keeperHooks{
		written: r.tellState,
		failing: func(err error, since time.Duration) {
			r.stateFails.Set(err)
			say := r.log.Errorf
			if since == 0 {
				if r.stalls() > 1 {
					say = r.log.Debugf // it was told of another scope, whose state is in the same store
				}
				say("%s: %v; nothing more is delivered until it succeeds, since a restart would deliver it again", field, err)
				return
			}
			if r.several {
				say = r.log.Debugf
			}
			say("%s: nothing was delivered for %v, as the state still can't be written: %v", field, since.Round(time.Second), err)
		},
		recovered: func(after time.Duration) {
			r.stateFails.Clear()
			say := r.log.Infof
			if r.stallEnds() > 0 {
				say = r.log.Debugf // others wait for their next attempt
			}
			say("%s: the state can be written again after %v; delivering goes on", field, after.Round(time.Second))
		},
		fatal: r.stateLost,
	}
}

// stalls notes that the scope waits for its state, and returns how many do. The calls of
// stallEnds after the first do nothing more.
func (r *reader) stalls() int64 {
	defer r.showState()
	if r.stalled.Swap(true) {
		return r.allStalled.Load()
	}
	return r.allStalled.Add(1)
}

func (r *reader) stallEnds() int64 {
	defer r.showState()
	if !r.stalled.Swap(false) {
		return r.allStalled.Load()
	}
	return r.allStalled.Add(-1)
}

// stateRead is told how an attempt at something has ended that reads the state.
func (r *reader) stateRead(err error) {
	r.unread.Store(errors.Is(err, ledger.ErrUnread))
	r.showState()
}

// showState shows whether the state can't be written or read.
func (r *reader) showState() {
	r.meters.StateFailing.Flag(r.stalled.Load() || r.unread.Load())
}

// stateLost ends a run that can't record anything any more: everything that it
// would still deliver would be delivered again.
func (r *reader) stateLost(err error) {
	err = fmt.Errorf("%s: %w", r.conf.State.Field(), err)
	say := r.log.Errorf
	if r.several {
		say = r.log.Debugf // it is told of as what fails in this scope
	}
	say("The run ends, since nothing can be delivered any more without its state: %v", err)
	r.endWith(err)
}
