package ledger_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

func TestAKeyIsLookedUpByVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := ledger.NewMemStore()
		l := openOn(t, store)
		deliver(t, l, listing(obj("a", "1"), obj("b", "1")))
		w := compare(t, l, listing(obj("a", "1"), obj("b", "2"), obj("c", "1")))
		w.Park(obj("b", "2"), "denied: b", time.Now().Add(time.Hour))
		w.Park(obj("c", "1"), "denied: c", time.Now().Add(time.Hour))
		for range 2 {
			look := func(key, etag string) ledger.Standing { return look(t, l, key, etag) }
			require.Equal(t, ledger.Standing{Tracked: true, Current: true}, look("a", "1"))
			require.Equal(t, ledger.Standing{Tracked: true}, look("a", "2"))
			require.Equal(t, ledger.Standing{Tracked: true, Current: true}, look("b", "1"))
			b := look("b", "2")
			require.True(t, b.Tracked)
			require.False(t, b.Current)
			require.Equal(t, "denied: b", b.Parked.Reason)
			require.Equal(t, 1, b.Parked.Attempts)
			require.False(t, look("c", "1").Tracked)
			require.Equal(t, "denied: c", look("c", "1").Parked.Reason)
			require.Equal(t, ledger.Standing{}, look("c", "2"), "another version is due at once")
			require.Equal(t, ledger.Standing{}, look("ab", "1"))
			l = restart(t, l, store)
		}
	})
}

func TestWhoOnlyLookedWritesNothing(t *testing.T) {
	store := ledger.NewMemStore()
	deliver(t, openOn(t, store), listing(obj("a", "1")))
	l := openOn(t, store)
	w := compare(t, l, listing(obj("a", "2")))
	w.Delivered(obj("a", "2"))
	require.NoError(t, l.Discard())
	require.NoError(t, l.Discard())
	_, err := l.Look(t.Context(), obj("a", "1"))
	require.ErrorContains(t, err, "closed")
	require.Equal(t, ledger.Standing{Tracked: true}, look(t, openOn(t, store), "a", "2"))
}

func look(t *testing.T, l *ledger.Ledger, key, etag string) ledger.Standing {
	t.Helper()
	s, err := l.Look(t.Context(), obj(key, etag))
	require.NoError(t, err)
	return s
}
