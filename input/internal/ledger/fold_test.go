package ledger

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/format"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// Each change says by itself whether the journal has it; in which order the
// changes of other keys came does not matter.
func TestAFoldLeavesWhatTheJournalDoesNotHave(t *testing.T) {
	forJournal := func(key string, turn uint64) change {
		return change{Change: format.Change{Key: key, Op: format.OpDelivered}, turn: turn}
	}
	loose := func(key string) change { return change{Change: format.Change{Key: key, Op: format.OpForgotten}} }
	for name, tc := range map[string]struct{ delta, taken, left []change }{
		"nothing": {},
		"all in the journal": {
			delta: []change{forJournal("a", 1), forJournal("b", 2)},
			taken: []change{forJournal("a", 1), forJournal("b", 2)},
		},
		"the last ones are not": {
			delta: []change{forJournal("a", 2), forJournal("b", 3), forJournal("a", 4)},
			taken: []change{forJournal("a", 2)},
			left:  []change{forJournal("b", 3), forJournal("a", 4)},
		},
		"one that never goes there came after one that is not yet there": {
			delta: []change{forJournal("b", 1), forJournal("a", 3), loose("b"), loose("c")},
			taken: []change{forJournal("b", 1), loose("b"), loose("c")},
			left:  []change{forJournal("a", 3)},
		},
		"the changes of one key keep their order": {
			delta: []change{loose("a"), forJournal("a", 3), loose("a"), loose("b")},
			taken: []change{loose("a"), loose("b")},
			left:  []change{forJournal("a", 3), loose("a")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := slices.Clone(tc.delta)
			taken, left := foldable(tc.delta, 2)
			require.Len(t, taken, len(tc.taken))
			require.Len(t, left, len(tc.left))
			require.Equal(t, append(slices.Clone(tc.taken), tc.left...), append(slices.Clone(taken), left...))
			require.Equal(t, before, tc.delta, "more is appended to it meanwhile")
		})
	}
}

// A deletion that a user has asked for must not be undone by an ack that came
// just before it, whatever was written when.
func TestForgettingIsDurableAlthoughAnAckCameJustBefore(t *testing.T) {
	for _, ackedFirst := range []bool{false, true} {
		store := NewMemStore()
		l, err := Open(t.Context(), Options{Store: store})
		require.NoError(t, err)
		w, err := l.Compare(t.Context(), Range{Objects: []Listed{obj("a"), obj("b")}})
		require.NoError(t, err)
		w.Delivered(w.Due[0].Object)
		if ackedFirst {
			w.Delivered(w.Due[1].Object)
		}
		_, err = l.ForgetPrefix(t.Context(), "a")
		require.NoError(t, err)
		if !ackedFirst {
			w.Delivered(w.Due[1].Object)
			require.NoError(t, l.Checkpoint(t.Context()))
		}
		again, err := Open(t.Context(), Options{Store: store})
		require.NoError(t, err)
		w, err = again.Compare(t.Context(), Range{Objects: []Listed{obj("a"), obj("b")}})
		require.NoError(t, err)
		require.Len(t, w.Due, 1)
		require.Equal(t, "a", w.Due[0].Key)
	}
}

func obj(key string) Listed {
	return Listed{Object: object.Object{Key: key, ETag: "1", Size: 1}, Matches: true}
}
