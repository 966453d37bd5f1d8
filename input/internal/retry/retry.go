package retry

import (
	"context"
	"math/rand/v2"
	"time"
)

// Policy says how often a request is tried and how long the pauses are.
type Policy struct {
	// MaxAttempts includes the first attempt; a number below 1 means 1.
	MaxAttempts int
	// InitialInterval is the pause after the first failure; it doubles with
	// every further one, up to MaxInterval.
	InitialInterval time.Duration
	MaxInterval     time.Duration
}

// Once makes a request without a second attempt.
var Once = Policy{MaxAttempts: 1}

// Delay is the pause after the given failed attempt (1 is the first). It is random
// in the upper half of the exponential interval, so that many waiters do not come
// back at the same moment.
func (p Policy) Delay(attempt int) time.Duration {
	d := p.InitialInterval
	for range attempt - 1 {
		if d >= p.MaxInterval {
			break
		}
		d *= 2
	}
	d = min(d, p.MaxInterval)
	if d <= 0 {
		return 0
	}
	return d/2 + rand.N(d/2+1)
}

// Patience is the sum of the pauses between all attempts at one request.
func (p Policy) Patience() time.Duration {
	total, d := time.Duration(0), p.InitialInterval
	for range max(p.MaxAttempts, 1) - 1 {
		total += min(d, p.MaxInterval)
		d = min(2*d, p.MaxInterval)
	}
	return total
}

// Exhausted reports whether no attempt is left after so many failed ones.
func (p Policy) Exhausted(attempts int) bool {
	return attempts >= max(p.MaxAttempts, 1)
}

// Do calls op until it succeeds, fails with an error that is not transient, or
// the attempts are used up. It returns op's last error, also when ctx ends during
// a pause, since that error says more than the context's. Do calls onRetry, which
// may be nil, for every failure that is followed by another attempt.
func (p Policy) Do(ctx context.Context, op func(context.Context) error, transient func(error) bool, onRetry func(error)) error {
	for attempt := 1; ; attempt++ {
		err := op(ctx)
		if err == nil || !transient(err) || p.Exhausted(attempt) || ctx.Err() != nil {
			return err
		}
		if onRetry != nil {
			onRetry(err)
		}
		if Sleep(ctx, p.Delay(attempt)) != nil {
			return err
		}
	}
}

// Sleep waits for d. If ctx ends first, it returns the error of ctx.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
