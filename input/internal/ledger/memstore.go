package ledger

import (
	"bytes"
	"context"
	"fmt"
	"sync"
)

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
