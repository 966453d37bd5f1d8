package fetch

import (
	"sync"

	"github.com/seed75cbcda6/supabase-storage/input/internal/limiter"
)

// room is what the downloads of all runs share: the places of the limiter, one for
// each request under way, and the bytes of the budget.
type room struct {
	meter   Meter
	limiter *limiter.Limiter

	mu     sync.Mutex
	budget budget
	// queued are the runs of which an object waits for room: until it has it, no
	// further part is read ahead. starved says that it waits for bytes.
	queued  map[*Run]struct{}
	starved bool
	// runs have a channel each, with a token after wake.
	runs map[*Run]chan struct{}
}

func newRoom(opts Options) *room {
	m := &room{
		meter:   opts.Meter,
		limiter: opts.Limiter,
		budget:  budget{total: opts.BufferBytes, whole: opts.HoldsWhole || opts.TakesWhole, none: opts.References != nil},
		queued:  map[*Run]struct{}{},
		runs:    map[*Run]chan struct{}{},
	}
	m.meter.Buffered(0)
	m.limiter.OnFreed(m.wake)
	return m
}

// join returns a channel that has a token after wake, until leave is called.
func (m *room) join(r *Run) (freed <-chan struct{}, leave func()) {
	c := make(chan struct{}, 1)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.runs[r] = c
	return c, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.runs, r)
	}
}

// enter takes a place and the charge of an object of the given size.
func (m *room) enter(size int64) (charge int64, place *limiter.Place, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	charge = m.budget.chargeFor(size)
	if m.starved = !m.budget.has(charge); m.starved {
		return 0, nil, false
	}
	if place, ok = m.limiter.Take(); ok {
		m.use(charge)
	}
	return charge, place, ok
}

// share is how much of a small object one request should ask for. That is all of
// it, unless the bytes of the budget would run out before the places of the limiter:
// in parts that are read side by side the object needs its bytes for less time.
func (m *room) share(size int64) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	parts := size / minPart
	if size*int64(m.limiter.Size()) <= m.budget.total || parts <= 1 {
		return size
	}
	return (size + parts - 1) / parts
}

// enterAhead takes a place and so many bytes for a part that is read ahead,
// where nobody else waits for them.
func (m *room) enterAhead(bytes int64) (place *limiter.Place, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.hasAhead(bytes) {
		return nil, false
	}
	if place, ok = m.limiter.Take(); ok {
		m.use(bytes)
	}
	return place, ok
}

// mayReadAhead reports whether there is room now for a part with a buffer.
func (m *room) mayReadAhead() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.hasAhead(partBytes) && m.limiter.Free()
}

func (m *room) hasAhead(bytes int64) bool {
	wanted := len(m.queued) > 0 && (bytes > 0 || !m.starved)
	return !wanted && m.budget.used+bytes <= max(m.budget.total, m.budget.used)
}

// give gives bytes of the budget back.
func (m *room) give(bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.use(-bytes)
}

func (m *room) use(bytes int64) {
	m.budget.used += bytes
	m.meter.Buffered(m.budget.used)
}

// queue says whether an object of r waits for room.
func (m *room) queue(r *Run, waits bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if waits {
		m.queued[r] = struct{}{}
	} else {
		delete(m.queued, r)
	}
}

// wake says to all runs that something was given back.
func (m *room) wake() { m.wakeOthers(nil) }

// wakeOthers is wake without one run, which knows already.
func (m *room) wakeOthers(knows *Run) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for r, c := range m.runs {
		if r == knows {
			continue
		}
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
