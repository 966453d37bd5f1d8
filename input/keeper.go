package input

import (
	"context"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

// checkpointPause is how long a failed checkpoint waits for its next attempt.
const checkpointPause = 5 * time.Second

// keeper writes a ledger's checkpoints when they are due. The acks themselves
// must not: Benthos holds a lock around each that all others wait for.
type keeper struct {
	stop context.CancelFunc
	done chan struct{}
}

// keep writes checkpoints until end is called, and says in told how each went.
func keep(l *ledger.Ledger, told func(error)) *keeper {
	ctx, stop := context.WithCancel(context.Background())
	k := &keeper{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(k.done)
		timer := time.NewTimer(0)
		defer timer.Stop()
		notBefore := time.Time{}
		for {
			timer.Stop()
			if next := l.NextCheckpoint(); !next.IsZero() {
				timer.Reset(max(time.Until(next), time.Until(notBefore)))
			}
			select {
			case <-ctx.Done():
				return
			case <-l.Wake():
				continue
			case <-timer.C:
			}
			err := l.Checkpoint(ctx)
			if err != nil {
				notBefore = time.Now().Add(checkpointPause)
			}
			told(err)
		}
	}()
	return k
}

// end waits until no checkpoint is under way.
func (k *keeper) end() {
	k.stop()
	<-k.done
}
