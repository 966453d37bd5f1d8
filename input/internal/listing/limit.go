package listing

import (
	"errors"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

const (
	// calm is how long the limit is not lowered again: all pages that were under
	// way at the first sign of trouble report the same trouble.
	calm = time.Second
	// A page is slow if it took slowTimes as long as usual, and slowBy longer than
	// usual.
	slowTimes = 4
	slowBy    = 500 * time.Millisecond
	// riseAfter is how many good pages each lister must bring before one more
	// lister is allowed.
	riseAfter = 8
	// settling is how many pages it takes for a new page time to become the usual
	// one.
	settling = 16
)

// Limit is how many pages may be under way at a time: a fixed number, or the
// number at which the server lists fastest. It is halved when the server throttles
// or answers slowly, and rises again page by page. Keep it from one listing to the
// next, so that the next listing begins with the number that the last one found.
// Its methods may be called from several goroutines.
type Limit struct {
	max int

	mu      sync.Mutex
	now     float64 // for a fixed number
	tuner   *tuner  // for an adaptive one; else nil
	lowered time.Time
	usual   time.Duration // what a page takes
}

// NewLimit allows up to n pages under way. Zero adapts: it begins with four, rises
// to at most sixteen as long as pages take no longer than with fewer, and drops
// when they do.
func NewLimit(n int) *Limit {
	l := &Limit{max: MaxListers(n), now: float64(MaxListers(n))}
	if n == 0 {
		l.tuner = newTuner()
	}
	return l
}

// MaxListers is the highest number of pages that may be under way for a
// configured number, where 0 adapts.
func MaxListers(configured int) int {
	if configured == 0 {
		return mostListers
	}
	return max(configured, 1)
}

// SlowDown reports that a request for a page failed and is tried again, or any
// other sign that the server is overloaded. It ignores errors of other kinds than
// [object.ErrThrottled] and [object.ErrUnavailable].
func (l *Limit) SlowDown(err error) {
	if errors.Is(err, object.ErrThrottled) || errors.Is(err, object.ErrUnavailable) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.lower()
	}
}

// Listers is how many pages may be under way now.
func (l *Limit) Listers() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tuner != nil {
		return l.tuner.listers()
	}
	return int(l.now)
}

// A load is the load under which a page was requested.
type load struct {
	pages int // under way, with this one
	round int // of the tuner
}

// asked is called before a page is requested; pages are under way with this one.
func (l *Limit) asked(pages int) load {
	now := load{pages: pages}
	if l.tuner != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		now.round = l.tuner.round
	}
	return now
}

// took reports how long a page took, including retries.
func (l *Limit) took(d time.Duration, at load) {
	l.mu.Lock()
	defer l.mu.Unlock()
	slow := l.usual > 0 && d > slowTimes*l.usual && d > l.usual+slowBy
	switch {
	case l.usual == 0, d < l.usual:
		l.usual = d
	default:
		l.usual += (d - l.usual) / settling
	}
	switch {
	case slow:
		l.lower()
	case l.tuner != nil:
		l.tuner.add(d, at)
	default:
		l.now = min(float64(l.max), l.now+1/(riseAfter*l.now))
	}
}

// lower halves the limit, or ends the trial of a higher number.
func (l *Limit) lower() {
	trying := l.tuner != nil && l.tuner.tryingMore()
	if !trying && !l.lowered.IsZero() && time.Since(l.lowered) < calm {
		return
	}
	l.lowered = time.Now()
	if l.tuner != nil {
		l.tuner.overloaded()
		return
	}
	l.now = max(1, l.now/2)
}
