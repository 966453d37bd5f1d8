package fetch

import (
	"slices"

	"github.com/seed75cbcda6/supabase-storage/input/internal/limiter"
)

// Whose turn it is.
//
// A place that is free goes to the run that has the fewest, of those that wait and
// whose limiter has one too. So a huge bucket does not starve a small one of the same
// endpoint, nor a slow endpoint, which gives places back late, all others.
//
// A run that lacks bytes when it is its turn keeps that turn: of several the one that
// waits longest, and until there are enough bytes nobody else begins, except with small
// objects in the part of the budget that is kept for them. Else a stream of smaller
// objects would take what becomes free, again and again. It has no such right while its
// limiter has no place for it: others do not wait for an endpoint that is slow or down.
//
// While the bodies under way wait for the rate, only a run without any begins one.
//
// The invariant: whenever the lock is free, no run waits that could have what it waits
// for. So admit is called after everything that may change this.

// admit gives room to the runs whose turn it is. What has changed concerns the given
// endpoint, or all where it is nil. The run that knows already gets no token.
func (m *Room) admit(changed *endpoint, knows *member) {
	for all := changed == nil; ; {
		all = all || m.blocked
		w := m.next(all, changed)
		if w == nil {
			return
		}
		place, ok := w.endpoint.limiter.Take()
		if !ok {
			continue // a page of a listing was quicker
		}
		w.get(place)
		if w != knows {
			w.wake()
		}
	}
}

// next is the run whose turn it is, nil where none can have what it waits for: of all,
// or of an endpoint.
func (m *Room) next(all bool, changed *endpoint) *member {
	if m.taken >= m.places { // looking would change nothing: there are no parts either
		m.blocked = true
		return nil
	}
	m.blocked, m.short = false, false
	var fewest, small, starved *member
	look := func(e *endpoint) {
		if len(e.waiting) == 0 || !e.limiter.Free() {
			return
		}
		for _, w := range e.waiting {
			if w.places > 0 && m.pace.isBehind() {
				m.blocked = true
				continue
			}
			if w.starved = w.starved || !m.has(w.asks[0]); w.starved && (starved == nil || w.turn < starved.turn) {
				starved = w
			}
			if w.before(fewest) {
				fewest = w
			}
			if m.budget.isSmall(w.asks[0]) && w.before(small) {
				small = w
			}
		}
	}
	if all {
		for _, e := range m.endpoints {
			look(e)
		}
	} else {
		look(changed)
	}
	switch {
	case starved == nil:
		return fewest
	case m.has(starved.asks[0]):
		return starved
	}
	m.blocked, m.short = true, true
	if small != nil && m.budget.hasNextTo(starved.asks[0], small.asks[0]) {
		return small
	}
	return nil
}

// before reports whether a run comes before another one, which may be nil.
func (w *member) before(other *member) bool {
	return other == nil || w.places < other.places || w.places == other.places && w.turn < other.turn
}

// freed is called by a limiter that may have another place. After an outage all runs
// of the endpoint have to know how it ended.
func (m *Room) freed(e *endpoint) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if ended, _ := e.limiter.Outages(); ended != e.outages {
		e.outages = ended
		for w := range e.members {
			w.wake()
		}
	}
	m.admit(e, nil)
}

// paced is called when a body has waited for the rate.
func (m *Room) paced() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.blocked {
		m.admit(nil, nil)
	}
}

// get takes what a run has asked for first.
func (w *member) get(place *limiter.Place) {
	g := grant{w.asks[0], place}
	w.take(g.charge)
	w.given = append(w.given, g)
	w.endpoint.given++
	w.asks, w.starved, w.turn = slices.Delete(w.asks, 0, 1), false, w.room.nextTurn()
	if len(w.asks) == 0 {
		w.stopWaiting()
	}
}

func (w *member) stopWaiting() {
	i := slices.Index(w.endpoint.waiting, w)
	w.endpoint.waiting = slices.Delete(w.endpoint.waiting, i, i+1)
}

func (w *member) wake() {
	select {
	case w.freed <- struct{}{}:
	default:
	}
}
