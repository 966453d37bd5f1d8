package input

import (
	"context"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

// checkpointPause is how long a failed checkpoint waits for its next attempt.
const checkpointPause = 5 * time.Second

// keeper writes a ledger's checkpoints when they are due. The acks themselves
// must not: Benthos holds a lock around each that all others wait for.
type keeper struct {
	ledger *ledger.Ledger
	told   func(error)
	stop   context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	failing chan struct{} // closed when checkpoints succeed again; nil while they do
}

// keep writes checkpoints until end is called, and says in told how each went.
func keep(l *ledger.Ledger, told func(error)) *keeper {
	ctx, stop := context.WithCancel(context.Background())
	k := &keeper{ledger: l, told: told, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(k.done)
		k.run(ctx)
	}()
	return k
}

func (k *keeper) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	notBefore := time.Time{}
	for {
		timer.Stop()
		if next := k.ledger.NextCheckpoint(); !next.IsZero() {
			timer.Reset(max(time.Until(next), time.Until(notBefore)))
		}
		select {
		case <-ctx.Done():
			return
		case <-k.ledger.Wake():
			continue
		case <-timer.C:
		}
		err := k.ledger.Checkpoint(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			notBefore = time.Now().Add(checkpointPause)
		}
		k.note(err)
		k.told(err)
	}
}

// note opens or closes the gate for further messages.
func (k *keeper) note(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case err != nil && k.failing == nil:
		k.failing = make(chan struct{})
	case err == nil && k.failing != nil:
		close(k.failing)
		k.failing = nil
	}
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

// end waits until no checkpoint is under way.
func (k *keeper) end() {
	k.stop()
	<-k.done
}
