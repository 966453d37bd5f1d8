// Package ledgertest is what every [ledger.Store] must pass.
package ledgertest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// TestStore checks a store. Open opens the same place each time, which is empty
// the first time it is called with a test; a store that does not outlive its
// process returns the same one. Each store is closed before the next is opened.
func TestStore(t *testing.T, open func(t *testing.T) ledger.Store) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, open func(t *testing.T) ledger.Store)
	}{
		{"a key that was never written is not found", testNotFound},
		{"a value comes back byte for byte", testRoundTrip},
		{"the last write of a key counts", testOverwrite},
		{"a deleted key is not found, and deleting it again is no error", testDelete},
		{"nobody shares the memory of a value", testNoSharing},
		{"values outlive the store", testReopen},
		{"many goroutines can use it", testConcurrent},
		{"a ledger lives in it", testLedger},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open) })
	}
}

// key is one of the longest and most special that the ledger uses.
func key(name string) string { return "supabase-storage-0123456789abcdef-" + name }

func opened(t *testing.T, open func(t *testing.T) ledger.Store) ledger.Store {
	t.Helper()
	s := open(t)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func testNotFound(t *testing.T, open func(t *testing.T) ledger.Store) {
	s := opened(t, open)
	_, err := s.Get(t.Context(), key("nothing"))
	require.ErrorIs(t, err, ledger.ErrNotFound)
}

func testRoundTrip(t *testing.T, open func(t *testing.T) ledger.Store) {
	s := opened(t, open)
	rnd := rand.NewChaCha8([32]byte{1})
	big := make([]byte, 400<<10)
	_, _ = rnd.Read(big)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	values := map[string][]byte{
		key("one"): {0}, key("newlines"): []byte("a\r\nb\x00\n"), key("all"): all, key("big"): big,
	}
	var entries []ledger.Entry
	for k, v := range values {
		entries = append(entries, ledger.Entry{Key: k, Value: v})
	}
	require.NoError(t, s.Put(t.Context(), entries...))
	for k, v := range values {
		got, err := s.Get(t.Context(), k)
		require.NoError(t, err)
		require.True(t, bytes.Equal(v, got), "value of %s: %d bytes, want %d", k, len(got), len(v))
	}
}

func testOverwrite(t *testing.T, open func(t *testing.T) ledger.Store) {
	s := opened(t, open)
	k := key("index")
	require.NoError(t, s.Put(t.Context(), ledger.Entry{Key: k, Value: []byte("a much longer first value")}))
	require.NoError(t, s.Put(t.Context(), ledger.Entry{Key: k, Value: []byte("second")}, ledger.Entry{Key: k, Value: []byte("third")}))
	got, err := s.Get(t.Context(), k)
	require.NoError(t, err)
	require.Equal(t, "third", string(got))
}

func testDelete(t *testing.T, open func(t *testing.T) ledger.Store) {
	s := opened(t, open)
	a, b, c := key("j1"), key("j2"), key("j10")
	for _, k := range []string{a, b, c} {
		require.NoError(t, s.Put(t.Context(), ledger.Entry{Key: k, Value: []byte(k)}))
	}
	require.NoError(t, s.Delete(t.Context(), a, key("never"), b))
	require.NoError(t, s.Delete(t.Context(), a))
	require.NoError(t, s.Delete(t.Context()))
	for _, k := range []string{a, b} {
		_, err := s.Get(t.Context(), k)
		require.ErrorIs(t, err, ledger.ErrNotFound)
	}
	got, err := s.Get(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, c, string(got))
}

func testNoSharing(t *testing.T, open func(t *testing.T) ledger.Store) {
	s := opened(t, open)
	k, v := key("m1"), []byte("value")
	require.NoError(t, s.Put(t.Context(), ledger.Entry{Key: k, Value: v}))
	v[0] = 'X'
	got, err := s.Get(t.Context(), k)
	require.NoError(t, err)
	require.Equal(t, "value", string(got))
	got[1] = 'X'
	got, err = s.Get(t.Context(), k)
	require.NoError(t, err)
	require.Equal(t, "value", string(got))
}

func testReopen(t *testing.T, open func(t *testing.T) ledger.Store) {
	s := open(t)
	require.NoError(t, s.Put(t.Context(), ledger.Entry{Key: key("kept"), Value: []byte("kept")}))
	require.NoError(t, s.Close())
	s = opened(t, open)
	got, err := s.Get(t.Context(), key("kept"))
	require.NoError(t, err)
	require.Equal(t, "kept", string(got))
}

func testConcurrent(t *testing.T, open func(t *testing.T) ledger.Store) {
	s := opened(t, open)
	errs := make(chan error, 8)
	var wg sync.WaitGroup
	for g := range cap(errs) {
		wg.Go(func() {
			for i := range 20 {
				k, v := key(fmt.Sprintf("g%d-%d", g, i)), []byte(strings.Repeat("v", g+1))
				err := s.Put(t.Context(), ledger.Entry{Key: k, Value: v})
				var got []byte
				if err == nil {
					got, err = s.Get(t.Context(), k)
				}
				if err == nil && !bytes.Equal(got, v) {
					err = fmt.Errorf("%s is %q, want %q", k, got, v)
				}
				if err == nil && i%2 == 0 {
					err = s.Delete(t.Context(), k)
				}
				if err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	require.NoError(t, <-errs)
}

// testLedger delivers, restarts, overwrites and deletes.
func testLedger(t *testing.T, open func(t *testing.T) ledger.Store) {
	start := func() *ledger.Ledger {
		l, err := ledger.Open(t.Context(), ledger.Options{Store: open(t), Scope: ledger.Scope{Endpoint: t.Name(), Bucket: "b"}})
		require.NoError(t, err)
		return l
	}
	objects := func(n int, etag string) ledger.Range {
		var s ledger.Range
		for i := range n {
			o := object.Object{Key: fmt.Sprintf("key-%06d", i), ETag: etag, Size: int64(i)}
			s.Objects = append(s.Objects, ledger.Listed{Object: o, Matches: true})
		}
		return s
	}
	pass := func(l *ledger.Ledger, s ledger.Range) (due, vanished int) {
		w, err := l.Compare(t.Context(), s)
		require.NoError(t, err)
		for _, d := range w.Due {
			w.Delivered(d.Object)
		}
		for _, v := range w.Vanished {
			w.Forget(v.Key)
		}
		require.NoError(t, l.Checkpoint(t.Context()))
		require.NoError(t, l.CompletePass(t.Context()))
		return len(w.Due), len(w.Vanished)
	}
	l := start()
	due, _ := pass(l, objects(5000, "v1"))
	require.Equal(t, 5000, due)
	require.NoError(t, l.Close(t.Context()))
	for _, step := range []struct {
		objects       ledger.Range
		due, vanished int
	}{
		{objects(5000, "v1"), 0, 0},
		{objects(5003, "v1"), 3, 0},
		{objects(4000, "v1"), 0, 1003},
		{objects(4000, "v2"), 4000, 0},
		{objects(4000, "v2"), 0, 0},
	} {
		l = start()
		due, vanished := pass(l, step.objects)
		require.Equal(t, step.due, due)
		require.Equal(t, step.vanished, vanished)
		require.EqualValues(t, len(step.objects.Objects), l.Stats().Tracked)
		require.NoError(t, l.Close(t.Context()))
	}
}
