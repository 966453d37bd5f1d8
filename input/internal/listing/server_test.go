package listing_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// server is a bucket in memory that lists as the real one does.
type server struct {
	page    int // keys on a page, 1000 if zero
	latency time.Duration
	// before, if set, is called before each answer with the request's number (from
	// 1) and its start-after; its error is the answer.
	before func(n int, after string) error

	mu       sync.Mutex
	keys     []string // sorted
	afters   []string // of all requests, in the order of their arrival
	inFlight int
	most     int // requests in flight at a time
}

func newServer(keys []string) *server {
	keys = slices.Clone(keys)
	slices.Sort(keys)
	return &server{keys: slices.Compact(keys)}
}

func (s *server) Page(ctx context.Context, prefix, after string) ([]object.Object, bool, error) {
	n := s.arrive(after)
	defer s.depart()
	if err := retry.Sleep(ctx, s.latency); err != nil {
		return nil, false, err
	}
	if s.before != nil {
		if err := s.before(n, after); err != nil {
			return nil, false, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	objs, more := pageOf(s.keys, prefix, after, s.page)
	return objs, more, nil
}

// pageOf is one page of a sorted list of keys.
func pageOf(keys []string, prefix, after string, size int) ([]object.Object, bool) {
	if size == 0 {
		size = 1000
	}
	from, _ := slices.BinarySearch(keys, max(prefix, after+"\x00"))
	if after == "" {
		from, _ = slices.BinarySearch(keys, prefix)
	}
	objs := make([]object.Object, 0, size)
	for _, key := range keys[from:] {
		if len(key) < len(prefix) || key[:len(prefix)] != prefix {
			break
		}
		if len(objs) == size {
			return objs, true
		}
		objs = append(objs, object.Object{Key: key})
	}
	return objs, false
}

func (s *server) arrive(after string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.afters = append(s.afters, after)
	s.inFlight++
	s.most = max(s.most, s.inFlight)
	return len(s.afters)
}

func (s *server) depart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
}

func (s *server) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.afters)
}

func (s *server) insert(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, found := slices.BinarySearch(s.keys, key); !found {
		s.keys = slices.Insert(s.keys, i, key)
	}
}

func (s *server) remove(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, found := slices.BinarySearch(s.keys, key); found {
		s.keys = slices.Delete(s.keys, i, i+1)
	}
}

// collect lists everything. An error fails the test.
func collect(t testing.TB, o listing.Options) []listing.Range {
	t.Helper()
	var all []listing.Range
	for rg, err := range listing.List(t.Context(), o) {
		require.NoError(t, err)
		all = append(all, rg)
	}
	return all
}

// joined checks that the ranges cover the whole prefix without gap or overlap,
// each in order and within its bounds. It returns their keys.
func joined(t testing.TB, prefix string, ranges []listing.Range) []string {
	t.Helper()
	ranges = slices.SortedFunc(slices.Values(ranges), func(a, b listing.Range) int {
		switch {
		case a.Lo < b.Lo:
			return -1
		case a.Lo > b.Lo:
			return 1
		}
		return 0
	})
	var keys []string
	at := prefix
	for i, rg := range ranges {
		require.Equal(t, at, rg.Lo, "a range begins where the range before it ended")
		require.Equal(t, i == len(ranges)-1, rg.Hi == "", "only the last range reaches the end")
		require.True(t, rg.Hi == "" || rg.Lo < rg.Hi)
		for j, o := range rg.Objects {
			require.GreaterOrEqual(t, o.Key, rg.Lo)
			require.True(t, rg.Hi == "" || o.Key < rg.Hi)
			require.True(t, j == 0 || rg.Objects[j-1].Key < o.Key)
			keys = append(keys, o.Key)
		}
		at = rg.Hi
	}
	return keys
}
