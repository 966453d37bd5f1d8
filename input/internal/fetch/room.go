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
	// part is read ahead.
	queued bool
	// freed has a token after wake.
	freed chan struct{}
}

func newRoom(opts Options) *room {
	m := &room{
		meter:  opts.Meter,
		window: newWindow(opts.MaxDownloads),
		budget: budget{total: opts.BufferBytes, whole: opts.HoldsWhole},
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
func (m *room) enter(size int64) (charge int64, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	charge = m.budget.chargeFor(size)
	if m.taken >= m.window.size() || !m.budget.take(charge) {
		return 0, false
	}
	m.taken++
	m.tell()
	return charge, true
}

// enterAhead takes a place and the bytes of a part that is read ahead, where
// nobody else waits for them.
func (m *room) enterAhead() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.queued || m.taken >= m.window.size() || m.budget.used+aheadBytes > m.budget.total {
		return false
	}
	m.budget.used += aheadBytes
	m.taken++
	m.tell()
	return true
}

// mayReadAhead reports whether enterAhead would find room now.
func (m *room) mayReadAhead() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.queued && m.taken < m.window.size() && m.budget.used+aheadBytes <= m.budget.total
}

// untimed is the size of a download whose time says nothing of the endpoint.
const untimed = -1

// leave gives a place back, and tells the window how its request went: how long
// it took for how many bytes.
func (m *room) leave(began time.Time, size int64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case err != nil:
		m.window.failed(began, time.Now(), err)
	case size != untimed:
		m.window.ended(began, time.Now(), size, m.taken >= m.window.size())
	}
	m.taken--
	m.tell()
}

// failed tells the window of a request that keeps its place although it failed.
func (m *room) failed(began time.Time, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.window.failed(began, time.Now(), err)
	m.tell()
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

func (m *room) tell() {
	m.meter.InFlight(m.taken)
	m.meter.Buffered(m.budget.used)
	if size := m.window.size(); size != m.told {
		m.told = size
		m.meter.Window(size)
	}
}
