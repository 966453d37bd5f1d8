package input

import (
	"sync"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
)

const (
	// The second line about an outage comes after outageFirst, each further line
	// after twice as long, up to outageMost. So the end of a log says what the run
	// waits for, and an hour has about a dozen lines.
	outageFirst = 30 * time.Second
	outageMost  = 5 * time.Minute
)

// outage decides when to log that the run waits for something: when the outage
// begins, now and then while it lasts, and when it is over. It belongs to one
// goroutine at a time.
type outage struct {
	began, next time.Time
	pause       time.Duration
	failures    int
}

// failed notes a failed attempt, and reports whether to log it.
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

// outageLog logs an outage in few lines, however many requests fail at the same
// time. It is safe for concurrent use.
type outageLog struct {
	log  *service.Logger
	what string // as in "Waiting for ..."

	mu     sync.Mutex
	outage outage
}

// failed notes a failed request. If a line is due, it logs the error.
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

// ended logs that requests succeed again. It does nothing if none had failed.
func (o *outageLog) ended() {
	o.mu.Lock()
	defer o.mu.Unlock()
	lasted, failures := o.outage.lasts(), o.outage.failures
	if o.outage.over() {
		o.log.Infof("No longer waiting for %s: it answers again after %s and %d failed requests", o.what, lasted, failures)
	}
}
