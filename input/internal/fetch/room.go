package fetch

import (
	"cmp"
	"slices"
	"sync"

	"github.com/seed75cbcda6/supabase-storage/input/internal/limiter"
)

// RoomOptions say for how much there is room. Bytes is required.
type RoomOptions struct {
	// Bytes bounds the bytes that downloads under way may hold.
	Bytes int64
	// Places bounds the requests under way at all endpoints together, those for parts
	// of large objects included; 0 is as many as an adaptive limiter allows at one
	// endpoint. Each limiter has its own bound in addition.
	Places int
	// BytesPerSecond bounds what all bodies together bring; 0 is no limit.
	BytesPerSecond int64
	// Whole says that claims hold each download whole in memory, so that its full size
	// counts against Bytes.
	Whole bool
	// None says that downloads have no content, and count for no bytes.
	None bool
	// Buffered hears each change of the bytes in use, and must not block; nil is
	// nobody.
	Buffered func(bytes int64)
}

// Room is what the runs of many Fetchers share: the places of the process, one for
// each request under way, the bytes of the budget, and the rate. A run has a part in
// it from its beginning to its end, and leaves nothing behind.
//
// A run asks for room for each object that it has to begin, and is given it as soon as
// it is its turn (see turn.go). What was given is taken already: nobody else can have it, so
// that no run has to be woken to look whether it is in time.
//
// Its lock may be held where that of a limiter is taken, never the other way round.
type Room struct {
	buffered func(int64)
	places   int
	pace     *pace // nil for no limit
	buffers  buffers

	mu        sync.Mutex
	budget    budget
	taken     int // of the places
	turns     uint64
	members   int
	endpoints map[*limiter.Limiter]*endpoint
	// blocked says that a run waits for something else than a place of its limiter, and
	// short that it is the bytes.
	blocked, short bool
}

// endpoint are the runs that share a limiter.
type endpoint struct {
	limiter *limiter.Limiter
	unhook  func() // from the limiter
	outages int
	members map[*member]struct{}
	waiting []*member
	given   int // what was given and is not collected yet
}

// member is a run in a room.
type member struct {
	room     *Room
	endpoint *endpoint
	// freed has a token when the run was given room, and when its endpoint is back.
	freed  chan struct{}
	places int // in use, parts that are read ahead included

	// asks are the charges for which it waits, in the order in which it is given them,
	// the first one since turn.
	asks    []int64
	turn    uint64
	starved bool // for bytes, since it is its turn
	given   []grant
}

// grant is the room of one object.
type grant struct {
	charge int64
	place  *limiter.Place
}

// NewRoom makes a room in which nothing is taken.
func NewRoom(o RoomOptions) *Room {
	m := &Room{
		buffered:  o.Buffered,
		places:    cmp.Or(o.Places, limiter.MaxDownloads(0)),
		budget:    budget{total: o.Bytes, whole: o.Whole, none: o.None},
		endpoints: map[*limiter.Limiter]*endpoint{},
	}
	m.pace = newPace(o.BytesPerSecond, m.paced)
	m.use(0)
	return m
}

// ownRoom is that of a Fetcher alone: its places are those of its limiter.
func ownRoom(o Options) *Room {
	return NewRoom(RoomOptions{
		Bytes: o.BufferBytes, Places: limiter.MaxDownloads(o.MaxDownloads),
		Whole: o.HoldsWhole || o.TakesWhole, None: o.References != nil, Buffered: o.Meter.Buffered,
	})
}

// join takes a run in.
func (m *Room) join(l *limiter.Limiter) *member {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.endpoints[l]
	if e == nil {
		e = &endpoint{limiter: l, members: map[*member]struct{}{}}
		e.outages, _ = l.Outages()
		e.unhook = l.OnFreed(func() { m.freed(e) })
		m.endpoints[l] = e
	}
	w := &member{room: m, endpoint: e, freed: make(chan struct{}, 1)}
	e.members[w] = struct{}{}
	m.members++
	return w
}

// leave ends the part of a run that has given everything back.
func (w *member) leave() {
	m, e := w.room, w.endpoint
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(e.members, w)
	m.members--
	if len(e.members) == 0 {
		e.unhook()
		delete(m.endpoints, e.limiter)
	}
	if m.blocked { // the last run may use all bytes
		m.admit(nil, nil)
	}
}

// ask asks for room for an object of the given size. It is collected, in the order in
// which it was asked for, at once or when freed has a token.
func (w *member) ask(size int64) {
	m := w.room
	m.mu.Lock()
	defer m.mu.Unlock()
	if w.asks = append(w.asks, m.budget.chargeFor(size)); len(w.asks) > 1 {
		return
	}
	w.turn = m.nextTurn()
	w.endpoint.waiting = append(w.endpoint.waiting, w)
	m.admit(w.endpoint, w)
}

// collect is what was given for the object that was asked for first, if it was.
func (w *member) collect() (g grant, ok bool) {
	w.room.mu.Lock()
	defer w.room.mu.Unlock()
	if len(w.given) == 0 {
		return grant{}, false
	}
	g = w.given[0]
	w.given = slices.Delete(w.given, 0, 1)
	w.endpoint.given--
	return g, true
}

// withdraw ends the waiting of a run that begins nothing more.
func (w *member) withdraw() {
	m, e := w.room, w.endpoint
	m.mu.Lock()
	defer m.mu.Unlock()
	e.given -= len(w.given)
	for _, g := range w.given {
		w.free(g)
	}
	w.given = nil
	if len(w.asks) > 0 {
		w.asks = nil
		w.stopWaiting()
	}
	m.admit(e, w)
}

// exit gives the room of an object back, which its run hears on another way.
func (w *member) exit(g grant) {
	w.room.mu.Lock()
	defer w.room.mu.Unlock()
	w.free(g)
	w.room.admit(w.endpoint, w)
}

// enterAhead takes a place and so many bytes for a part that is read ahead, where
// nobody waits for them.
func (w *member) enterAhead(bytes int64) (place *limiter.Place, ok bool) {
	m := w.room
	m.mu.Lock()
	defer m.mu.Unlock()
	if !w.hasAhead(bytes) {
		return nil, false
	}
	if place, ok = w.endpoint.limiter.Take(); ok {
		w.take(bytes)
	}
	return place, ok
}

// exitAhead gives the place of a part back.
func (w *member) exitAhead(place *limiter.Place) {
	w.room.mu.Lock()
	defer w.room.mu.Unlock()
	w.free(grant{place: place})
	w.room.admit(w.endpoint, nil)
}

// give gives the bytes of a part back.
func (w *member) give(bytes int64) {
	w.room.mu.Lock()
	defer w.room.mu.Unlock()
	w.room.use(-bytes)
	w.room.admit(w.endpoint, nil)
}

// mayReadAhead reports whether there is room now for a part with a buffer.
func (w *member) mayReadAhead() bool {
	w.room.mu.Lock()
	defer w.room.mu.Unlock()
	return w.hasAhead(partBytes) && w.endpoint.limiter.Free()
}

// hasAhead reports whether nobody waits for what a part would take, except for the
// place in its limiter. A part without a buffer may have the place of an object that
// waits for bytes: with it others need theirs for less time. While bodies wait for the
// rate, reading ahead would only hold memory.
func (w *member) hasAhead(bytes int64) bool {
	m, e := w.room, w.endpoint
	wanted := m.short && bytes > 0 || !m.short && len(e.waiting)+e.given > 0
	return !wanted && m.taken < m.places && !m.pace.waits() && (bytes == 0 || m.has(bytes))
}

// share is how much of a small object one request should ask for. That is all of
// it, unless the bytes of the budget would run out before the places of the limiter:
// in parts that are read side by side the object needs its bytes for less time.
func (w *member) share(size int64) int64 {
	parts := size / minPart
	if size*int64(min(w.endpoint.limiter.Size(), w.room.places)) <= w.room.budget.total || parts <= 1 {
		return size
	}
	return (size + parts - 1) / parts
}

// take counts a place and bytes that a run has from now on.
func (w *member) take(bytes int64) {
	w.places++
	w.room.taken++
	w.room.use(bytes)
}

// free is the contrary of take.
func (w *member) free(g grant) {
	g.place.Leave()
	w.places--
	w.room.taken--
	w.room.use(-g.charge)
}

func (m *Room) nextTurn() uint64 {
	m.turns++
	return m.turns
}

// has reports whether the budget has so many bytes.
func (m *Room) has(bytes int64) bool { return m.budget.has(bytes, m.members > 1) }

func (m *Room) use(bytes int64) {
	m.budget.use(bytes)
	if m.buffered != nil {
		m.buffered(m.budget.used)
	}
}
