package fetch

import "sync"

// buffers are those of the parts of all runs of a room, used again and again: their
// number is bounded by the budget.
type buffers struct {
	mu   sync.Mutex
	free [][]byte
}

func (b *buffers) get() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.free); n > 0 {
		buf := b.free[n-1]
		b.free = b.free[:n-1]
		return buf
	}
	return make([]byte, partBytes)
}

func (b *buffers) put(buf []byte) {
	if cap(buf) < partBytes {
		return // the part broke off before it had one
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free = append(b.free, buf[:partBytes])
}
