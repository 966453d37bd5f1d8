package ledger_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

func TestParkedObjectWaitsForItsTimeAcrossRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := ledger.NewMemStore()
		l := openOn(t, store)
		s := listing(obj("a", "1"), obj("b", "1"))
		first := time.Now().Truncate(time.Millisecond)
		w := compare(t, l, s)
		w.Delivered(obj("b", "1"))
		for attempt := 1; attempt <= 3; attempt++ {
			require.Equal(t, attempt-1, w.Due[0].Attempts)
			next := time.Now().Add(time.Hour).Truncate(time.Millisecond)
			w.Park(obj("a", "1"), "access denied", next)
			l = restart(t, l, store)
			w = compare(t, l, s)
			require.Empty(t, w.Due)
			require.Empty(t, cmp.Diff([]ledger.ParkedItem{{
				Key: "a", Reason: "access denied", Attempts: attempt, Next: next, FirstSeen: first,
			}}, w.Parked))
			require.Equal(t, ledger.Stats{Tracked: 1, Parked: 1, Segments: 1}, l.Stats())
			time.Sleep(time.Hour + time.Millisecond)
			w = compare(t, l, s)
			require.Equal(t, []string{"a created"}, due(w))
		}
		w.Delivered(obj("a", "1"))
		require.Equal(t, ledger.Stats{Tracked: 2, Segments: 1}, l.Stats())
		require.Zero(t, deliver(t, l, s))
	})
}

func TestNewVersionOfAParkedObjectIsDueAtOnce(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	deliver(t, l, listing(obj("a", "1")))
	w := compare(t, l, listing(obj("a", "2")))
	w.Park(obj("a", "2"), "denied", time.Now().Add(time.Hour))
	w = compare(t, l, listing(obj("a", "2")))
	require.Len(t, w.Parked, 1)
	require.True(t, w.Parked[0].Delivered)
	w = compare(t, l, listing(obj("a", "3")))
	require.Equal(t, []string{"a updated"}, due(w))
	require.Zero(t, w.Due[0].Attempts)
	w.Close()
	w = compare(t, l, listing(obj("a", "1")))
	require.EqualValues(t, 1, w.Unchanged, "back to what was delivered")
	require.Zero(t, l.Stats().Parked)
}

func TestParkedObjectHoldsBackNothingElse(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	s := many(2000, "v1")
	w := compare(t, l, s)
	for i, d := range w.Due {
		if i == 1000 {
			w.Park(d.Object, "denied", time.Now().Add(time.Hour))
		} else {
			w.Delivered(d.Object)
		}
	}
	w = compare(t, l, s)
	require.Empty(t, w.Due)
	require.EqualValues(t, 1999, w.Unchanged)
	require.Len(t, w.Parked, 1)
}

func TestParkedObjectsAreListedInOrder(t *testing.T) {
	store := ledger.NewMemStore()
	l := openOn(t, store)
	for i, s := range cut(many(9000, "v1"), 3000) {
		w := compare(t, l, s)
		for j, d := range w.Due {
			if j%1000 == 0 {
				w.Park(d.Object, strings.Repeat("ß", 300+i), noon)
			} else {
				w.Delivered(d.Object)
			}
		}
		require.NoError(t, l.Checkpoint(t.Context()))
	}
	l = restart(t, l, store)
	var keys []string
	for p, err := range l.Parked(t.Context()) {
		require.NoError(t, err)
		require.LessOrEqual(t, len(p.Reason), 200)
		require.True(t, utf8.ValidString(p.Reason))
		keys = append(keys, p.Key)
	}
	require.Len(t, keys, 9)
	require.IsIncreasing(t, keys)
	require.EqualValues(t, 9, l.Stats().Parked)
	for p, err := range l.Parked(t.Context()) {
		require.NoError(t, err)
		require.Equal(t, keys[0], p.Key)
		break // a reader may stop early
	}
}

func TestAckOfAParkedObjectStillCounts(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	w := compare(t, l, listing(obj("a", "1")))
	w.Park(obj("a", "1"), "rejected", noon)
	w.Delivered(obj("a", "1"))
	w.Park(obj("a", "1"), "rejected", noon)
	require.Empty(t, compare(t, l, listing(obj("a", "1"))).Due)
	require.Equal(t, ledger.Stats{Tracked: 1, Segments: 1}, l.Stats())
}
