package outage

import "sync"

// Logger is where lines go.
type Logger interface {
	Infof(format string, args ...any)
	Warnf(format string, args ...any)
}

// Log logs what requests wait for in few lines, however many of them fail at the same
// time. It is safe for concurrent use.
type Log struct {
	To   Logger
	What string // as in "Waiting for ..."
	// Once is that of [Lines].
	Once bool
	// Failing, which may be nil, is told with each failed request that the outage lasts,
	// and with each end of one that it does not.
	Failing func(lasts bool)

	mu    sync.Mutex
	lines Lines
	last  error // of the outage that lasts
}

// Failed notes a failed request. If a line is due, it logs the error.
func (o *Log) Failed(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.show(true)
	o.last = err
	o.lines.Once = o.Once
	switch tell := o.lines.Failed(); {
	case tell && o.lines.failures == 1:
		o.To.Warnf("Waiting for %s: %v", o.What, err)
	case tell:
		o.To.Warnf("Still waiting for %s after %s and %d failed requests: %v", o.What, o.lines.Lasts(), o.lines.failures, err)
	}
}

// Ended logs that requests succeed again. It says nothing if none had failed.
func (o *Log) Ended() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = nil
	o.show(false)
	lasted, failures := o.lines.Lasts(), o.lines.failures
	if o.lines.Over() {
		o.To.Infof("No longer waiting for %s: it answers again after %s and %d failed requests", o.What, lasted, failures)
	}
}

func (o *Log) show(lasts bool) {
	if o.Failing != nil {
		o.Failing(lasts)
	}
}

// Cause is the last error of the outage; nil if there is none at the moment.
func (o *Log) Cause() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last
}
