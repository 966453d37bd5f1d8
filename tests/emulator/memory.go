package emulator

import (
	"iter"
	"slices"
	"sort"
	"strings"
	"sync"
)

// memory keeps buckets in memory.
type memory struct {
	now func() int64

	mu     sync.RWMutex
	byName map[string]*memoryRows
	order  []bucketInfo
}

func newMemory(now func() int64) *memory {
	return &memory{now: now, byName: map[string]*memoryRows{}}
}

func (m *memory) bucket(name string) (rows, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	b, ok := m.byName[name]
	return b, ok
}

func (m *memory) create(name string) (rows, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.byName[name]
	if !ok {
		b = &memoryRows{now: m.now}
		m.byName[name] = b
		m.order = append(m.order, bucketInfo{name, m.now()})
	}
	return b, nil
}

func (m *memory) drop(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.byName[name]
	if b == nil || b.take(make([]*row, 1), "", true) > 0 {
		return false
	}
	delete(m.byName, name)
	m.order = slices.DeleteFunc(m.order, func(i bucketInfo) bool { return i.name == name })
	return true
}

func (m *memory) remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.byName, name)
	m.order = slices.DeleteFunc(m.order, func(i bucketInfo) bool { return i.name == name })
	return nil
}

func (m *memory) buckets() ([]bucketInfo, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.Clone(m.order), nil
}

// blockSize bounds how many rows one insertion moves.
const blockSize = 512

// memoryRows is a sorted list in blocks: a million keys can be inserted in any
// order without sorting the whole list, and two binary searches find a page.
type memoryRows struct {
	now func() int64

	mu sync.RWMutex
	// blocks are never empty, sorted within and among themselves.
	blocks [][]*row
}

// seek returns the block and the position of the first row whose key is not
// less than key. The block is len(blocks) if there is none. Called with mu held.
func (m *memoryRows) seek(key string) (block, pos int, found bool) {
	block = sort.Search(len(m.blocks), func(i int) bool {
		b := m.blocks[i]
		return b[len(b)-1].key >= key
	})
	if block == len(m.blocks) {
		return block, 0, false
	}
	pos, found = slices.BinarySearchFunc(m.blocks[block], key, func(r *row, k string) int {
		return strings.Compare(r.key, k)
	})
	return block, pos, found
}

func (m *memoryRows) get(key string) (*row, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	block, pos, found := m.seek(key)
	if !found {
		return nil, nil
	}
	return m.blocks[block][pos], nil
}

func (m *memoryRows) put(r *row) (*row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	block, pos, found := m.seek(r.key)
	switch {
	case found:
		old := *m.blocks[block][pos]
		old.before = nil // one previous version is enough; more would fill memory
		r.created, r.before, r.replaced = old.created, &old, m.now()
		m.blocks[block][pos] = r
		return r, nil
	case len(m.blocks) == 0:
		m.blocks = [][]*row{{r}}
		return r, nil
	case block == len(m.blocks):
		block, pos = block-1, len(m.blocks[block-1])
	}
	b := slices.Insert(m.blocks[block], pos, r)
	m.blocks[block] = b
	if len(b) > blockSize {
		half := len(b) / 2
		m.blocks[block] = slices.Clone(b[:half])
		m.blocks = slices.Insert(m.blocks, block+1, slices.Clone(b[half:]))
	}
	return r, nil
}

func (m *memoryRows) delete(key string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	block, pos, found := m.seek(key)
	if !found {
		return false, nil
	}
	if len(m.blocks[block]) == 1 {
		m.blocks = slices.Delete(m.blocks, block, block+1)
		return true, nil
	}
	m.blocks[block] = slices.Delete(m.blocks[block], pos, pos+1)
	return true, nil
}

func (m *memoryRows) touch(now int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.blocks {
		copies := make([]row, len(b))
		for i, r := range b {
			copies[i] = *r
			copies[i].updated = now
			b[i] = &copies[i]
		}
	}
	return nil
}

// scanBatch is how many rows are copied under one lock. No lock is held while
// policies see them: a policy may call back into the server.
const scanBatch = 256

func (m *memoryRows) scan(prefix, after string) iter.Seq2[*row, error] {
	return func(yield func(*row, error) bool) {
		var batch [scanBatch]*row
		from, inclusive := after, false
		if prefix > after {
			from, inclusive = prefix, true
		}
		for {
			n := m.take(batch[:], from, inclusive)
			for _, r := range batch[:n] {
				if !strings.HasPrefix(r.key, prefix) || !yield(r, nil) {
					return
				}
			}
			if n < scanBatch {
				return
			}
			from, inclusive = batch[n-1].key, false
		}
	}
}

// take copies rows from the key from on into dst.
func (m *memoryRows) take(dst []*row, from string, inclusive bool) (n int) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	block, pos, found := m.seek(from)
	if found && !inclusive {
		pos++
	}
	for ; block < len(m.blocks) && n < len(dst); block++ {
		n += copy(dst[n:], m.blocks[block][pos:])
		pos = 0
	}
	return n
}
