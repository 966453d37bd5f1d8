package ledger_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

func TestTheIdentityIsKeptNextToWhatWasDelivered(t *testing.T) {
	store := newDisk(true).boot(-1)
	l := openOn(t, store)
	require.Equal(t, "", l.Identity())
	require.NoError(t, l.SetIdentity(t.Context(), "user 1"))
	deliver(t, l, listing(obj("a", "1")))
	require.NoError(t, l.Close(t.Context()))

	store = store.disk.boot(0) // no write succeeds from here on
	l = openOn(t, store)
	require.Equal(t, "user 1", l.Identity())
	require.NoError(t, l.SetIdentity(t.Context(), "user 1"), "what is known is not written")
	require.Error(t, l.SetIdentity(t.Context(), "user 2"))
	require.Equal(t, "user 1", l.Identity())
	require.EqualValues(t, 1, l.Stats().Tracked)
}

func TestADamagedIdentityDoesNotCountAsNone(t *testing.T) {
	store := ledger.NewMemStore()
	l := openOn(t, store)
	require.NoError(t, l.SetIdentity(t.Context(), "user 1"))
	key := l.IdentityKey()
	value, err := store.Get(t.Context(), key)
	require.NoError(t, err)
	value[len(value)-10] ^= 1
	require.NoError(t, store.Put(t.Context(), ledger.Entry{Key: key, Value: value}))
	_, err = ledger.Open(t.Context(), ledger.Options{Store: store, Scope: scope})
	require.ErrorIs(t, err, ledger.ErrDamaged)
}
