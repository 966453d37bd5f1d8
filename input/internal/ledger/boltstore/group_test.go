package boltstore_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/boltstore"
)

// crowd calls a store while another transaction holds it up.
type crowd struct {
	t       *testing.T
	store   *boltstore.Store
	path    string
	release func() error
	calls   sync.WaitGroup
	waiting int
	before  int
}

// newCrowd has one call taken already, which waits for the transaction before it.
func newCrowd(t *testing.T) *crowd {
	c := &crowd{t: t, path: filepath.Join(t.TempDir(), "state.db")}
	var err error
	c.store, err = boltstore.Open(c.path)
	require.NoError(t, err)
	require.NoError(t, c.store.Put(t.Context(), ledger.Entry{Key: "old", Value: []byte("old")}))
	c.before, err = c.store.Transactions()
	require.NoError(t, err)
	c.release, err = c.store.HoldWrites()
	require.NoError(t, err)
	c.calls.Go(func() {
		require.NoError(t, c.store.Put(t.Context(), ledger.Entry{Key: "first", Value: []byte("first")}))
	})
	require.Eventually(t, c.store.Taken, time.Minute, time.Millisecond)
	return c
}

// call calls the store, and returns when the call waits.
func (c *crowd) call(f func() error, check func(error)) {
	c.calls.Go(func() { check(f()) })
	c.waiting++
	require.Eventually(c.t, func() bool { return c.store.Waiting() == c.waiting }, time.Minute, time.Millisecond)
}

func (c *crowd) put(key string, value []byte) {
	c.call(func() error { return c.store.Put(c.t.Context(), ledger.Entry{Key: key, Value: value}) }, func(err error) { require.NoError(c.t, err) })
}

// transactions lets the calls go on, and returns how many transactions it took, all
// calls included.
func (c *crowd) transactions() int {
	require.NoError(c.t, c.release())
	c.calls.Wait()
	after, err := c.store.Transactions()
	require.NoError(c.t, err)
	return after - c.before
}

// values are what the file holds when it is opened anew.
func (c *crowd) values(keys ...string) (values []string) {
	require.NoError(c.t, c.store.Close())
	store, err := boltstore.Open(c.path)
	require.NoError(c.t, err)
	defer store.Close()
	for _, key := range keys {
		value, err := store.Get(c.t.Context(), key)
		if err != nil {
			require.ErrorIs(c.t, err, ledger.ErrNotFound)
		}
		values = append(values, string(value))
	}
	return values
}

func TestWritesThatWaitTogetherAreOneTransaction(t *testing.T) {
	c := newCrowd(t)
	var keys, want []string
	for n := range 50 {
		key := fmt.Sprintf("key-%d", n)
		keys, want = append(keys, key), append(want, key)
		c.put(key, []byte(key))
	}
	c.call(func() error { return c.store.Delete(t.Context(), "old") }, func(err error) { require.NoError(t, err) })
	require.Equal(t, 2, c.transactions(), "the one that was under way, and one for all who waited")
	require.Equal(t, append(want, "first", ""), c.values(append(keys, "first", "old")...))
}

func TestWritesThatWaitTogetherKeepTheirOrder(t *testing.T) {
	c := newCrowd(t)
	for n := range 20 {
		c.put("key", fmt.Append(nil, n))
	}
	c.transactions()
	require.Equal(t, []string{"19"}, c.values("key"))
}

func TestAWriteThatFailsFailsAlone(t *testing.T) {
	c := newCrowd(t)
	c.put("before", []byte("before"))
	c.call(func() error {
		return c.store.Put(t.Context(), ledger.Entry{Key: "half", Value: []byte("half")}, ledger.Entry{Value: []byte("no key")})
	}, func(err error) { require.ErrorIs(t, err, bolterrors.ErrKeyRequired) })
	c.put("after", []byte("after"))
	c.transactions()
	require.Equal(t, []string{"before", "after", "", "old", "first"}, c.values("before", "after", "half", "old", "first"))
}

func TestManyLargeWritesAreNotOneTransaction(t *testing.T) {
	c := newCrowd(t)
	large := bytes.Repeat([]byte("x"), 3<<20)
	for n := range 3 {
		c.put(fmt.Sprint(n), large)
	}
	require.Equal(t, 4, c.transactions())
	require.Equal(t, []string{string(large), string(large), string(large)}, c.values("0", "1", "2"))
}
