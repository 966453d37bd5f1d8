package ledger_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

func comparePoints(t *testing.T, l *ledger.Ledger, objects ...object.Object) *ledger.Work {
	t.Helper()
	w, err := l.ComparePoints(t.Context(), listing(objects...).Objects)
	require.NoError(t, err)
	return w
}

func TestSingleObjectsAreDueAsInAListingAndSayNothingOfOthers(t *testing.T) {
	store := ledger.NewMemStore()
	l := openOn(t, store)
	deliver(t, l, cut(many(20_000, "v1"), 4096)...)
	l = restart(t, l, store)
	w := comparePoints(t, l,
		obj("a-new", "v1"), obj("key-00000007", "v1"), obj("key-00005000", "v2"), obj("key-00019999", "v2"), obj("z-new", "v1"))
	require.Equal(t, []string{"a-new created", "key-00005000 updated", "key-00019999 updated", "z-new created"}, due(w))
	require.EqualValues(t, 1, w.Unchanged)
	require.Empty(t, w.Vanished)
	for _, d := range w.Due {
		w.Delivered(d.Object)
	}
	l = restart(t, l, store)
	require.EqualValues(t, 20_002, l.Stats().Tracked)
	require.Empty(t, comparePoints(t, l, obj("a-new", "v1"), obj("key-00005000", "v2")).Due)
	s := many(20_000, "v1")
	s.Objects[5000].ETag, s.Objects[19_999].ETag = "v2", "v2"
	s.Objects = append(s.Objects, listing(obj("a-new", "v1"), obj("z-new", "v1")).Objects...)
	require.Zero(t, deliver(t, l, sortedListing(s)), "a full listing agrees")
}

func TestNothingIsReadWhereNoSingleObjectIsGiven(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	require.NoError(t, l.Close(t.Context()))
	w, err := l.ComparePoints(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, w.Due)
}

func TestSingleObjectsOutOfOrderAreRefused(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	for _, keys := range [][]string{{"b", "a"}, {"a", "a"}} {
		_, err := l.ComparePoints(t.Context(), []ledger.Listed{{Object: obj(keys[0], "1")}, {Object: obj(keys[1], "1")}})
		require.ErrorContains(t, err, "order")
	}
}

func TestSingleObjectsRespectWhatIsParkedOrInFlight(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	first := compare(t, l, listing(obj("a", "1"), obj("b", "1"), obj("c", "1")))
	first.Park(obj("a", "1"), "denied", time.Now().Add(time.Hour))
	w := comparePoints(t, l, obj("a", "1"), obj("b", "1"), obj("c", "2"))
	require.Empty(t, w.Due)
	require.Len(t, w.Parked, 1)
	require.EqualValues(t, 2, w.InFlight)
	require.Equal(t, []object.Object{obj("c", "2")}, w.Overtaken, "what is in flight does not settle another version")
	first.Delivered(obj("b", "1"))
	first.Delivered(obj("c", "1"))
	w = comparePoints(t, l, obj("a", "2"), obj("b", "1"), obj("c", "2"))
	require.Equal(t, []string{"a created", "c updated"}, due(w))
	require.EqualValues(t, 1, w.Unchanged)
}

func TestAnObjectThatComesBackWhileItsDeletionIsInFlightIsOvertaken(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	deliver(t, l, listing(obj("a", "1")))
	gone := compare(t, l, listing())
	require.Len(t, gone.Vanished, 1)
	w := comparePoints(t, l, obj("a", "1"))
	require.Equal(t, []object.Object{obj("a", "1")}, w.Overtaken)
	gone.Forget("a")
	require.Equal(t, []string{"a created"}, due(comparePoints(t, l, obj("a", "1"))))
}
