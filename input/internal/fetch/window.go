package fetch

import "time"

// The bounds of an adaptive window. A small Supabase instance serves 20 requests
// at a time from its database pool and gains little above 32 readers, so the
// window starts below both and grows only while all goes well.
const (
	windowFloor   = 2
	windowStart   = 16
	windowCeiling = 64
	// windowPause is how long a push-back counts for the answers that were
	// already under way when it came: many at once are one sign, not many.
	windowPause = time.Second
)

// window says how many downloads may be under way: a fixed number, or one that
// doubles with each full window of successes until the endpoint first pushes
// back, halves then, and grows by one from there on.
type window struct {
	adaptive bool
	cautious bool
	limit    float64
	pausedTo time.Time
}

func newWindow(fixed int) *window {
	if fixed > 0 {
		return &window{limit: float64(fixed)}
	}
	return &window{adaptive: true, limit: windowStart}
}

func (w *window) size() int { return int(w.limit) }

func (w *window) succeeded() {
	switch {
	case !w.adaptive:
	case w.cautious:
		w.limit = min(w.limit+1/w.limit, windowCeiling)
	default:
		w.limit = min(w.limit+1, windowCeiling)
	}
}

func (w *window) pushedBack(now time.Time) {
	if w.adaptive && !now.Before(w.pausedTo) {
		w.limit = max(w.limit/2, windowFloor)
		w.cautious = true
		w.pausedTo = now.Add(windowPause)
	}
}

// MaxDownloads is how many downloads may ever be under way for a configured
// number, where 0 adapts.
func MaxDownloads(configured int) int {
	if configured > 0 {
		return configured
	}
	return windowCeiling
}
