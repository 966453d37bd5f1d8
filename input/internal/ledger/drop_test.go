package ledger_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

// usedNextTo makes what used makes, next to the ledger of another scope.
func usedNextTo(t *testing.T) (d *disk, others int) {
	t.Helper()
	d = newDisk(false)
	l := openOn(t, d.boot(-1), func(o *ledger.Options) { o.Scope = bucketScope(1) })
	deliver(t, l, many(100, "v1"))
	require.NoError(t, l.Close(t.Context()))
	others = len(d.values)
	l = openOn(t, d.boot(-1))
	require.NoError(t, l.SetIdentity(t.Context(), "authenticated"))
	deliver(t, l, cut(many(6000, "v1"), 3000)...)
	w := compare(t, l, many(6002, "v1"))
	for _, item := range w.Due {
		w.Delivered(item.Object)
		require.NoError(t, l.Checkpoint(t.Context()))
	}
	require.NoError(t, l.Close(t.Context()))
	return d, others
}

func nothingOf(t *testing.T, d *disk, dropped ledger.Scope) {
	t.Helper()
	for key := range d.values {
		require.False(t, strings.HasPrefix(key, string(dropped.Keys())), key)
	}
}

func TestDroppedScopeLeavesNothingAndOthersStay(t *testing.T) {
	d, others := usedNextTo(t)
	require.NoError(t, ledger.Drop(t.Context(), d.boot(-1), scope))
	nothingOf(t, d, scope)
	require.Len(t, d.values, others)
	require.NoError(t, ledger.Drop(t.Context(), d.boot(-1), scope), "nothing is left to be dropped")
	l := openOn(t, d.boot(-1), func(o *ledger.Options) { o.Scope = bucketScope(1) })
	require.Zero(t, deliver(t, l, many(100, "v1")))
	l = openOn(t, d.boot(-1))
	require.Empty(t, l.Identity())
	require.Equal(t, 6000, deliver(t, l, many(6000, "v1")))
}

func TestDropOfALedgerWithoutIndexLeavesNothing(t *testing.T) {
	d := newDisk(false)
	l := openOn(t, d.boot(-1))
	deliver(t, l, many(10, "v1"))
	require.NotContains(t, d.values, scope.Keys().Index())
	require.NoError(t, ledger.Drop(t.Context(), d.boot(-1), scope))
	require.Empty(t, d.values)
}

// A process may end at any write of a drop; what is there then is the whole ledger or
// an empty one, which works, and another drop removes the rest.
func TestDropThatWasKilledLeavesAWholeOrAnEmptyLedger(t *testing.T) {
	for _, lies := range []bool{false, true} {
		for writes := 0; ; writes++ {
			d, others := usedNextTo(t)
			dying := d.boot(writes)
			dying.lies = lies
			err := ledger.Drop(t.Context(), dying, scope)
			if err == nil {
				require.Greater(t, writes, 8)
				break
			}
			require.ErrorIs(t, err, errDead)
			l := openOn(t, d.boot(-1))
			tracked := l.Stats().Tracked
			require.Contains(t, []int64{0, 6002}, tracked, "killed at write %d", writes)
			require.Equal(t, 6010-int(tracked), deliver(t, l, many(6010, "v1")), "killed at write %d", writes)
			require.NoError(t, l.Close(t.Context()))
			l = openOn(t, d.boot(-1))
			require.Zero(t, deliver(t, l, many(6010, "v1")))
			require.NoError(t, l.Close(t.Context()))
			require.NoError(t, ledger.Drop(t.Context(), d.boot(-1), scope))
			nothingOf(t, d, scope)
			require.Len(t, d.values, others)
		}
	}
}

// What a fold wrote before it was killed has no index; a new ledger must not meet it.
func TestDropRemovesWhatNoIndexRefersTo(t *testing.T) {
	for writes := range 12 {
		d := newDisk(false)
		l := openOn(t, d.boot(writes))
		w := compare(t, l, many(9000, "v1"))
		for _, item := range w.Due {
			w.Delivered(item.Object)
		}
		_ = l.CompletePass(t.Context())
		require.NoError(t, ledger.Drop(t.Context(), d.boot(-1), scope), "killed at write %d", writes)
		require.Empty(t, d.values, "killed at write %d", writes)
	}
}

func TestDamageDoesNotKeepAScopeFromBeingDropped(t *testing.T) {
	for _, kind := range []string{"-m", "-j", "-viewer", "-founded"} {
		for _, gone := range []bool{false, true} {
			d, others := usedNextTo(t)
			key := keyOf(t, d, string(scope.Keys())+kind)
			if d.values[key] = []byte("torn"); gone {
				delete(d.values, key)
			}
			require.NoError(t, ledger.Drop(t.Context(), d.boot(-1), scope))
			nothingOf(t, d, scope)
			require.Len(t, d.values, others)
		}
	}
	for _, gone := range []bool{false, true} {
		d, _ := usedNextTo(t)
		if d.values[scope.Keys().Index()] = []byte("torn"); gone {
			delete(d.values, scope.Keys().Index())
		}
		err := ledger.Drop(t.Context(), d.boot(-1), scope)
		require.ErrorIs(t, err, ledger.ErrDamaged)
		require.ErrorContains(t, err, "state.namespace")
	}
}
