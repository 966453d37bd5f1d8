package pass

import (
	"context"
	"fmt"
	"io"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// countingStore counts what a ledger asks of its store.
type countingStore struct {
	*ledger.MemStore
	reads, writes atomic.Int64
}

func (s *countingStore) Get(ctx context.Context, key string) ([]byte, error) {
	s.reads.Add(1)
	return s.MemStore.Get(ctx, key)
}

func (s *countingStore) Put(ctx context.Context, entries ...ledger.Entry) error {
	s.writes.Add(1)
	return s.MemStore.Put(ctx, entries...)
}

func (s *countingStore) Delete(ctx context.Context, keys ...string) error {
	s.writes.Add(1)
	return s.MemStore.Delete(ctx, keys...)
}

// numbered is a bucket of n objects, a thousand to a page.
type numbered struct{ n int }

func (b numbered) object(i int) object.Object {
	return object.Object{Key: fmt.Sprintf("photos/%07d.jpg", i), ETag: fmt.Sprintf("%032x", i), Size: 1}
}

func (b numbered) Page(_ context.Context, _, after string) (objs []object.Object, more bool, err error) {
	first := sort.Search(b.n, func(i int) bool { return b.object(i).Key > after })
	for i := first; i < min(first+1000, b.n); i++ {
		objs = append(objs, b.object(i))
	}
	return objs, first+1000 < b.n, nil
}

func (b numbered) Open(_ context.Context, key string, _ int64) (*object.Content, error) {
	var i int
	_, err := fmt.Sscanf(key, "photos/%07d.jpg", &i)
	return &object.Content{Object: b.object(i), Body: io.NopCloser(strings.NewReader("x"))}, err
}

func (b numbered) OpenRange(ctx context.Context, key string, _, _ int64) (*object.Content, error) {
	return b.Open(ctx, key, 0)
}

func (b numbered) Listed(context.Context, string) (object.Object, bool, error) {
	return object.Object{}, false, nil
}

func (b numbered) Probe(context.Context) error { return nil }

func TestASecondPassOverAnUnchangedBucketReadsAndWritesNothing(t *testing.T) {
	const n = 100_000
	b := numbered{n}
	store := &countingStore{MemStore: ledger.NewMemStore()}
	l, err := ledger.Open(t.Context(), ledger.Options{Store: store})
	require.NoError(t, err)
	run := func() Report {
		p := newPass(newShelf(), ackAll, func(o *setup) {
			o.Source.Listing = listing.Options{Pager: b}
			o.Fetch.Source, o.Fetch.MaxDownloads = b, 32
			o.Ledger = l
			o.ParkFor = func(int) time.Duration { return time.Minute }
			o.Deletes.MaxRatio = 0.5
		})
		require.NoError(t, p.Run(t.Context()))
		return p.Report()
	}
	require.Equal(t, int64(n), run().Delivered)
	require.NoError(t, l.Checkpoint(t.Context()))
	require.NoError(t, l.CompletePass(t.Context()))
	reads, writes := store.reads.Load(), store.writes.Load()

	second := run()
	require.Equal(t, int64(n), second.Listed)
	require.Equal(t, int64(n), second.Unchanged)
	require.Zero(t, second.Delivered)
	require.Equal(t, reads, store.reads.Load())
	require.Equal(t, writes, store.writes.Load())
	require.NoError(t, l.Close(t.Context()))
}

func TestWhatAPassDidNotGetToIsDueAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf("a", "b", "c")
		s.openErr["b"] = &object.Error{Op: "reading", Key: "b", Kind: object.ErrCredentials, Status: 403}
		s.probeErr = s.openErr["b"]
		l, err := ledger.Open(t.Context(), ledger.Options{Store: ledger.NewMemStore()})
		require.NoError(t, err)
		delivered := map[string]int{}
		run := func() error {
			p := newPass(s, func(ctx context.Context, d *fetch.Download, ack Ack) error {
				delivered[d.Key]++
				return ack(ctx, nil)
			}, func(o *setup) {
				o.Ledger, o.Fetch.MaxDownloads = l, 1
				o.Deletes.MaxRatio = 0.5
				o.ParkFor = func(int) time.Duration { return time.Minute }
			})
			return p.Run(t.Context())
		}
		require.ErrorIs(t, run(), object.ErrCredentials)
		require.Equal(t, map[string]int{"a": 1}, delivered)
		delete(s.openErr, "b")
		require.NoError(t, run())
		require.Equal(t, map[string]int{"a": 1, "b": 1, "c": 1}, delivered)
		require.NoError(t, l.Close(t.Context()))
	})
}
