package ledger_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

func TestTheViewerIsKeptBesideWhatWasDelivered(t *testing.T) {
	store := newDisk(true).boot(-1)
	l := openOn(t, store)
	require.Equal(t, "", l.Viewer())
	require.NoError(t, l.SetViewer(t.Context(), "user 1"))
	deliver(t, l, listing(obj("a", "1")))
	require.NoError(t, l.Close(t.Context()))

	store = store.disk.boot(0) // no write succeeds from here on
	l = openOn(t, store)
	require.Equal(t, "user 1", l.Viewer())
	require.NoError(t, l.SetViewer(t.Context(), "user 1"), "what is known is not written")
	require.Error(t, l.SetViewer(t.Context(), "user 2"))
	require.Equal(t, "user 1", l.Viewer())
	require.EqualValues(t, 1, l.Stats().Tracked)
}

func TestADamagedViewerIsNotTakenForNone(t *testing.T) {
	store := ledger.NewMemStore()
	l := openOn(t, store)
	require.NoError(t, l.SetViewer(t.Context(), "user 1"))
	key := l.ViewerKey()
	value, err := store.Get(t.Context(), key)
	require.NoError(t, err)
	value[len(value)-10] ^= 1
	require.NoError(t, store.Put(t.Context(), ledger.Entry{Key: key, Value: value}))
	_, err = ledger.Open(t.Context(), ledger.Options{Store: store, Scope: scope})
	require.ErrorIs(t, err, ledger.ErrDamaged)
}
