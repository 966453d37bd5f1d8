package ledger

import (
	"cmp"
	"slices"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// Work is what is due in one stretch. Each object in Due is to be settled by
// one of Delivered, Park and Vanish, each in Vanished by Forget or Absent, or
// given back by Release; Close gives back all that are left. Settling may
// happen from many goroutines, in any order, long after Compare. Only keys
// that the Work itself returned can be settled; others are ignored.
//
// Listed objects that match = Unchanged + InFlight + len(Parked) + len(Due).
type Work struct {
	// Unchanged counts what matches and was delivered as it is listed.
	Unchanged int64
	// InFlight counts what another Work has handed out and not settled yet. It
	// is looked at again in the next pass.
	InFlight int64
	// Overtaken are those of InFlight of which another version is in flight than
	// was listed, or a deletion: what is in flight does not settle them.
	Overtaken []object.Object
	// Parked are the objects whose next attempt is not due yet.
	Parked []ParkedItem
	// Due are the objects to be delivered, in byte order. Read only.
	Due []Item
	// Vanished are tracked keys that were not listed, in byte order, whether
	// they match or not. Read only.
	Vanished []Tracked

	ledger         *Ledger
	lo, hi         string
	dueClaims      []claim
	vanishedClaims []claim
	due            []Item
	vanished       []Tracked
	// open counts the claims that are neither settled nor released.
	open int
}

// claim is the state of one due or vanished key.
type claim struct {
	state  claimState
	before mark
	// first is when the version was parked first, if it was.
	first time.Time
}

type claimState uint8

const (
	open claimState = iota
	released
	gone
	parked
	delivered
	forgotten
)

// register makes the work known to the ledger.
func (w *Work) register() {
	w.due, w.vanished = w.Due, w.Vanished
	w.open = len(w.due) + len(w.vanished)
	if w.open == 0 {
		return
	}
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	w.ledger.works[w] = struct{}{}
}

// item returns the due object under key with its claim, or nil.
func (w *Work) item(key string) (*Item, *claim) {
	i, ok := slices.BinarySearchFunc(w.due, key, func(it Item, k string) int { return cmp.Compare(it.Key, k) })
	if !ok {
		return nil, nil
	}
	return &w.due[i], &w.dueClaims[i]
}

// claim returns the claim on a key, or nil.
func (w *Work) claim(key string) *claim {
	if _, c := w.item(key); c != nil {
		return c
	}
	if i, ok := w.vanishedAt(key); ok {
		return &w.vanishedClaims[i]
	}
	return nil
}

func (w *Work) vanishedAt(key string) (int, bool) {
	return slices.BinarySearchFunc(w.vanished, key, func(t Tracked, k string) int { return cmp.Compare(t.Key, k) })
}

// Delivered records that obj, the version that was fetched, was delivered: it
// is for an ack to call. The version may be another than was listed; then the
// listed one counts as delivered only if the next listing still shows the very
// same row. It is the truth at any time, so it also counts after the object was
// parked or released.
func (w *Work) Delivered(obj object.Object) {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	item, c := w.item(obj.Key)
	if c == nil || c.state == delivered || c.state == forgotten {
		return
	}
	id, other := w.ledger.mode.delivered(&item.Object, &obj)
	w.settle(c, delivered, &change{key: item.Key, op: opDelivered, id: id, alias: other})
}

// Park records that the object could not be delivered, so that it is not due
// before next unless another version of it is listed. It keeps the reason,
// which must hold no secrets, and the attempts.
func (w *Work) Park(obj object.Object, reason string, next time.Time) {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	item, c := w.item(obj.Key)
	if c == nil || c.state != open && c.state != released {
		return
	}
	if c.first.IsZero() {
		c.first = time.Now()
	}
	p := &parking{
		id: w.ledger.mode.identify(&item.Object), attempts: item.Attempts + 1,
		next: next, first: c.first, reason: clip(reason, 200),
	}
	w.settle(c, parked, &change{key: item.Key, op: opParked, park: p})
}

// Vanish settles an object that was gone before it could be read. If an older
// version was delivered, the key stays tracked, and the next listing tells
// whether it is missing.
func (w *Work) Vanish(key string) {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	if _, c := w.item(key); c != nil && c.state == open {
		w.settle(c, gone, nil)
	}
}

// Forget ends the tracking of a key that is confirmed gone: one that vanished,
// once its deletion is delivered or needs no delivery, or one that was
// delivered and deleted after it. If it is listed again it is due as Created.
func (w *Work) Forget(key string) {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	if c := w.claim(key); c != nil && c.state != forgotten {
		w.settle(c, forgotten, &change{key: key, op: opForgotten})
	}
}

// Absent records that a complete pass found a vanished key missing. It stays
// tracked, and is reported with AbsentBefore by the next pass that does not
// list it either.
func (w *Work) Absent(key string) {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	i, ok := w.vanishedAt(key)
	if !ok || w.vanishedClaims[i].state != open {
		return
	}
	c := &w.vanishedClaims[i]
	if w.vanished[i].AbsentBefore {
		// A write would say nothing new.
		w.settle(c, gone, nil)
		return
	}
	w.settle(c, gone, &change{key: key, op: opAbsent})
}

// Release gives back an object that nobody works on any longer. It is due
// again from the next Compare on.
func (w *Work) Release(key string) {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	if c := w.claim(key); c != nil && c.state == open {
		w.settle(c, released, nil)
	}
}

// Close releases all that is not settled. It may be called again.
func (w *Work) Close() {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	for _, claims := range [][]claim{w.dueClaims, w.vanishedClaims} {
		for i := range claims {
			if claims[i].state == open {
				w.settle(&claims[i], released, nil)
			}
		}
	}
}

// settle moves a claim on, records what happened, and takes the work off the
// ledger's list with its last claim; mu is held. What comes after the claim was
// given up is recorded as late, because another Work may have settled the key
// in between.
func (w *Work) settle(c *claim, to claimState, ch *change) {
	late := c.state != open
	c.state = to
	if ch != nil {
		ch.before, ch.late = c.before, late
		w.ledger.record(*ch, true)
		c.before = ch.after()
	}
	if late {
		return
	}
	if w.open--; w.open == 0 {
		w.ledger.finished(w)
	}
}

// finished takes note that nothing more is to be expected from a work; mu is
// held.
func (l *Ledger) finished(w *Work) {
	delete(l.works, w)
	from, to := l.overlapping(w.lo, w.hi)
	for _, s := range l.segments[from:to] {
		s.ready = s.ready || len(s.delta) >= l.limits.ready
	}
}
