package view

import "time"

// Window computes a rate over the last seconds from a count that is looked at now
// and then. It is not safe for concurrent use.
type Window struct {
	// Over is how far back it looks.
	Over time.Duration
	seen []sample // oldest first
}

type sample struct {
	at    time.Time
	count float64
}

// Add notes a count. A count that is smaller than the one before begins anew: the
// process that counts was started again.
func (w *Window) Add(at time.Time, count float64) {
	if n := len(w.seen); n > 0 && count < w.seen[n-1].count {
		w.seen = w.seen[:0]
	}
	w.seen = append(w.seen, sample{at, count})
	// The first sample that is kept is the last one that is old enough.
	for len(w.seen) > 2 && at.Sub(w.seen[1].at) >= w.Over {
		w.seen = w.seen[1:]
	}
}

// PerSecond is the rate, 0 while fewer than two counts were noted.
func (w *Window) PerSecond() float64 {
	n := len(w.seen)
	if n < 2 {
		return 0
	}
	first, last := w.seen[0], w.seen[n-1]
	if !last.at.After(first.at) {
		return 0
	}
	return (last.count - first.count) / last.at.Sub(first.at).Seconds()
}
