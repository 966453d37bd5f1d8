package listing

import (
	"errors"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
)

const (
	// calm is how long the limit is not lowered again: the pages that were under
	// way at the first sign of trouble all tell of the same.
	calm = time.Second
	// A page is slow that took slowTimes as long as usual, and longer than that
	// by slowBy.
	slowTimes = 4
	slowBy    = 500 * time.Millisecond
	// riseAfter is how many good pages each lister must bring before there may
	// be one more of them.
	riseAfter = 8
	// settling is how many pages it takes for a new pace to become the usual one.
	settling = 16
)

// Limit is how many pages may be under way at a time. It is halved when the
// server is overloaded, which it tells by throttling or by slow pages, and rises
// again page by page. Keep it from one listing to the next, so that the next
// begins with what the last one found. Its methods may be called from several
// goroutines.
type Limit struct {
	max int

	mu      sync.Mutex
	now     float64
	lowered time.Time
	usual   time.Duration // what a page takes
}

// NewLimit lets up to n pages, at least one, be under way.
func NewLimit(n int) *Limit {
	n = max(n, 1)
	return &Limit{max: n, now: float64(n)}
}

// SlowDown tells of a request for a page that failed and is tried again, or of
// any other sign that the server has too much to do. Errors of other kinds than
// [bucket.ErrThrottled] and [bucket.ErrUnavailable] change nothing.
func (l *Limit) SlowDown(err error) {
	if errors.Is(err, bucket.ErrThrottled) || errors.Is(err, bucket.ErrUnavailable) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.lower()
	}
}

// Listers is how many pages may be under way now.
func (l *Limit) Listers() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(l.now)
}

// took tells how long a page took, retries included.
func (l *Limit) took(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	slow := l.usual > 0 && d > slowTimes*l.usual && d > l.usual+slowBy
	switch {
	case l.usual == 0, d < l.usual:
		l.usual = d
	default:
		l.usual += (d - l.usual) / settling
	}
	if slow {
		l.lower()
		return
	}
	l.now = min(float64(l.max), l.now+1/(riseAfter*l.now))
}

// lower halves the limit.
func (l *Limit) lower() {
	if !l.lowered.IsZero() && time.Since(l.lowered) < calm {
		return
	}
	l.lowered = time.Now()
	l.now = max(1, l.now/2)
}
