package ledger_test

import (
	"context"
	"errors"
	"sync"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

// disk is what survives a crash.
type disk struct {
	mu     sync.Mutex
	values map[string][]byte
	// atomic says that a batch is written wholly or not at all.
	atomic       bool
	puts, writes int
	gets         int
}

func newDisk(atomic bool) *disk { return &disk{values: map[string][]byte{}, atomic: atomic} }

// boot returns a store on the disk whose process dies at its writes-th write;
// below 0 it never does.
func (d *disk) boot(writes int) *mortalStore { return &mortalStore{disk: d, left: writes} }

var (
	errDead   = errors.New("the process is dead")
	errHiccup = errors.New("the store does not answer")
)

// mortalStore stops working, for good, before one of its writes. Every entry
// counts as a write, and so does every key that is deleted.
type mortalStore struct {
	disk *disk
	left int
	dead bool
	// lies makes the fatal write happen although it is answered with an error.
	lies bool
	// hiccup says how many entries of a batch of n are written before the store
	// fails for once; below 0 it does not. During is called while it writes.
	hiccup func(n int) int
	during func()
}

// spend takes n writes off, and returns how many of them happen.
func (s *mortalStore) spend(n int) (int, error) {
	if s.dead {
		return 0, errDead
	}
	if s.left < 0 || n <= s.left {
		s.left -= min(n, max(s.left, 0))
		return n, nil
	}
	s.dead = true
	if s.lies {
		return n, errDead
	}
	if s.disk.atomic {
		return 0, errDead
	}
	return s.left, errDead
}

func (s *mortalStore) Get(_ context.Context, key string) ([]byte, error) {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	s.disk.gets++
	if s.dead {
		return nil, errDead
	}
	v, ok := s.disk.values[key]
	if !ok {
		return nil, ledger.ErrNotFound
	}
	return append([]byte(nil), v...), nil
}

func (s *mortalStore) Put(_ context.Context, entries ...ledger.Entry) error {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	if s.during != nil {
		s.during()
	}
	n, err := s.spend(len(entries))
	s.disk.puts++
	if err == nil && s.hiccup != nil {
		if done := s.hiccup(n); done >= 0 {
			n, err = done, errHiccup
		}
	}
	for _, e := range entries[:n] {
		s.disk.writes++
		s.disk.values[e.Key] = append([]byte(nil), e.Value...)
	}
	return err
}

func (s *mortalStore) Delete(_ context.Context, keys ...string) error {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	n, err := s.spend(len(keys))
	for _, k := range keys[:n] {
		s.disk.writes++
		delete(s.disk.values, k)
	}
	return err
}

func (s *mortalStore) Close() error { return nil }
