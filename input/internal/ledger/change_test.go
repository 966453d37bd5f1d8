package ledger_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

func TestEventsFollowTheLifeOfAnObject(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	w := compare(t, l, listing(obj("a", "1"), obj("b", "1")))
	require.Equal(t, []string{"a created", "b created"}, due(w))
	w.Delivered(obj("a", "1"))
	w.Delivered(obj("b", "1"))

	w = compare(t, l, listing(obj("a", "2"), obj("b", "1")))
	require.Equal(t, []string{"a updated"}, due(w))
	require.EqualValues(t, 1, w.Unchanged)
	w.Delivered(obj("a", "2"))

	w = compare(t, l, listing(obj("b", "1")))
	require.Equal(t, []string{"a"}, vanished(w))
	w.Forget("a")

	w = compare(t, l, listing(obj("a", "2"), obj("b", "1")))
	require.Equal(t, []string{"a created"}, due(w))
}

func TestObjectsThatBecomeVisibleLateAreDueWhateverTheirTimeAndKey(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	deliver(t, l, listing(obj("m", "1"), obj("n", "1")))
	late := obj("a", "1")
	late.LastModified = noon.Add(-10 * time.Minute)
	same := obj("z", "1")
	w := compare(t, l, listing(late, obj("m", "1"), obj("n", "1"), same))
	require.Equal(t, []string{"a created", "z created"}, due(w))
}

func TestTouchOfEveryRowIsNoChange(t *testing.T) {
	store := newDisk(true).boot(-1)
	l := openOn(t, store)
	s := many(3000, "v1")
	deliver(t, l, s)
	puts, gets := store.disk.puts, store.disk.gets
	for i := range s.Objects {
		s.Objects[i].LastModified = noon.Add(time.Hour)
	}
	w := compare(t, l, s)
	require.Empty(t, w.Due)
	require.EqualValues(t, 3000, w.Unchanged)
	require.NoError(t, l.CompletePass(t.Context()))
	require.Equal(t, puts, store.disk.puts)
	require.Equal(t, gets, store.disk.gets)
}

func TestTouchIsAChangeByModified(t *testing.T) {
	store := ledger.NewMemStore()
	l := openOn(t, store, byModified)
	deliver(t, l, listing(obj("a", "1"), obj("b", "1")))
	touched := obj("a", "1")
	touched.LastModified = noon.Add(time.Millisecond)
	for range 2 {
		w := compare(t, l, listing(touched, obj("b", "1")))
		require.Equal(t, []string{"a updated"}, due(w))
		w.Close()
		l = restart(t, l, store, byModified)
	}
	fetched := touched
	fetched.LastModified = noon.Add(-time.Hour) // of the file behind the row
	w := compare(t, l, listing(touched, obj("b", "1")))
	w.Delivered(fetched)
	require.Zero(t, deliver(t, l, listing(touched, obj("b", "1"))))
}

func TestOtherChangeDetectionRepeatsNothing(t *testing.T) {
	store := ledger.NewMemStore()
	s := many(3000, "v1")
	l := openOn(t, store)
	require.Equal(t, 3000, deliver(t, l, s))
	l = restart(t, l, store, byModified)
	require.Zero(t, deliver(t, l, s))
	s.Objects[5].LastModified = noon.Add(time.Hour)
	require.Equal(t, 1, deliver(t, l, s), "from then on a touch counts")
	for i := range s.Objects {
		s.Objects[i].LastModified = noon.Add(2 * time.Hour)
	}
	l = restart(t, l, store)
	require.Zero(t, deliver(t, l, s), "and back")
	require.Zero(t, deliver(t, l, s))
}

func TestSameBytesUploadedAgainAreNoChange(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	deliver(t, l, listing(obj("a", "1")))
	again := obj("a", "1")
	again.LastModified = noon.Add(time.Hour)
	require.Empty(t, compare(t, l, listing(again)).Due)
}

func TestRowWithoutETagIsKnownBySizeAndTime(t *testing.T) {
	store := ledger.NewMemStore()
	l := openOn(t, store)
	row := object.Object{Key: "a", LastModified: noon}
	fetched := object.Object{Key: "a", ETag: "of the backend", Size: 7, LastModified: noon.Add(-time.Hour)}
	w := compare(t, l, listing(row))
	require.Len(t, w.Due, 1)
	w.Delivered(fetched)
	l = restart(t, l, store)
	w = compare(t, l, listing(row))
	require.Empty(t, w.Due)
	require.EqualValues(t, 1, w.Unchanged)

	row.LastModified = noon.Add(time.Millisecond)
	w = compare(t, l, listing(row))
	require.Equal(t, []string{"a updated"}, due(w))
	w.Delivered(fetched)

	row.ETag = "came with the metadata"
	require.Empty(t, compare(t, l, listing(row)).Due, "the time says that it is the same row")
	row.LastModified = noon.Add(time.Hour)
	require.Empty(t, compare(t, l, listing(row)).Due, "now its ETag is known")
}

func TestOverwriteBetweenListingAndDownloadIsDeliveredOnce(t *testing.T) {
	store := ledger.NewMemStore()
	l := openOn(t, store)
	w := compare(t, l, listing(obj("a", "1")))
	w.Delivered(obj("a", "2"))
	after := obj("a", "2")
	after.LastModified = noon.Add(time.Second)
	l = restart(t, l, store)
	require.Empty(t, compare(t, l, listing(after)).Due)

	back := obj("a", "1")
	back.LastModified = noon.Add(time.Minute)
	w = compare(t, l, listing(back))
	require.Equal(t, []string{"a updated"}, due(w), "the first version was never delivered")
}

func TestVersionsNamedDifferentlyInDownloadsAreNotRepeatedForever(t *testing.T) {
	store := ledger.NewMemStore()
	l := openOn(t, store)
	listed, fetched := obj("a", "as listed"), obj("a", "as fetched")
	w := compare(t, l, listing(listed, obj("b", "1")))
	w.Delivered(fetched)
	w.Delivered(obj("b", "1"))
	for range 3 {
		l = restart(t, l, store)
		w = compare(t, l, listing(listed, obj("b", "1")))
		require.Empty(t, w.Due)
		require.EqualValues(t, 2, w.Unchanged)
		require.NoError(t, l.CompletePass(t.Context()))
	}
	listed.LastModified = noon.Add(time.Millisecond)
	w = compare(t, l, listing(listed, obj("b", "1")))
	require.Equal(t, []string{"a updated"}, due(w), "the row was written to: it can be another version")
}

func TestObjectThatWasGoneBeforeItWasReadIsDueWhenItComesBack(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	w := compare(t, l, listing(obj("a", "1"), obj("b", "1")))
	w.Vanish("a")
	w.Delivered(obj("b", "1"))
	require.NoError(t, l.CompletePass(t.Context()))
	require.Empty(t, compare(t, l, listing(obj("b", "1"))).Due)
	require.Equal(t, []string{"a created"}, due(compare(t, l, listing(obj("a", "1"), obj("b", "1")))))
}

func TestVanishedKeyIsReportedUntilItIsSettled(t *testing.T) {
	store := ledger.NewMemStore()
	l := openOn(t, store)
	deliver(t, l, listing(obj("a", "1"), obj("b", "1")))
	gone := listing(obj("b", "1"))
	w := compare(t, l, gone)
	require.Equal(t, []ledger.Tracked{{Key: "a"}}, w.Vanished)
	require.Empty(t, compare(t, l, gone).Vanished, "it is in flight")
	w.Release("a")
	w = compare(t, l, gone)
	require.Equal(t, []ledger.Tracked{{Key: "a"}}, w.Vanished)
	w.Absent("a")
	l = restart(t, l, store)
	w = compare(t, l, gone)
	require.Equal(t, []ledger.Tracked{{Key: "a", AbsentBefore: true}}, w.Vanished)
	w.Close()

	w = compare(t, l, listing(obj("a", "1"), obj("b", "1")))
	require.Empty(t, w.Due, "it was hidden for a while")
	w = compare(t, l, gone)
	require.Equal(t, []ledger.Tracked{{Key: "a"}}, w.Vanished, "the count begins anew")
	w.Forget("a")
	require.Empty(t, compare(t, l, gone).Vanished)
	require.EqualValues(t, 1, l.Stats().Tracked)
}

func TestObjectDeletedAfterItsDeliveryCanBeForgotten(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	w := compare(t, l, listing(obj("a", "1")))
	w.Delivered(obj("a", "1"))
	w.Forget("a")
	require.Empty(t, compare(t, l, listing()).Vanished)
	require.Equal(t, []string{"a created"}, due(compare(t, l, listing(obj("a", "1")))))
}
