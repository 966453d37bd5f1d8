package emulator

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func lieRequest(op Op, key string, attempt int) Request {
	return Request{Op: op, Bucket: "b", Key: key, KeyN: attempt, Header: http.Header{}}
}

func TestLiarDoesNotDependOnTheOrder(t *testing.T) {
	draw := func(seed uint64, order func(i int) int) map[int]Lie {
		liar, out := NewLiar(seed, 0.15), map[int]Lie{}
		for i := range 2000 {
			n := order(i)
			out[n] = liar.Fault(lieRequest(OpGet, fmt.Sprint(n), 1)).Lie
		}
		return out
	}
	forward := func(i int) int { return i }
	want := draw(7, forward)
	require.Equal(t, want, draw(7, func(i int) int { return 1999 - i }))
	require.NotEqual(t, want, draw(8, forward))
	lies := 0
	for _, lie := range want {
		if lie != LieNone {
			lies++
			require.False(t, lie.Hidden())
		}
	}
	require.InDelta(t, 300, lies, 60)
}

func TestLiarDoesNotLieForeverUnlessAsked(t *testing.T) {
	longest := func(l *Liar) (most int) {
		row := 0
		for i := range 1000 {
			if l.Fault(lieRequest(OpGet, "k", i+1)).Lie == LieNone {
				row = 0
				continue
			}
			row++
			most = max(most, row)
		}
		return most
	}
	require.Equal(t, 3, longest(NewLiar(1, 1)))
	two := NewLiar(1, 1)
	two.AtMost = 2
	require.Equal(t, 2, longest(two))
	always := NewLiar(1, 1)
	always.AtMost = -1
	require.Equal(t, 1000, longest(always))
	none := NewLiar(1, 1)
	none.AtMost = 0
	require.Zero(t, longest(none))
}

func TestLiarKeepsToTheKindsThatFit(t *testing.T) {
	liar := NewLiar(1, 1, Lies()...)
	liar.AtMost = -1
	seen := map[Op]map[Lie]bool{}
	for _, op := range []Op{OpGet, OpHead, OpDelete, OpList, OpPut} {
		seen[op] = map[Lie]bool{}
		for i := range 2000 {
			seen[op][liar.Fault(lieRequest(op, fmt.Sprint(i), 1)).Lie] = true
		}
	}
	require.True(t, seen[OpGet][LieGzip] && seen[OpGet][LieFlippedByte] && !seen[OpGet][LieRangeTotal] && !seen[OpGet][LieListHTML])
	require.True(t, seen[OpHead][LieHeadNoLength] && !seen[OpHead][LieGzip])
	require.True(t, seen[OpDelete][LieDeleteNothing] && seen[OpList][LieListCut])
	require.Equal(t, map[Lie]bool{LieNone: true}, seen[OpPut])
	r := lieRequest(OpGet, "k", 1)
	r.Header.Set("Range", "bytes=0-1")
	require.Equal(t, LieRangeTotal, NewLiar(1, 1, LieRangeTotal).Fault(r).Lie)
}

func TestLiarTellsHeadThatAnObjectIsGoneWhenGetHeardIt(t *testing.T) {
	liar := NewLiar(1, 1, LieGone)
	require.Equal(t, LieGone, liar.Fault(lieRequest(OpGet, "k", 1)).Lie)
	liar.share = 0
	require.Equal(t, LieGone, liar.Fault(lieRequest(OpHead, "k", 1)).Lie)
	require.Equal(t, LieNone, liar.Fault(lieRequest(OpHead, "other", 1)).Lie)
	require.Equal(t, LieNone, liar.Fault(lieRequest(OpGet, "k", 2)).Lie)
	require.Equal(t, LieNone, liar.Fault(lieRequest(OpHead, "k", 2)).Lie)
}

func TestLiarCountsWhatWasTold(t *testing.T) {
	s := New(Options{})
	lieServer(s)
	s.Put("lies", "empty", nil)
	liar := NewLiar(1, 1, LieCutBody)
	s.SetFaults(liar.Fault)
	c := newClient(t, s)
	require.Error(t, c.get("lies", "a/k").err)
	require.NoError(t, c.get("lies", "empty").err)
	require.Equal(t, map[Lie]int{LieCutBody: 1}, liar.Told())
}
