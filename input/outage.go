package input

import (
	"sync"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
)

const (
	// outageFirst is when an outage is told of again; then after twice as long each
	// time, up to outageMost.
	outageFirst = 30 * time.Second
	outageMost  = 15 * time.Minute
)

// outage says of something that does not answer that it does not: a line when that
// begins, one now and then, and one when it has ended, however many requests fail
// meanwhile. It is safe for concurrent use.
type outage struct {
	log  *service.Logger
	what string // as in "Waiting for ..."

	mu     sync.Mutex
	since  time.Time // zero while there is none
	next   time.Time // of the next line
	pause  time.Duration
	failed int64 // requests
}

func newOutage(log *service.Logger, what string) *outage {
	return &outage{log: log, what: what}
}

// began says that requests fail, and why. During an outage it is the same as
// [outage.still].
func (o *outage) began(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.since.IsZero() {
		o.goesOn(err)
		return
	}
	o.since, o.pause, o.failed = time.Now(), outageFirst, 1
	o.next = o.since.Add(o.pause)
	o.log.Warnf("Waiting for %s: %v", o.what, err)
}

// still counts another request that failed, and says so where that is due. It does
// nothing where no outage has begun.
func (o *outage) still(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.since.IsZero() {
		o.goesOn(err)
	}
}

// goesOn is called with the lock held.
func (o *outage) goesOn(err error) {
	o.failed++
	now := time.Now()
	if now.Before(o.next) {
		return
	}
	o.pause = min(2*o.pause, outageMost)
	o.next = now.Add(o.pause)
	o.log.Warnf("Still waiting for %s after %s and %d failed requests: %v", o.what, roundWait(now.Sub(o.since)), o.failed, err)
}

// ended says that requests succeed again. It does nothing where no outage has
// begun.
func (o *outage) ended() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.since.IsZero() {
		return
	}
	o.log.Infof("No longer waiting for %s: it answers again after %s and %d failed requests", o.what, roundWait(time.Since(o.since)), o.failed)
	o.since = time.Time{}
}
