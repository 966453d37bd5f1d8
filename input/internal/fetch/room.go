package fetch

import (
	"sync"
	"time"
)

// room is what the downloads of all runs share: the places of the window, one for
// each request under way, and the bytes of the budget.
type room struct {
	meter Meter

	mu     sync.Mutex
	window *window
	budget budget
	taken  int // places
	told   int // the size of the window that the meter knows
	// queued are the runs of which an object waits for room: until it has it, no
	// further part is read ahead. starved says that it waits for bytes.
	queued  map[*Run]struct{}
	starved bool
	// runs have a channel each, with a token after wake.
	runs map[*Run]chan struct{}
}

func newRoom(opts Options) *room {
	m := &room{
		meter:  opts.Meter,
		window: newWindow(opts.MaxDownloads),
		budget: budget{total: opts.BufferBytes, whole: opts.HoldsWhole || opts.TakesWhole},
		queued: map[*Run]struct{}{},
		runs:   map[*Run]chan struct{}{},
	}
	m.tell()
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

// hasPlace reports whether another request may begin.
func (m *room) hasPlace() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.taken < m.window.size()
}

// enter takes a place and the charge of an object of the given size.
func (m *room) enter(size int64) (charge int64, t ticket, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.window.expect(size)
	charge = m.budget.chargeFor(size)
	if m.taken >= m.window.size() {
		return 0, ticket{}, false
	}
	if m.starved = !m.budget.take(charge); m.starved {
		return 0, ticket{}, false
	}
	m.taken++
	m.tell()
	return charge, m.window.begin(time.Now()), true
}

// enterAhead takes a place and so many bytes for a part that is read ahead,
// where nobody else waits for them.
func (m *room) enterAhead(bytes int64) (t ticket, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.hasAhead(bytes) {
		return ticket{}, false
	}
	m.budget.used += bytes
	m.taken++
	m.tell()
	return m.window.begin(time.Now()), true
}

// mayReadAhead reports whether there is room now for a part with a buffer.
func (m *room) mayReadAhead() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.hasAhead(aheadBytes)
}

func (m *room) hasAhead(bytes int64) bool {
	wanted := len(m.queued) > 0 && (bytes > 0 || !m.starved)
	return !wanted && m.taken < m.window.size() && m.budget.used+bytes <= max(m.budget.total, m.budget.used)
}

// share is how much of a small object one request should ask for. That is all of
// it, unless the bytes of the budget would run out before the places of the
// window: in parts that are read side by side the object needs its bytes for less
// time.
func (m *room) share(size int64) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	wanted := size * int64(m.window.size())
	parts := min((wanted+m.budget.total-1)/m.budget.total, size/minPart)
	if parts <= 1 {
		return size
	}
	return (size + parts - 1) / parts
}

// untimed is the size of a download whose time says nothing of the endpoint.
const untimed = -1

// leave gives a place back, and tells the window how its request went: how long
// it took for how many bytes.
func (m *room) leave(t ticket, size int64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case err != nil:
		m.window.failed(t, time.Now(), err)
	case size != untimed:
		m.window.ended(t, time.Now(), size, m.taken*4 >= m.window.size()*3)
	}
	m.taken--
	m.tell()
}

// failed tells the window of a request that keeps its place although it failed.
func (m *room) failed(t ticket, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.window.failed(t, time.Now(), err)
	m.tell()
}

// again is for a further request in a place that is taken already.
func (m *room) again() ticket {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.window.begin(time.Now())
}

// give gives bytes of the budget back.
func (m *room) give(bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.budget.give(bytes)
	m.tell()
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

func (m *room) tell() {
	m.meter.InFlight(m.taken)
	m.meter.Buffered(m.budget.used)
	if size := m.window.size(); size != m.told {
		m.told = size
		m.meter.Window(size)
	}
}
