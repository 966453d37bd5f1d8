package fetch

import (
	"sync"
	"time"
)

// room is what the downloads of a run share: the places of the window, one for
// each request under way, and the bytes of the budget.
type room struct {
	meter Meter

	mu     sync.Mutex
	window *window
	budget budget
	taken  int // places
	told   int // the size of the window that the meter knows
	// queued says that an object waits for room: until it has it, no further
	// part is read ahead. starved says that it is bytes that it waits for.
	queued, starved bool
	// freed has a token after wake.
	freed chan struct{}
}

func newRoom(opts Options) *room {
	m := &room{
		meter:  opts.Meter,
		window: newWindow(opts.MaxDownloads),
		budget: budget{total: opts.BufferBytes, whole: opts.HoldsWhole || opts.TakesWhole},
		freed:  make(chan struct{}, 1),
	}
	m.tell()
	return m
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
	wanted := m.queued && (bytes > 0 || !m.starved)
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

// queue says whether an object waits for room.
func (m *room) queue(waits bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.queued = waits
}

// wake says to whoever waits for room that a part gave something back.
func (m *room) wake() {
	select {
	case m.freed <- struct{}{}:
	default:
	}
}

// end is for when nothing is under way any more, which after an early end leaves
// places and bytes that nobody gave back.
func (m *room) end() {
	m.meter.InFlight(0)
	m.meter.Buffered(0)
}

func (m *room) tell() {
	m.meter.InFlight(m.taken)
	m.meter.Buffered(m.budget.used)
	if size := m.window.size(); size != m.told {
		m.told = size
		m.meter.Window(size)
	}
}
