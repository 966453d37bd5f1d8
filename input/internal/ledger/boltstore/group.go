package boltstore

import (
	"sync"

	"go.etcd.io/bbolt"
)

// groupBytes is how much one transaction writes for several callers. It holds what it
// writes twice, so this bounds memory; one caller may write more than that.
const groupBytes = 4 << 20

// change is what one caller wants to have on the disk.
type change struct {
	do   func(*bbolt.Bucket, *digest) error
	size int // bytes, roughly

	// What follows belongs to the holder of turn: whether the change was tried, and how
	// that ended.
	done bool
	err  error
}

// group has changes written together that wait at the same time. A transaction waits
// twice for the disk, however much it writes, and transactions come one after the other:
// the ledgers of thousands of scopes would wait for each other.
//
// bbolt's DB.Batch is not used: it lets a lone write wait (MaxBatchDelay), and bounds a
// batch by its calls and not by its bytes.
type group struct {
	// turn is held by the caller that writes.
	turn sync.Mutex

	mu      sync.Mutex
	waiting []*change // in the order of the calls
}

// run returns when the change is on the disk, or has failed. Write is called with changes
// that are to be on the disk together, one call at a time.
func (g *group) run(c *change, write func(...*change) error) error {
	g.mu.Lock()
	g.waiting = append(g.waiting, c)
	g.mu.Unlock()
	g.turn.Lock()
	defer g.turn.Unlock()
	for !c.done { // no other caller has written it yet
		together := g.take()
		err := write(together...)
		for _, one := range together {
			one.err, one.done = err, true
			if err != nil && len(together) > 1 { // what fails is to fail alone
				one.err = write(one)
			}
		}
	}
	return c.err
}

// take returns the first changes that wait: at least one, if there is any.
func (g *group) take() []*change {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, size := 0, 0
	for n < len(g.waiting) && (n == 0 || size+g.waiting[n].size <= groupBytes) {
		size += g.waiting[n].size
		n++
	}
	together := g.waiting[:n:n]
	if g.waiting = g.waiting[n:]; len(g.waiting) == 0 {
		g.waiting = nil // frees the array, which would grow otherwise
	}
	return together
}
