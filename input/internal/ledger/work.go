package ledger

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/format"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// Event is why an object is due.
type Event int

const (
	// Created means that no version of the key was delivered, or that it was
	// forgotten since.
	Created Event = iota
	// Updated means that another version was delivered before.
	Updated
)

// String returns "created" or "updated".
func (e Event) String() string {
	if e == Updated {
		return "updated"
	}
	return "created"
}

// Item is an object that is due.
type Item struct {
	object.Object
	Event Event
	// Attempts is how often this version was parked before.
	Attempts int
}

// ParkedItem is an object that waits for another attempt.
type ParkedItem struct {
	Key string
	// Reason is what was said when it was parked, at most 200 bytes.
	Reason string
	// Attempts is how often this version was parked.
	Attempts int
	// Next is when it will be due again, FirstSeen when it was parked first.
	Next, FirstSeen time.Time
	// Delivered says that an older version was delivered.
	Delivered bool
}

// Tracked is a key of which some version was delivered.
type Tracked struct {
	Key string
	// AbsentBefore says that [Work.Absent] was called for it, and that it was
	// not listed since.
	AbsentBefore bool
}

// Work is what is due in one range. Each object in Due is to be settled by
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
	// LeftOut counts the objects that were left out before in the version that is
	// listed, and still are: see [Work.LeaveOut].
	LeftOut int64
	// Overtaken are the objects of InFlight where another version is in flight
	// than was listed, or a deletion: that does not settle them.
	Overtaken []object.Object
	// Parked are the objects whose next attempt is not due yet.
	Parked []ParkedItem
	// Due are the objects to be delivered, in byte order. Read only.
	Due []Item
	// Vanished are tracked keys that were not listed, in byte order, whether
	// they match or not. Read only.
	Vanished []Tracked

	ledger          *Ledger
	lo, hi          string
	dueSettled      []settlement
	vanishedSettled []settlement
	due             []Item
	vanished        []Tracked
	// open counts the keys that are neither settled nor released.
	open int
}

// settlement is how far one due or vanished key is settled.
type settlement struct {
	state  settledState
	before format.Tally
	// first is when the version was parked first, if it was.
	first time.Time
}

type settledState uint8

const (
	open settledState = iota
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
	if w.ledger.works == nil {
		w.ledger.works = map[*Work]struct{}{}
	}
	w.ledger.works[w] = struct{}{}
}

// item returns the due object under key with its settlement, or nil.
func (w *Work) item(key string) (*Item, *settlement) {
	i, ok := slices.BinarySearchFunc(w.due, key, func(it Item, k string) int { return cmp.Compare(it.Key, k) })
	if !ok {
		return nil, nil
	}
	return &w.due[i], &w.dueSettled[i]
}

// settlement returns the settlement of a key, or nil.
func (w *Work) settlement(key string) *settlement {
	if _, s := w.item(key); s != nil {
		return s
	}
	if i, ok := w.vanishedAt(key); ok {
		return &w.vanishedSettled[i]
	}
	return nil
}

// sameVersion reports whether o is the version that is in flight under its key.
func (w *Work) sameVersion(o *object.Object) bool {
	item, _ := w.item(o.Key)
	return item != nil && w.ledger.detect.version(&item.Object) == w.ledger.detect.version(o)
}

func (w *Work) vanishedAt(key string) (int, bool) {
	return slices.BinarySearchFunc(w.vanished, key, func(t Tracked, k string) int { return cmp.Compare(t.Key, k) })
}

// Delivered records that obj, the version that was fetched, was delivered: an ack
// calls it. The version may be another than was listed; then the listed one
// counts as delivered only if the next listing still shows the very same row. It
// also counts after the object was parked or released.
func (w *Work) Delivered(obj object.Object) {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	item, s := w.item(obj.Key)
	if s == nil || s.state == delivered || s.state == forgotten {
		return
	}
	version, alias := w.ledger.detect.delivered(&item.Object, &obj)
	w.settle(s, delivered, &format.Change{Key: item.Key, Op: format.OpDelivered, Version: version, Alias: alias})
}

// Park records that the object could not be delivered, so that it is not due
// before next unless another version of it is listed. It keeps the reason,
// which must hold no secrets, and the attempts.
func (w *Work) Park(obj object.Object, reason string, next time.Time) {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	item, s := w.item(obj.Key)
	if s == nil || s.state != open && s.state != released {
		return
	}
	if s.first.IsZero() {
		s.first = time.Now()
	}
	p := &format.Parked{
		Version: w.ledger.detect.version(&item.Object), Attempts: item.Attempts + 1,
		Next: next, First: s.first, Reason: clip(reason, 200),
	}
	w.settle(s, parked, &format.Change{Key: item.Key, Op: format.OpParked, Parked: p})
}

// LeaveOut records that obj, the version that was fetched, is not wanted because of
// the content type that its answer told. It is not due again while that version is
// listed, the listing does not tell the type, and Options.StaysOut says so of the
// type. What was delivered of the key before stays known.
func (w *Work) LeaveOut(obj object.Object, contentType string) {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	item, s := w.item(obj.Key)
	if s == nil || s.state != open && s.state != released {
		return
	}
	version, _ := w.ledger.detect.delivered(&item.Object, &obj)
	p := &format.Parked{Version: version, Reason: clip(contentType, 200)}
	w.settle(s, parked, &format.Change{Key: item.Key, Op: format.OpParked, Parked: p})
}

// Vanish settles an object that was gone before it could be read. If an older
// version was delivered, the key stays tracked, and the next listing shows
// whether it is missing.
func (w *Work) Vanish(key string) {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	if _, s := w.item(key); s != nil && s.state == open {
		w.settle(s, gone, nil)
	}
}

// Forget ends the tracking of a key that is confirmed gone: a key that vanished,
// once its deletion is delivered or needs no delivery, or an object that was
// delivered and then deleted. If it is listed again it is due as Created.
func (w *Work) Forget(key string) {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	if s := w.settlement(key); s != nil && s.state != forgotten {
		w.settle(s, forgotten, &format.Change{Key: key, Op: format.OpForgotten})
	}
}

// Absent records that a complete pass found a vanished key missing. It stays
// tracked, and is reported with AbsentBefore by the next pass that does not
// list it either.
func (w *Work) Absent(key string) {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	i, ok := w.vanishedAt(key)
	if !ok || w.vanishedSettled[i].state != open {
		return
	}
	s := &w.vanishedSettled[i]
	if w.vanished[i].AbsentBefore {
		// A write would say nothing new.
		w.settle(s, gone, nil)
		return
	}
	w.settle(s, gone, &format.Change{Key: key, Op: format.OpAbsent})
}

// Release gives back an object that nobody works on any longer. It is due again
// from the next Compare on.
func (w *Work) Release(key string) {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	if s := w.settlement(key); s != nil && s.state == open {
		w.settle(s, released, nil)
	}
}

// Close releases all that is not settled. It may be called again.
func (w *Work) Close() {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	for _, all := range [][]settlement{w.dueSettled, w.vanishedSettled} {
		for i := range all {
			if all[i].state == open {
				w.settle(&all[i], released, nil)
			}
		}
	}
}

// settle moves a settlement on, records what happened, and removes the work from
// the ledger's list with its last open key; mu is held. What comes after the key
// was settled or released is recorded as late, because another Work may have
// settled it in between.
func (w *Work) settle(s *settlement, to settledState, c *format.Change) {
	late := s.state != open
	s.state = to
	if c != nil {
		c.Before, c.Late = s.before, late
		w.ledger.record(*c, true)
		s.before = (&change{Change: *c}).after()
	}
	if late {
		return
	}
	if w.open--; w.open == 0 {
		w.ledger.finished(w)
	}
}

// finished notes that a work settles nothing more; mu is held.
func (l *Ledger) finished(w *Work) {
	delete(l.works, w)
	from, to := l.overlapping(w.lo, w.hi)
	for _, s := range l.segments[from:to] {
		s.ready = s.ready || l.limits.worthwhile(s)
	}
}

// clip shortens s to at most n bytes, between two characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return strings.Clone(s)
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.Clone(s[:n])
}
