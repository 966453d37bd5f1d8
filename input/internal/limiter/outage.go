package limiter

import (
	"context"
	"fmt"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

const (
	// suspectAfter is how many requests have to fail in a row, none succeeding in
	// between, for the endpoint to be probed. After a probe that passes it takes
	// twice as many: then it is the objects that fail.
	suspectAfter = 4
	// An endpoint that is down is probed after probeFirst, and then after ever
	// longer pauses up to probeMost: an outage costs less than one request a
	// second, and work goes on at most probeMost after its end.
	probeFirst = time.Second
	probeMost  = 4 * time.Second
)

// outage knows whether the endpoint is down. While it is, nothing is asked for, and
// so no attempts are used up; a probe tells when it is back. An outage that lasts
// longer than all attempts at one request would is the end of the runs, not of
// thousands of objects one by one. It is under the lock of the limiter.
type outage struct {
	failures int // in a row
	suspect  int // so many make it probe
	probing  bool
	isDown   bool
	back     chan struct{} // closed when the probing ends
	// ended counts the ends of outages, and lasted holds the error of the last one if
	// it was given up.
	ended  int
	lasted error
}

// holds reports whether nothing is to be asked for: the endpoint is down, or a
// probe is about to tell.
func (o *outage) holds() bool { return o.probing }

func (o *outage) answered() { o.failures, o.suspect = 0, suspectAfter }

// outageHeard takes note of a failure.
func (l *Limiter) outageHeard(err error) {
	o := &l.outage
	if !object.EndpointFault(err) || l.opts.Probe == nil {
		return
	}
	if o.failures++; o.failures >= o.suspect && !o.probing {
		o.probing, o.back = true, make(chan struct{})
		go l.watch()
	}
}

// Outages tells how many outages have ended, and the error of the last one if it
// was given up.
func (l *Limiter) Outages() (ended int, lasted error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.outage.ended, l.outage.lasted
}

// Down reports whether the endpoint is down.
func (l *Limiter) Down() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.outage.isDown
}

// Hold returns when the endpoint is not being probed. Its error is that of ctx,
// or that of the outage if it was given up meanwhile: then no further attempt is to
// be made.
// The probe is not held, which is told by its context.
func (l *Limiter) Hold(ctx context.Context) error {
	if ctx.Value(probe{}) != nil {
		return nil
	}
	l.mu.Lock()
	back, probing, before := l.outage.back, l.outage.probing, l.outage.ended
	l.mu.Unlock()
	if !probing {
		return ctx.Err()
	}
	select {
	case <-back:
	case <-ctx.Done():
		return ctx.Err()
	}
	if ended, lasted := l.Outages(); ended != before {
		return lasted
	}
	return nil
}

// probe marks the context of the requests that probe.
type probe struct{}

// watch probes an endpoint that may be down, until it is back or the outage has
// lasted too long.
func (l *Limiter) watch() {
	began := time.Now()
	pause := probeFirst
	for {
		err := l.opts.Probe(l.ctx)
		if l.ctx.Err() != nil {
			return
		}
		if err == nil || !object.Transient(err) {
			l.end(nil) // what else is wrong shows with the requests
			return
		}
		l.begin(err)
		if lasted := time.Since(began); lasted >= l.opts.Patience {
			l.end(fmt.Errorf("the endpoint has been down for %s: %w", lasted.Round(time.Second), err))
			return
		}
		if retry.Sleep(l.ctx, pause) != nil {
			return
		}
		pause = min(2*pause, probeMost)
	}
}

func (l *Limiter) begin(err error) {
	l.opts.Meter.Down(err)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outage.isDown = true
}

func (l *Limiter) end(lasted error) {
	l.mu.Lock()
	o := &l.outage
	wasDown := o.isDown
	o.isDown, o.probing, o.failures = false, false, 0
	if wasDown {
		o.ended++
		o.lasted = lasted
		o.suspect = suspectAfter
	} else {
		o.suspect *= 2
	}
	close(o.back)
	l.mu.Unlock()
	if wasDown {
		l.opts.Meter.Up()
	}
	l.wake()
}
