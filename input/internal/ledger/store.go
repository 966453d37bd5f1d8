package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/format"
)

// Store keeps the ledger's values. It is all that the ledger asks of a
// database or a cache; it must be safe for concurrent use.
//
// The ledger's keys are short, of printable ASCII, and hold no "/", because
// some caches make a file name of a key. Its values are never empty.
type Store interface {
	// Get returns the value under key, or an error that is [ErrNotFound]. The
	// caller may keep and change the value.
	Get(ctx context.Context, key string) ([]byte, error)
	// Put writes all entries, or, where the store cannot do that, writes them
	// one by one in the order given and stops at the first that fails. The store
	// must not keep the values' memory.
	Put(ctx context.Context, entries ...Entry) error
	// Delete removes keys. A key that does not exist is no error.
	Delete(ctx context.Context, keys ...string) error
	// Close gives back what the store holds on to.
	Close() error
}

// Entry is one key and its value.
type Entry struct {
	Key   string
	Value []byte
}

// Scope is [format.Scope].
type Scope = format.Scope

// ErrDamaged is [format.ErrDamaged].
var ErrDamaged = format.ErrDamaged

// ErrLost is what a [Store] answers when no later attempt can succeed: its file
// was removed, or its disk is gone or read-only.
var ErrLost = errors.New("the state can't be used any more; see that its disk is there and can be written to, and start again")

// ErrUnread is the kind of an error of a ledger whose store could not be read.
var ErrUnread = errors.New("the state can't be read")

// unread is such an error, with its own text.
type unread struct{ error }

func (u unread) Is(kind error) bool { return kind == ErrUnread }
func (u unread) Unwrap() error      { return u.error }

// ErrNotFound is what a [Store] answers for a key that does not exist.
var ErrNotFound = errors.New("key not found in the store")

// MemStore is a [Store] that lives and ends with the process.
type MemStore struct {
	mu     sync.RWMutex
	values map[string][]byte
}

var _ Store = (*MemStore)(nil)

// NewMemStore returns an empty store.
func NewMemStore() *MemStore { return &MemStore{values: map[string][]byte{}} }

// Get implements [Store].
func (m *MemStore) Get(_ context.Context, key string) ([]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	v, ok := m.values[key]
	if !ok {
		return nil, fmt.Errorf("reading %q from memory: %w", key, ErrNotFound)
	}
	return bytes.Clone(v), nil
}

// Put implements [Store]; all entries are written, or none.
func (m *MemStore) Put(_ context.Context, entries ...Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range entries {
		m.values[e.Key] = bytes.Clone(e.Value)
	}
	return nil
}

// Delete implements [Store].
func (m *MemStore) Delete(_ context.Context, keys ...string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range keys {
		delete(m.values, k)
	}
	return nil
}

// Close implements [Store]. The values stay, so that what wrote them can be
// opened again.
func (m *MemStore) Close() error { return nil }

// Shared is a view of a store for one of the ledgers that share it: closing it does
// nothing. Who opened the store closes it, after all of them.
func Shared(store Store) Store { return shared{store} }

type shared struct{ Store }

// Close implements [Store].
func (shared) Close() error { return nil }
