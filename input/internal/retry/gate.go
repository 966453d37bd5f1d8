package retry

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// MaxAfter bounds the pause that a server can ask for. A server that asks for more
// hardly means that nothing should be read for so long.
const MaxAfter = 15 * time.Minute

// Gate is closed while a server has asked for a pause. The zero value is open. It
// is safe for concurrent use.
type Gate struct {
	mu    sync.Mutex
	until time.Time
}

// Hold closes the gate for d from now on, unless it is already closed for longer.
func (g *Gate) Hold(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := time.Now().Add(d); until.After(g.until) {
		g.until = until
	}
}

// Wait returns when the gate is open, or with the error of ctx if ctx ends first.
func (g *Gate) Wait(ctx context.Context) error {
	for {
		g.mu.Lock()
		left := time.Until(g.until)
		g.mu.Unlock()
		if left <= 0 {
			return ctx.Err()
		}
		if err := Sleep(ctx, left); err != nil {
			return err
		}
	}
}

// After is how long a response asks to wait (Retry-After, in seconds or as a
// date), at most [MaxAfter], or 0 if it does not ask. A date is compared with the
// server's clock (Date) if the response has it, else with now.
func After(h http.Header, now time.Time) time.Duration {
	s := h.Get("Retry-After")
	if s == "" {
		return 0
	}
	if n, err := strconv.ParseFloat(s, 64); err == nil && !math.IsNaN(n) {
		return time.Duration(min(max(n, 0), MaxAfter.Seconds()) * float64(time.Second))
	}
	at, err := http.ParseTime(s)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(at.Sub(now), 0), MaxAfter)
}
