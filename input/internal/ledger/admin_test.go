package ledger_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

func TestForgottenPrefixIsDeliveredAgain(t *testing.T) {
	disk := newDisk(false)
	l := openOn(t, disk.boot(-1))
	s := many(20_000, "v1")
	deliver(t, l, cut(s, 4096)...)
	n, err := l.ForgetPrefix(t.Context(), "key-0001")
	require.NoError(t, err)
	require.EqualValues(t, 10_000, n)
	l = openOn(t, disk.boot(-1)) // without Close
	require.EqualValues(t, 10_000, l.Stats().Tracked)
	require.Equal(t, 10_000, deliver(t, l, cut(s, 4096)...))

	n, err = l.ForgetPrefix(t.Context(), "")
	require.NoError(t, err)
	require.EqualValues(t, 20_000, n)
	n, err = l.ForgetPrefix(t.Context(), "")
	require.NoError(t, err)
	require.Zero(t, n)
	require.Equal(t, 20_000, deliver(t, l, cut(s, 4096)...))
}

func TestForgottenKeyIsDeliveredAgain(t *testing.T) {
	disk := newDisk(false)
	l := openOn(t, disk.boot(-1))
	s := many(10, "v1")
	deliver(t, l, s)
	known, err := l.Forget(t.Context(), "key-0000000")
	require.NoError(t, err)
	require.False(t, known, "a prefix of a key is not the key")
	known, err = l.Forget(t.Context(), "key-00000003")
	require.NoError(t, err)
	require.True(t, known)
	l = openOn(t, disk.boot(-1)) // without Close
	require.Equal(t, []string{"key-00000003 created"}, due(compare(t, l, s)))
}

func TestParkedKeyCanBeForgotten(t *testing.T) {
	l := openOn(t, ledger.NewMemStore())
	w := compare(t, l, listing(obj("a", "1")))
	w.Park(obj("a", "1"), "denied", time.Now().Add(time.Hour))
	known, err := l.Forget(t.Context(), "a")
	require.NoError(t, err)
	require.True(t, known)
	w = compare(t, l, listing(obj("a", "1")))
	require.Len(t, w.Due, 1)
	require.Zero(t, w.Due[0].Attempts)
}

func TestEverythingPresentCanBeMarkedAsDelivered(t *testing.T) {
	disk := newDisk(false)
	l := openOn(t, disk.boot(-1))
	s := many(10_000, "v1")
	w := compare(t, l, ledger.Range{Hi: "key-00000010", Objects: s.Objects[:10]})
	w.Park(w.Due[0].Object, "denied", time.Now().Add(time.Hour))
	w.Close()
	marked := int64(0)
	for _, part := range cut(s, 3000) {
		n, err := l.MarkDelivered(t.Context(), part)
		require.NoError(t, err)
		marked += n
	}
	require.EqualValues(t, 10_000, marked)
	require.NoError(t, l.CompletePass(t.Context()))
	l = openOn(t, disk.boot(-1)) // without Close
	require.Equal(t, int64(10_000), l.Stats().Tracked)
	require.Zero(t, l.Stats().Parked)
	require.Equal(t, 5, deliver(t, l, many(10_005, "v1")))
}

func TestMarkedAsDeliveredIsKeptByCloseAlone(t *testing.T) {
	store := ledger.NewMemStore()
	l := openOn(t, store)
	s := many(100, "v1")
	_, err := l.MarkDelivered(t.Context(), s)
	require.NoError(t, err)
	l = restart(t, l, store)
	require.Zero(t, deliver(t, l, s))
}
