package pass

import (
	"maps"
	"sync"

	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// detailsKept bounds the parked objects that a report names; all are counted.
const detailsKept = 10

// Report accounts for the objects of a pass. Once everything is settled,
// Listed = Unchanged + Filtered + Delivered + Parked + Vanished + InFlight.
type Report struct {
	Listed int64
	// Unchanged were delivered before.
	Unchanged int64
	// Filtered counts by rule, and FilteredBy by pattern where one decided.
	Filtered   map[string]int64
	FilteredBy map[string]int64
	Delivered  int64
	// Bytes is the size of what was delivered.
	Bytes    int64
	Vanished int64
	// Parked counts by reason, objects that were parked before included;
	// ParkedObjects names the first that this pass parked.
	Parked        map[string]int64
	ParkedObjects []ParkedObject
	// NotRemoved counts delivered objects that could not be deleted or moved, Kept
	// those that were left where they are on purpose, such as one of which another
	// version is listed by now.
	NotRemoved, Kept int64
	// InFlight counts what an earlier pass has not done with yet.
	InFlight int64
	// Held says why none of the missing keys counts as deleted; nil where there is no
	// reason.
	Held *Held
	// Tracked is how many objects the ledger knew when the pass began; 0 without a
	// ledger.
	Tracked int64
	// ListingComplete says that the listing came to its end without an error.
	ListingComplete bool
}

// ParkedObject is an object that was parked, and why.
type ParkedObject struct {
	Object object.Object
	Reason string
	Err    error
}

// FilteredTotal is how many objects the filter left out.
func (r Report) FilteredTotal() int64 { return sum(r.Filtered) }

// ParkedTotal is how many objects are parked.
func (r Report) ParkedTotal() int64 { return sum(r.Parked) }

// Unsettled is how many objects of this pass are under way, or were when it
// stopped: neither left out, delivered nor parked.
func (r Report) Unsettled() int64 {
	return r.Listed - r.Unchanged - r.FilteredTotal() - r.Delivered - r.ParkedTotal() - r.Vanished - r.InFlight
}

func sum(m map[string]int64) (n int64) {
	for _, v := range m {
		n += v
	}
	return n
}

// tally keeps the report while the pass goes on.
type tally struct {
	watcher Watcher
	mu      sync.Mutex
	now     Report
}

func (t *tally) listed() {
	t.count(func(r *Report) { r.Listed++ })
	t.watcher.Listed()
}

func (t *tally) filtered(v filter.Verdict, n int64) {
	if n == 0 {
		return
	}
	rule := v.Rule.String()
	t.count(func(r *Report) {
		r.Filtered[rule] += n
		if v.Pattern != "" {
			r.FilteredBy[v.Pattern] += n
		}
	})
	t.watcher.Filtered(rule, n)
}

func (t *tally) unchanged(n int64) {
	t.count(func(r *Report) { r.Unchanged += n })
	t.watcher.Unchanged(n)
}

// stillParked counts an object that was parked before.
func (t *tally) stillParked(reason string) { t.count(func(r *Report) { r.Parked[reason]++ }) }

func (t *tally) inFlight(n int64) { t.count(func(r *Report) { r.InFlight += n }) }

func (t *tally) delivered(obj object.Object) {
	t.count(func(r *Report) { r.Delivered++; r.Bytes += obj.Size })
	t.watcher.Delivered(obj)
}

func (t *tally) vanished(obj object.Object) {
	t.count(func(r *Report) { r.Vanished++ })
	t.watcher.Vanished(obj)
}

func (t *tally) parked(obj object.Object, reason string, err error, again bool) {
	t.count(func(r *Report) {
		r.Parked[reason]++
		if len(r.ParkedObjects) < detailsKept {
			r.ParkedObjects = append(r.ParkedObjects, ParkedObject{obj, reason, err})
		}
	})
	t.watcher.Parked(obj, reason, err, again)
}

func (t *tally) count(f func(*Report)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f(&t.now)
}

// report is a copy that no longer changes.
func (t *tally) report() Report {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.now
	r.Filtered, r.FilteredBy, r.Parked = maps.Clone(r.Filtered), maps.Clone(r.FilteredBy), maps.Clone(r.Parked)
	r.ParkedObjects = append([]ParkedObject(nil), r.ParkedObjects...)
	return r
}
