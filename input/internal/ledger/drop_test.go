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
			spoiled(d, key, gone)
			require.NoError(t, ledger.Drop(t.Context(), d.boot(-1), scope))
			nothingOf(t, d, scope)
			require.Len(t, d.values, others)
		}
	}
}

// spoiled tears a value of a scope, or takes it away.
func spoiled(d *disk, key string, gone bool) {
	if d.values[key] = []byte("torn"); gone {
		delete(d.values, key)
	}
}

func TestAScopeWithADamagedIndexIsDroppedAndBeginsAnew(t *testing.T) {
	index, founded := scope.Keys().Index(), scope.Keys().Founded()
	for _, spoil := range []func(*disk){
		func(d *disk) { spoiled(d, index, false) },
		func(d *disk) { spoiled(d, index, true) },
		func(d *disk) { spoiled(d, index, false); spoiled(d, founded, false) },
		func(d *disk) { spoiled(d, index, true); spoiled(d, founded, false) },
	} {
		d, others := usedNextTo(t)
		spoil(d)
		require.ErrorIs(t, use(t, d), ledger.ErrDamaged)
		require.NoError(t, ledger.Drop(t.Context(), d.boot(-1), scope))
		require.Len(t, d.values, others+2, "what was found is deleted")
		l := openOn(t, d.boot(-1), func(o *ledger.Options) { o.Scope = bucketScope(1) })
		require.Zero(t, deliver(t, l, many(100, "v1")))
		l = openOn(t, d.boot(-1))
		require.Empty(t, l.Identity())
		require.Equal(t, 6000, deliver(t, l, many(6000, "v1")))
		require.NoError(t, l.Close(t.Context()))
		require.NoError(t, use(t, d), "it can be read")
		require.NoError(t, ledger.Drop(t.Context(), d.boot(-1), scope))
		require.Len(t, d.values, others+2)
	}
}

// Nobody can list a store. What a damaged index knew of is not found where its numbers are
// far from 1, and a later ledger must not come to these numbers, however often it is dropped.
func TestWhatADroppedScopeLeavesIsNeverRead(t *testing.T) {
	d := newDisk(false)
	const far = 100
	for _, key := range []string{scope.Keys().Index(), scope.Keys().Record(far), scope.Keys().Manifest(far)} {
		d.values[key] = []byte("torn")
	}
	for range 2 {
		require.NoError(t, ledger.Drop(t.Context(), d.boot(-1), scope))
		for n := range far + 1 {
			l := openOn(t, d.boot(-1))
			require.Equal(t, 1, deliver(t, l, many(n+1, "v1")), "pass %d", n)
			require.NoError(t, l.Close(t.Context()))
		}
	}
}

// A process may end at any write; what is there then is damaged as before, or empty.
func TestDropOfADamagedIndexThatWasKilledCanBeRepeated(t *testing.T) {
	for writes := 0; ; writes++ {
		d, _ := usedNextTo(t)
		spoiled(d, scope.Keys().Index(), false)
		err := ledger.Drop(t.Context(), d.boot(writes), scope)
		if err == nil {
			require.Greater(t, writes, 4)
			break
		}
		require.ErrorIs(t, err, errDead)
		if writes == 0 {
			require.ErrorIs(t, use(t, d), ledger.ErrDamaged)
			require.NoError(t, ledger.Drop(t.Context(), d.boot(-1), scope))
		}
		l := openOn(t, d.boot(-1))
		require.Equal(t, 6010, deliver(t, l, many(6010, "v1")), "killed at write %d", writes)
		require.NoError(t, l.Close(t.Context()))
		l = openOn(t, d.boot(-1))
		require.Zero(t, deliver(t, l, many(6010, "v1")))
		require.NoError(t, l.Close(t.Context()))
	}
}
