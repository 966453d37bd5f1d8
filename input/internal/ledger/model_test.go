package ledger_test

import (
	"slices"
	"testing"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// version is what an object is known by.
type version struct {
	etag string
	size int64
}

func versionOf(o object.Object) version { return version{o.ETag, o.Size} }

// state is what the model says that the ledger knows of one key.
type state struct {
	delivered version // zero if nothing was
	row       object.Object
	parked    version
	attempts  int
	later     bool // the parked version is not due
	absent    bool
	left      version // left out because of its type
}

func (s state) tracked() bool { return s.delivered != version{} }

// verdict is what Compare says of a key.
type verdict struct {
	what     string
	attempts int
}

// listed is what a listing of o makes of a state, and the state after it.
func (s state) listed(o object.Object) (verdict, state) {
	v := versionOf(o)
	event := "created"
	if s.tracked() {
		event = "updated"
	}
	switch {
	case s.tracked() && s.delivered == v && (s.absent || s.row.Key != ""):
		return verdict{what: "settled"}, state{delivered: v}
	case s.tracked() && s.delivered == v:
		return verdict{what: "settled"}, state{delivered: v, left: s.left}
	case s.tracked() && s.row.Key != "" && s.row == o:
		return verdict{what: "settled"}, state{delivered: s.delivered, row: s.row}
	case s.left == v:
		s.absent = false
		return verdict{what: "settled"}, s
	case s.parked == v && s.later:
		return verdict{what: "parked"}, s
	case s.parked == v:
		return verdict{event, s.attempts}, s
	default:
		return verdict{event, 0}, s
	}
}

// excluded is what a listing makes of a state whose object the filter drops.
func (s state) excluded() state {
	if (s.left != version{}) && !s.absent {
		return s
	}
	return state{delivered: s.delivered, row: s.row}
}

// leavesOut says whether a settled object is one that was left out.
func (s state) leavesOut(o object.Object) bool {
	return s.left == versionOf(o) && s.delivered != versionOf(o)
}

// missing is what a listing without the key makes of a state.
func (s state) missing() (verdict, state) {
	if !s.tracked() {
		return verdict{}, state{}
	}
	what := "vanished"
	if s.absent {
		what = "vanished before"
	}
	return verdict{what: what}, s
}

// knowledge is what can be in the ledger about one key: after a crash, more
// than one thing.
type knowledge struct {
	now []state
	// disk is what a crash at this moment could leave; tail is what it could
	// leave after a checkpoint. They differ from now because what a comparison
	// repairs on the way is not in the journal.
	disk, tail []state
}

// settled notes something that goes into the journal.
func (k *knowledge) settled(f func(state) state) {
	for i := range k.now {
		k.now[i] = f(k.now[i])
	}
	k.tail = unique(k.now)
	k.disk = append(k.disk, k.now...)
}

// seen notes a comparison: of what can be known, only before remains,
// and it may have become after.
func (k *knowledge) seen(before, after []state) {
	if len(k.tail) == len(k.now) {
		k.tail = unique(before)
	}
	k.now = unique(after)
	k.tail = unique(append(k.tail, after...))
	k.disk = append(k.disk, after...)
}

func unique(states []state) []state {
	var out []state
	for _, s := range states {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func TestLedgerAgreesWithAModelThroughAnyHistory(t *testing.T) {
	for seed := range uint64(250) {
		w := newWorld(t, seed, newDisk(seed%2 == 0))
		w.start(w.rnd.IntN(200))
		for range 400 {
			w.step()
		}
		w.quiesce()
		w.checkTidy()
	}
}
