package ledger_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

// sizes are the numbers of objects between the bounds of a ledger.
func sizes(l *ledger.Ledger, s ledger.Range) []int {
	var n []int
	bounds := append(l.Bounds(""), "")
	at := 0
	for _, hi := range bounds {
		count := 0
		for at < len(s.Objects) && (hi == "" || s.Objects[at].Key < hi) {
			count++
			at++
		}
		n = append(n, count)
	}
	return n
}

// atBounds cuts a listing of the whole bucket where the ledger asks for it.
func atBounds(l *ledger.Ledger, s ledger.Range) []ledger.Range {
	var out []ledger.Range
	lo, at := "", 0
	for i, n := range sizes(l, s) {
		hi := append(l.Bounds(""), "")[i]
		out = append(out, ledger.Range{Lo: lo, Hi: hi, Objects: s.Objects[at : at+n]})
		lo, at = hi, at+n
	}
	return out
}

func TestSegmentsFollowTheRanges(t *testing.T) {
	store := ledger.NewMemStore()
	l := openOn(t, store)
	s := many(20_000, "v1")
	deliver(t, l, cut(s, 4096)...)
	l = restart(t, l, store)
	require.Equal(t, []int{4096, 4096, 4096, 4096, 3616}, sizes(l, s))
	require.Equal(t, []string{"key-00004096", "key-00008192", "key-00012288", "key-00016384"}, l.Bounds("key-"))
	require.Equal(t, []string{"key-00012288", "key-00016384"}, l.Bounds("key-0001"))
	require.Empty(t, l.Bounds("key-00004096"))
	require.Empty(t, l.Bounds("other"))
}

func TestSegmentThatGrowsIsCut(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	s := many(30_000, "v1")
	deliver(t, l, s)
	for _, n := range sizes(l, s) {
		require.LessOrEqual(t, n, 8192)
		require.GreaterOrEqual(t, n, 1024)
	}
	require.Zero(t, deliver(t, l, atBounds(l, s)...))
}

func TestSegmentsThatShrinkAreMerged(t *testing.T) {
	store := ledger.NewMemStore()
	l := openOn(t, store)
	all := many(40_000, "v1")
	deliver(t, l, cut(all, 4000)...)
	require.Equal(t, 10, l.Stats().Segments)
	few := ledger.Range{}
	for i, o := range all.Objects {
		if i%20 == 0 {
			few.Objects = append(few.Objects, o)
		}
	}
	for _, s := range atBounds(l, few) {
		w := compare(t, l, s)
		for _, v := range w.Vanished {
			w.Forget(v.Key)
		}
	}
	require.NoError(t, l.CompletePass(t.Context()))
	require.Equal(t, 1, l.Stats().Segments)
	require.EqualValues(t, 2000, l.Stats().Tracked)
	l = restart(t, l, store)
	require.Zero(t, deliver(t, l, few))
}

func TestBoundsOfAPrefixStayWhenOnlyThatIsListed(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	rest := listing(obj("a", "1"), obj("c/1", "1"), obj("d", "1"))
	deliver(t, l, rest)
	inside := ledger.Range{Lo: "c/", Hi: "c0", Objects: rest.Objects[1:2:2]}
	for i := range 1500 {
		inside.Objects = append(inside.Objects, listing(obj(fmt.Sprintf("c/1-%04d", i), "1")).Objects...)
	}
	require.Equal(t, 1500, deliver(t, l, inside))
	require.Equal(t, []string{"c/", "c0"}, l.Bounds(""))
	inside.Objects = append(rest.Objects[:1:1], append(inside.Objects, rest.Objects[2])...)
	require.Zero(t, deliver(t, l, ledger.Range{Objects: inside.Objects}))
}

func TestRangesThatCutSegmentsElsewhereRepeatNothing(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	s := many(10_000, "v1")
	require.Equal(t, 10_000, deliver(t, l, cut(s, 4096)...))
	for _, n := range []int{1000, 3333, 7000} {
		require.Zero(t, deliver(t, l, cut(s, n)...))
		require.EqualValues(t, 10_000, l.Stats().Tracked)
	}
}

func TestKeysOfEveryKindKeepTheirOrder(t *testing.T) {
	store := ledger.NewMemStore()
	l := openOn(t, store)
	var keys []string
	for _, k := range []string{
		"f.txt", "f.txt.bak", "f.txt-1", "f.txt ", "/lead", "a//b", "a/", "trail ", "ü/ß", "\x01", "new\nline", "%2F", "+", "\xff\xfe", strings.Repeat("k", 1024),
	} {
		keys = append(keys, k)
		for i := range 400 {
			keys = append(keys, fmt.Sprintf("%s%03d", k, i))
		}
	}
	s := ledger.Range{}
	for _, k := range keys {
		s.Objects = append(s.Objects, listing(obj(k, k)).Objects...)
	}
	s = sortedListing(s)
	require.Equal(t, len(keys), deliver(t, l, cut(s, 700)...))
	l = restart(t, l, store)
	require.Zero(t, deliver(t, l, cut(s, 2000)...))
	require.Zero(t, deliver(t, l, s))
	require.EqualValues(t, len(keys), l.Stats().Tracked)
}

func TestJournalIsCutAfterASegmentWasSplit(t *testing.T) {
	disk := newDisk(false)
	l := openOn(t, disk.boot(-1))
	s := many(10, "v1")
	deliver(t, l, s)
	compare(t, l, ledger.Range{Lo: "zz"})
	require.Equal(t, 2, l.Stats().Segments)
	_, err := l.Forget(t.Context(), s.Objects[0].Key)
	require.NoError(t, err)
	records := 0
	for key := range disk.values {
		if strings.Contains(key, "-j") {
			records++
		}
	}
	require.Equal(t, 1, records, "the last stays as a guard")
}
