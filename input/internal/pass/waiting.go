package pass

import (
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// waitingKept bounds the objects that are remembered until they are due, to a few
// megabytes. The next full listing finds what is more.
const waitingKept = 1 << 14

// waiting are objects whose time is still to come: parked, held back by min_age,
// or in flight in another version. When it has come they are looked at without a
// listing.
type waiting struct {
	mu      sync.Mutex
	objects map[string]waiter
	// sweepAt is when one of them is due for which there was no room.
	sweepAt time.Time
	// parks holds an element when an object was parked.
	parks chan struct{}
}

// waiter is an object as it was listed, and when it is to be looked at again.
type waiter struct {
	object object.Object
	due    time.Time
	parked bool
}

func (w *waiting) add(obj object.Object, due time.Time, parked bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if parked {
		select {
		case w.parks <- struct{}{}:
		default:
		}
	}
	if w.objects == nil {
		w.objects = map[string]waiter{}
	}
	if _, known := w.objects[obj.Key]; known || len(w.objects) < waitingKept {
		w.objects[obj.Key] = waiter{obj, due, parked}
	} else if w.sweepAt.IsZero() || due.Before(w.sweepAt) {
		w.sweepAt = due
	}
}

func (w *waiting) drop(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.objects, key)
}

// takeDue returns the objects whose time has come.
func (w *waiting) takeDue() []object.Object {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []object.Object
	now := time.Now()
	for key, o := range w.objects {
		if !now.Before(o.due) {
			out = append(out, o.object)
			delete(w.objects, key)
		}
	}
	return out
}

// next is when the first parked object is due, zero where none is.
func (w *waiting) next() (first time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.objects {
		if o.parked && (first.IsZero() || o.due.Before(first)) {
			first = o.due
		}
	}
	return first
}

// needsSweep reports whether an object is due that only a full listing shows.
func (w *waiting) needsSweep() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.sweepAt.IsZero() && !time.Now().Before(w.sweepAt)
}

// swept says that a full listing has begun, which shows everything.
func (w *waiting) swept() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sweepAt = time.Time{}
}
