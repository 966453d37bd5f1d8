package management

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// atOnce is how many requests are under way at a time. In production each project has a
// quota of its own, 120 requests a minute, so at a start it is this number that counts:
// the two requests for each of 1,000 projects, of 0.15 s each, take 40 s. Where one quota
// is for all of them, this many use up 120 in 2 seconds, and more would not be faster.
const atOnce = 8

// quotaWindow is how long the quota is for. It is the longest hold where the API does
// not say when the quota begins anew.
const quotaWindow = time.Minute

// longestHold bounds what an answer can ask for.
const longestHold = 5 * time.Minute

// unsaid are the pauses after a 429 that does not say how long to wait.
var unsaid = retry.Policy{InitialInterval: time.Second, MaxInterval: 30 * time.Second}

// pacer keeps requests within the quota that the answers tell of. It is safe for
// concurrent use.
type pacer struct {
	slots chan struct{} // holds one element for each request that is or wants to be under way

	mu       sync.Mutex
	waiting  int // to begin
	underWay int
	// left is the least that an answer said to be left of the quota until reset. It
	// counts no request that began after that answer: those are under way, or had
	// answers of their own. A zero reset says that no quota is known.
	left  int
	reset time.Time
	// asking says that no answer has told of the present window yet: one request finds
	// out, and the others wait for it.
	asking bool
	// until is when the pause ends that an answer asked for; throttled counts the
	// answers since the last other one that asked for one.
	until     time.Time
	throttled int
	changed   chan struct{} // closed when something changed for those who wait
}

func newPacer() *pacer {
	return &pacer{slots: make(chan struct{}, atOnce), changed: make(chan struct{}), asking: true}
}

// start waits until a request may begin. Its end is told by done.
func (p *pacer) start(ctx context.Context) error {
	p.wait(1)
	defer p.wait(-1)
	select {
	case p.slots <- struct{}{}: // those who wait for one come in their order
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		wait, changed := p.tryStart()
		if wait <= 0 {
			return nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-changed:
		case <-ctx.Done():
			timer.Stop()
			<-p.slots
			return ctx.Err()
		}
		timer.Stop()
	}
}

// tryStart begins a request, or says how long to wait at most before the next try.
func (p *pacer) tryStart() (wait time.Duration, changed chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if now.Before(p.until) {
		return p.until.Sub(now), p.changed
	}
	if !p.reset.IsZero() && !now.Before(p.reset) {
		p.reset, p.asking = time.Time{}, true
	}
	switch {
	case p.asking && p.underWay > 0:
		return quotaWindow, p.changed // the end of the other one is a change
	case !p.reset.IsZero() && p.underWay >= p.left:
		return p.reset.Sub(now), p.changed
	}
	p.underWay++
	return 0, nil
}

func (p *pacer) wait(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting += n
}

// held is how long requests that wait are held back, at the most.
func (p *pacer) held() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	switch {
	case p.waiting == 0:
		return 0
	case now.Before(p.until):
		return p.until.Sub(now)
	case now.Before(p.reset) && p.underWay >= p.left:
		return p.reset.Sub(now)
	}
	return 0
}

// done says that a request has ended.
func (p *pacer) done() {
	p.mu.Lock()
	p.underWay--
	p.wake()
	p.mu.Unlock()
	<-p.slots
}

func (p *pacer) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// seen takes note of what an answer tells of the quota.
func (p *pacer) seen(status int, h http.Header) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.asking = false
	reset, knowsReset := resetIn(h, now)
	if left, err := strconv.Atoi(h.Get("X-RateLimit-Remaining")); err == nil {
		p.spend(max(left, 0), now, reset, knowsReset)
	}
	pause := retry.After(h, now)
	switch {
	case status == http.StatusTooManyRequests:
		if p.throttled++; pause == 0 {
			pause = reset
		}
		if pause == 0 {
			pause = unsaid.Delay(p.throttled)
		}
	case status != http.StatusServiceUnavailable:
		p.throttled, pause = 0, 0
	}
	if until := now.Add(min(pause, longestHold)); pause > 0 && until.After(p.until) {
		p.until = until
	}
	p.wake()
}

// spend notes how much of the quota is left. Answers come in any order, and may be of
// several quotas: the least counts, until the window that it was said for is over.
func (p *pacer) spend(left int, now time.Time, reset time.Duration, known bool) {
	if !known {
		reset = quotaWindow
	}
	if !now.Before(p.reset) {
		p.left, p.reset = left, now.Add(reset)
		return
	}
	if left < p.left {
		p.left, p.reset = left, now.Add(reset)
	}
}

// resetIn is how long it takes until the quota begins anew: at least a second, where
// the answer says so. It is told in seconds, or, by some gateways, as a Unix time.
func resetIn(h http.Header, now time.Time) (time.Duration, bool) {
	n, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil || n < 0 {
		return 0, false
	}
	const year1973 = 100_000_000 // in Unix time; in seconds it would be three years
	d := longestHold
	switch {
	case n >= year1973*1000:
		d = time.UnixMilli(n).Sub(now)
	case n >= year1973:
		d = time.Unix(n, 0).Sub(now)
	case n < int64(longestHold/time.Second):
		d = time.Duration(n) * time.Second
	}
	return min(max(d, time.Second), longestHold), true
}
