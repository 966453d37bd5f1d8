package ledger_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

// matching is a listing of which only what f lets through matches.
func matching(s ledger.Range, f func(key string) bool) ledger.Range {
	out := s
	out.Objects = nil
	for _, o := range s.Objects {
		o.Matches = f(o.Key)
		out.Objects = append(out.Objects, o)
	}
	return out
}

func TestWiderFilterDeliversOnlyWhatNewlyMatches(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	all := many(3000, "v1")
	require.Equal(t, 300, deliver(t, l, matching(all, func(k string) bool { return strings.HasSuffix(k, "0") })))
	require.Equal(t, 2700, deliver(t, l, all))
	require.Zero(t, deliver(t, l, all))
}

func TestNarrowerFilterForgetsAndRepeatsNothing(t *testing.T) {
	disk := newDisk(true)
	l := openOn(t, disk.boot(-1))
	all := many(5000, "v1")
	few := matching(all, func(k string) bool { return strings.HasSuffix(k, "0") })
	deliver(t, l, all)
	w := compare(t, l, few)
	require.Empty(t, w.Due)
	require.Empty(t, w.Vanished, "what does not match is not gone")
	require.EqualValues(t, 500, w.Unchanged)
	require.NoError(t, l.CompletePass(t.Context()))

	gets, puts := disk.gets, disk.puts
	require.Zero(t, deliver(t, l, few))
	require.Equal(t, gets, disk.gets, "the next pass reads nothing")
	require.Equal(t, puts, disk.puts)
	require.Zero(t, deliver(t, l, all), "nor does widening it again repeat anything")
}

func TestKeyThatVanishesWhileItDoesNotMatchIsReported(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	all := listing(obj("a.jpg", "1"), obj("b.tmp", "1"))
	jpg := func(k string) bool { return strings.HasSuffix(k, ".jpg") }
	deliver(t, l, all)
	deliver(t, l, matching(all, jpg))
	w := compare(t, l, matching(listing(obj("a.jpg", "1")), jpg))
	require.Equal(t, []string{"b.tmp"}, vanished(w))
}

func TestForgottenKeyIsDueAlthoughTheListingIsAsItWas(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	all := listing(obj("a.jpg", "1"), obj("b.tmp", "1"))
	few := matching(all, func(k string) bool { return strings.HasSuffix(k, ".jpg") })
	deliver(t, l, all)
	deliver(t, l, few)
	known, err := l.Forget(t.Context(), "a.jpg")
	require.NoError(t, err)
	require.True(t, known)
	require.Equal(t, []string{"a.jpg created"}, due(compare(t, l, few)))
}

func TestParkedObjectThatNoLongerMatchesIsNotKept(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	all := listing(obj("a", "1"), obj("b", "1"))
	w := compare(t, l, all)
	w.Park(obj("a", "1"), "denied", noon)
	w.Delivered(obj("b", "1"))
	w = compare(t, l, matching(all, func(k string) bool { return k != "a" }))
	require.Empty(t, w.Parked)
	require.Zero(t, l.Stats().Parked)
	w = compare(t, l, all)
	require.Equal(t, []string{"a created"}, due(w))
	require.Zero(t, w.Due[0].Attempts)
}

func TestOtherPrefixRepeatsNothingAndTakesNothingForGone(t *testing.T) {
	store := ledger.NewMemStore()
	l := openOn(t, store)
	all := listing(obj("a/1", "1"), obj("b/1", "1"), obj("b/2", "1"), obj("c/1", "1"))
	part := ledger.Range{Lo: "b/", Hi: ledger.PrefixEnd("b/"), Objects: all.Objects[1:3]}
	require.Equal(t, 2, deliver(t, l, part))
	l = restart(t, l, store)
	require.Equal(t, 2, deliver(t, l, all))
	w := compare(t, l, part)
	require.Empty(t, w.Due)
	require.Empty(t, w.Vanished)
	require.EqualValues(t, 2, w.Unchanged)
	part.Objects = part.Objects[:1]
	require.Equal(t, []string{"b/2"}, vanished(compare(t, l, part)))
}

func TestPrefixEnd(t *testing.T) {
	for prefix, end := range map[string]string{
		"": "", "a": "b", "a/": "a0", "photos/2024": "photos/2025", "a\xff": "b", "\xff\xff": "", "é": "\xc3\xaa",
	} {
		require.Equal(t, end, ledger.PrefixEnd(prefix), "%q", prefix)
	}
}
