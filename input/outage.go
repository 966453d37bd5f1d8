package input

import (
	"sync"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
)

const (
	// outageFirst is when an outage is told of again; then after twice as long each
	// time, up to outageMost: the end of a log says what the run waits for, in no
	// more than a dozen lines an hour.
	outageFirst = 30 * time.Second
	outageMost  = 5 * time.Minute
)

// outage decides what is told of something that is waited for: it is told of when
// it begins, now and then while it lasts, and when it is over. It belongs to one
// goroutine at a time.
type outage struct {
	began, next time.Time
	pause       time.Duration
	failures    int
}

// failed notes a failed attempt, and reports whether to tell of it.
func (o *outage) failed() (tell bool) {
	now := time.Now()
	o.failures++
	switch {
	case o.began.IsZero():
		o.began, o.pause = now, outageFirst
	case now.Before(o.next):
		return false
	default:
		o.pause = min(2*o.pause, outageMost)
	}
	o.next = now.Add(o.pause)
	return true
}

// lasts is how long ago the first attempt failed, to the second.
func (o *outage) lasts() time.Duration {
	if o.began.IsZero() {
		return 0
	}
	return time.Since(o.began).Round(time.Second)
}

// over notes that an attempt succeeded, and reports whether one had failed.
func (o *outage) over() bool {
	was := !o.began.IsZero()
	*o = outage{}
	return was
}

// outageLog logs what is to be told of an outage, however many requests fail at
// the same time. It is safe for concurrent use.
type outageLog struct {
	log  *service.Logger
	what string // as in "Waiting for ..."

	mu     sync.Mutex
	outage outage
}

// failed says that requests fail, and why, where that is due.
func (o *outageLog) failed(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch tell := o.outage.failed(); {
	case tell && o.outage.failures == 1:
		o.log.Warnf("Waiting for %s: %v", o.what, err)
	case tell:
		o.log.Warnf("Still waiting for %s after %s and %d failed requests: %v", o.what, o.outage.lasts(), o.outage.failures, err)
	}
}

// ended says that requests succeed again. It does nothing where none had failed.
func (o *outageLog) ended() {
	o.mu.Lock()
	defer o.mu.Unlock()
	lasted, failures := o.outage.lasts(), o.outage.failures
	if o.outage.over() {
		o.log.Infof("No longer waiting for %s: it answers again after %s and %d failed requests", o.what, lasted, failures)
	}
}
