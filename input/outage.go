package input

import "time"

// outageEvery is how often an outage that lasts is told of again: often enough
// that the end of a log says what the run waits for, and no more than a dozen
// lines an hour.
const outageEvery = 5 * time.Minute

// outage decides what is told of something that is waited for: it is told of when
// it begins, every [outageEvery], and when it is over. It belongs to one
// goroutine at a time.
type outage struct {
	began, told time.Time
	failures    int
}

// failed notes a failed attempt, and reports whether to tell of it.
func (o *outage) failed() (tell bool) {
	now := time.Now()
	o.failures++
	if o.began.IsZero() {
		o.began = now
	} else if now.Sub(o.told) < outageEvery {
		return false
	}
	o.told = now
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
