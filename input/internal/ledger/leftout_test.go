package ledger_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// without leaves out every type except the given ones.
func without(wanted ...string) func(*ledger.Options) {
	return func(o *ledger.Options) {
		o.StaysOut = func(contentType string) bool { return !slices.Contains(wanted, contentType) }
	}
}

// leaveOut makes a pass in which objects are left out by their type, and the rest is
// delivered.
func leaveOut(t *testing.T, l *ledger.Ledger, s ledger.Range, types map[string]string) *ledger.Work {
	t.Helper()
	w := compare(t, l, s)
	for _, d := range w.Due {
		if contentType := types[d.Key]; contentType != "" {
			w.LeaveOut(d.Object, contentType)
		} else {
			w.Delivered(d.Object)
		}
	}
	w.Close()
	require.NoError(t, l.Checkpoint(t.Context()))
	require.NoError(t, l.CompletePass(t.Context()))
	return w
}

func TestWhatIsLeftOutIsNotAskedForAgainInThisVersion(t *testing.T) {
	store := ledger.NewMemStore()
	l := openOn(t, store, without())
	s := listing(obj("a", "1"), obj("b", "1"), obj("c", "1"))
	require.Len(t, leaveOut(t, l, s, map[string]string{"b": "text/plain"}).Due, 3)
	for range 2 {
		w := compare(t, l, s)
		require.Empty(t, w.Due)
		require.EqualValues(t, 2, w.Unchanged)
		require.EqualValues(t, 1, w.LeftOut)
		l = restart(t, l, store, without())
	}
	require.EqualValues(t, 2, l.Stats().Tracked)
	require.Zero(t, l.Stats().Parked, "nothing waits")
	points, err := l.ComparePoints(t.Context(), s.Objects[1:2])
	require.NoError(t, err)
	require.EqualValues(t, 1, points.LeftOut)
	require.Equal(t, []string{"b created"}, due(compare(t, l, listing(obj("a", "1"), obj("b", "2"), obj("c", "1")))))
}

func TestAPassOverWhatIsLeftOutReadsAndWritesNothing(t *testing.T) {
	disk := newDisk(true)
	l := openOn(t, disk.boot(-1), without())
	s := many(9000, "v1")
	types := map[string]string{}
	for _, o := range s.Objects {
		if o.Key[len(o.Key)-1] != '0' {
			types[o.Key] = "video/mp4"
		}
	}
	leaveOut(t, l, s, types)
	require.EqualValues(t, 8100, compare(t, l, s).LeftOut)
	require.NoError(t, l.CompletePass(t.Context()))
	gets, puts := disk.gets, disk.puts
	w := leaveOut(t, l, s, types)
	require.EqualValues(t, 8100, w.LeftOut)
	require.EqualValues(t, 900, w.Unchanged)
	require.Equal(t, gets, disk.gets)
	require.Equal(t, puts, disk.puts)
}

func TestAnotherFilterMakesDueWhatItLetsIn(t *testing.T) {
	store := ledger.NewMemStore()
	l := openOn(t, store, without())
	s := listing(obj("a", "1"), obj("b", "1"))
	leaveOut(t, l, s, map[string]string{"a": "text/plain", "b": "video/mp4"})
	l = restart(t, l, store, without("video/mp4"))
	w := compare(t, l, s)
	require.Equal(t, []string{"b created"}, due(w))
	require.EqualValues(t, 1, w.LeftOut)
	w.Close()
	l = restart(t, l, store)
	require.Equal(t, []string{"a created", "b created"}, due(compare(t, l, s)), "without a filter of types")
}

func TestAListingThatTellsTheTypeDecidesInPlaceOfTheLedger(t *testing.T) {
	l := openOn(t, ledger.NewMemStore(), without())
	s := listing(obj("a", "1"), obj("b", "1"))
	leaveOut(t, l, s, map[string]string{"a": "text/plain", "b": "text/plain"})
	told := s
	told.Objects = append([]ledger.Listed(nil), s.Objects...)
	told.Objects[0].ContentType = "image/png" // the row's type was corrected since
	told.Objects[1].ContentType, told.Objects[1].Matches = "text/plain", false
	require.Equal(t, []string{"a created"}, due(compare(t, openedLike(t, l), told)))
}

// openedLike is a ledger that knows the same, in a process of its own.
func openedLike(t *testing.T, l *ledger.Ledger) *ledger.Ledger {
	t.Helper()
	store := ledger.NewMemStore()
	other := openOn(t, store, without())
	leaveOut(t, other, listing(obj("a", "1"), obj("b", "1")), map[string]string{"a": "text/plain", "b": "text/plain"})
	require.Equal(t, l.Stats().Tracked, other.Stats().Tracked)
	return restart(t, other, store, without())
}

func TestWhatIsLeftOutIsMissedOnlyIfAnotherVersionWasDelivered(t *testing.T) {
	store := ledger.NewMemStore()
	l := openOn(t, store, without())
	leaveOut(t, l, listing(obj("a", "1"), obj("b", "1")), map[string]string{"b": "text/plain"})
	both := listing(obj("a", "2"), obj("b", "1"))
	w := leaveOut(t, l, both, map[string]string{"a": "text/plain"})
	require.Equal(t, []string{"a updated"}, due(w))
	l = restart(t, l, store, without())
	require.EqualValues(t, 2, compare(t, l, both).LeftOut)
	total, err := l.TrackedBelow(t.Context(), "")
	require.NoError(t, err)
	require.EqualValues(t, 1, total)

	w = compare(t, l, listing())
	require.Equal(t, []string{"a"}, vanished(w), "of the other, nothing was ever delivered")
	w.Absent("a")
	w = compare(t, l, both)
	require.EqualValues(t, 1, w.LeftOut, "and of b nothing is known any more")
	require.Equal(t, []string{"b created"}, due(w))
	w.Close()
	w = compare(t, l, listing())
	require.False(t, w.Vanished[0].AbsentBefore, "it was listed in between")
}

func TestWhatWasParkedBeforeItWasLeftOutWaitsNoMore(t *testing.T) {
	store := ledger.NewMemStore()
	l := openOn(t, store, without())
	s := listing(obj("a", "1"))
	w := compare(t, l, s)
	w.Park(obj("a", "1"), "denied", time.Now().Add(-time.Hour))
	require.EqualValues(t, 1, l.Stats().Parked)
	leaveOut(t, l, s, map[string]string{"a": "text/plain"})
	require.Zero(t, l.Stats().Parked)
	for _, err := range l.Parked(t.Context()) {
		require.NoError(t, err)
		t.Fatal("nothing is parked")
	}
	l = restart(t, l, store, without())
	require.Zero(t, l.Stats().Parked)
	require.EqualValues(t, 1, compare(t, l, s).LeftOut)
}

func TestLookTellsTheTypeOfWhatIsLeftOut(t *testing.T) {
	l := openOn(t, ledger.NewMemStore(), without())
	leaveOut(t, l, listing(obj("a", "1")), map[string]string{"a": "text/html; charset=utf-8"})
	look := func(o object.Object) ledger.Standing {
		s, err := l.Look(t.Context(), o)
		require.NoError(t, err)
		return s
	}
	require.Equal(t, ledger.Standing{LeftOut: "text/html; charset=utf-8"}, look(obj("a", "1")))
	require.Equal(t, ledger.Standing{}, look(obj("a", "2")))
}
