package fetch

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

const (
	// suspectAfter is how many attempts have to fail in a row, none succeeding in
	// between, for the endpoint to be probed. After a probe that passes it takes
	// twice as many: then it is the objects that fail.
	suspectAfter = 4
	// An endpoint that is down is probed after probeFirst, and then after ever
	// longer pauses up to probeMost: an outage costs less than one request a
	// second, and work goes on at most probeMost after its end.
	probeFirst = time.Second
	probeMost  = 4 * time.Second
)

// outage knows whether the endpoint is down. While it is, no object is asked
// for, and so no attempts are used up; a probe tells when it is back. An outage
// that lasts longer than all attempts at one object would is the end of the
// runs, not of thousands of objects one by one.
type outage struct {
	*Fetcher
	mu       sync.Mutex
	failures int // in a row
	suspect  int // so many make it probe
	probing  bool
	isDown   bool
	back     chan struct{} // closed at the end of an outage
	// recovered counts the ends of outages, and lasted holds the error of the last
	// one if it was given up.
	recovered int
	lasted    error
}

func newOutage(f *Fetcher) *outage { return &outage{Fetcher: f, suspect: suspectAfter} }

// down reports whether no object is to be asked for: the endpoint is down, or a
// probe is about to tell.
func (o *outage) down() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.isDown || o.probing
}

// recoveries is for a run that begins, to be given to since.
func (o *outage) recoveries() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.recovered
}

// since tells how many outages have ended, and the error of the last one if the
// endpoint did not come back and the caller has not heard of it.
func (o *outage) since(heard int) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.recovered == heard {
		return heard, nil
	}
	return o.recovered, o.lasted
}

// wait returns when the endpoint is not down, and reports whether it is back.
func (o *outage) wait(ctx context.Context) bool {
	o.mu.Lock()
	back := o.back
	down := o.isDown
	o.mu.Unlock()
	if !down {
		return true
	}
	select {
	case <-back:
	case <-ctx.Done():
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lasted == nil
}

// heard takes note of how an attempt ended.
func (o *outage) heard(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err == nil:
		o.failures, o.suspect = 0, suspectAfter
	case object.EndpointFault(err):
		if o.failures++; o.failures >= o.suspect && !o.probing {
			o.probing = true
			o.runs.Go(o.watch)
		}
	}
}

// watch probes an endpoint that may be down, until it is back or the outage has
// lasted too long.
func (o *outage) watch() {
	began := time.Now()
	pause := probeFirst
	for {
		err := o.opts.Source.Probe(o.ctx)
		if o.ctx.Err() != nil {
			return
		}
		if err == nil || !object.Transient(err) {
			o.end(nil) // what else is wrong shows with the objects
			return
		}
		o.begin(err)
		if lasted := time.Since(began); lasted >= o.opts.Retry.Patience() {
			o.end(fmt.Errorf("the endpoint has been down for %s: %w", lasted.Round(time.Second), err))
			return
		}
		if retry.Sleep(o.ctx, pause) != nil {
			return
		}
		pause = min(2*pause, probeMost)
	}
}

func (o *outage) begin(err error) {
	o.opts.Meter.Down(err)
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.isDown {
		o.isDown, o.back = true, make(chan struct{})
	}
}

func (o *outage) end(lasted error) {
	o.mu.Lock()
	wasDown := o.isDown
	o.isDown, o.probing, o.failures = false, false, 0
	if wasDown {
		o.recovered++
		o.lasted = lasted
		o.suspect = suspectAfter
		close(o.back)
	} else {
		o.suspect *= 2
	}
	o.mu.Unlock()
	if wasDown {
		o.opts.Meter.Up()
	}
	o.room.wake()
}
