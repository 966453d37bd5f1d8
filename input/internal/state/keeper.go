package state

import (
	"context"
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
	// The second line about a stall comes after stallLine, the next after twice that
	// time, and so on.
	stallLine = time.Minute
)

// Keeper writes a ledger's checkpoints when they are due. An ack must not write
// them: Benthos holds a lock during each ack, and all other acks wait for it.
type Keeper struct {
	ledger *ledger.Ledger
	hooks  Hooks
	stop   context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	failing chan struct{} // closed when checkpoints succeed again; nil while they do
}

// Hooks are called by a Keeper, one at a time.
type Hooks struct {
	// Written is called after each checkpoint that succeeded.
	Written func()
	// Failing is called with a time of 0 when checkpoints begin to fail in a way that
	// may pass, and then less and less often while they fail.
	Failing func(err error, since time.Duration)
	// Recovered is called when checkpoints succeed again.
	Recovered func(after time.Duration)
	// Fatal is called once, when nothing can be recorded any more. Then the keeper
	// ends.
	Fatal func(error)
}

// Keep writes checkpoints until End is called, or until none can succeed any more.
func Keep(l *ledger.Ledger, hooks Hooks) *Keeper {
	ctx, stop := context.WithCancel(context.Background())
	k := &Keeper{ledger: l, hooks: hooks, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(k.done)
		defer stop()
		k.run(ctx)
	}()
	return k
}

func (k *Keeper) run(ctx context.Context) {
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
			k.hooks.Fatal(k.ledger.Err())
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
				k.hooks.Failing(err, since)
			}
		default:
			if k.open() {
				k.hooks.Recovered(time.Since(out.began))
			}
			out = stall{}
			k.hooks.Written()
		}
	}
}

func (k *Keeper) checkpoint(ctx context.Context) error {
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
		*o = stall{began: now, pause: checkpointPause / 2, line: stallLine}
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
func (k *Keeper) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failing == nil {
		k.failing = make(chan struct{})
	}
}

// open lets messages pass again, and reports whether they were held back.
func (k *Keeper) open() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failing == nil {
		return false
	}
	close(k.failing)
	k.failing = nil
	return true
}

// Wait holds messages back while checkpoints fail: objects delivered meanwhile
// would be delivered again after a restart, and their records would fill memory. A
// nil Keeper holds nothing back.
func (k *Keeper) Wait(ctx context.Context) error {
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

// End ends it, and waits until no checkpoint is under way, or until ctx ends.
func (k *Keeper) End(ctx context.Context) error {
	k.stop()
	select {
	case <-k.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for a checkpoint: %w", ctx.Err())
	}
}
