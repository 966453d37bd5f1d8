package listing

import (
	"errors"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
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

// Limit is how many pages may be under way at a time: a fixed number, or as many
// as the server gains from. It is halved when the server is overloaded, which it
// tells by throttling or by slow pages, and rises again page by page. Keep it
// from one listing to the next, so that the next begins with what the last one
// found. Its methods may be called from several goroutines.
type Limit struct {
	max int

	mu      sync.Mutex
	now     float64 // where the number is fixed
	pace    *pace   // where it adapts; else nil
	lowered time.Time
	usual   time.Duration // what a page takes
}

// NewLimit lets up to n pages be under way. Zero adapts: it begins with four,
// goes up to sixteen while pages come as quickly as with fewer, and goes down to
// where they do.
func NewLimit(n int) *Limit {
	l := &Limit{max: MaxListers(n), now: float64(MaxListers(n))}
	if n == 0 {
		l.pace = newPace()
	}
	return l
}

// MaxListers is how many pages may ever be under way for a configured number,
// where 0 adapts.
func MaxListers(configured int) int {
	if configured == 0 {
		return lastPace
	}
	return max(configured, 1)
}

// SlowDown tells of a request for a page that failed and is tried again, or of
// any other sign that the server has too much to do. Errors of other kinds than
// [object.ErrThrottled] and [object.ErrUnavailable] change nothing.
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
	if l.pace != nil {
		return l.pace.listers()
	}
	return int(l.now)
}

// A ticket belongs to a page that was asked for.
type ticket struct {
	nth   int // pages under way, with this one
	round int
}

// asked is called before a page is asked for, which is the nth under way.
func (l *Limit) asked(nth int) ticket {
	t := ticket{nth: nth}
	if l.pace != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		t.round = l.pace.round
	}
	return t
}

// took tells how long a page took, retries included.
func (l *Limit) took(d time.Duration, t ticket) {
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
	case l.pace != nil:
		l.pace.page(d, t.nth, t.round)
	default:
		l.now = min(float64(l.max), l.now+1/(riseAfter*l.now))
	}
}

// lower halves the limit, or ends the trial of a higher one.
func (l *Limit) lower() {
	trying := l.pace != nil && l.pace.trying()
	if !trying && !l.lowered.IsZero() && time.Since(l.lowered) < calm {
		return
	}
	l.lowered = time.Now()
	if l.pace != nil {
		l.pace.turnedAway()
		return
	}
	l.now = max(1, l.now/2)
}
