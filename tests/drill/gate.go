package main

import (
	"context"
	"crypto/md5"
	"io"
	"os"
	"sync"
)

// perWrite is how many messages are answered between two writes of the state. One
// checkpoint is a few writes, four at most, in each of which as many messages may
// be acknowledged that it does not hold: so no more than checkpoint are lost by a
// kill, however slow the machine writes.
const perWrite = checkpoint / 5

// gate holds answers back while the state is not written: what a kill may repeat
// is bounded by what the pipeline does, and not by how fast the machine is.
type gate struct {
	file string

	mu       sync.Mutex
	seen     [md5.Size]byte
	answered int
}

// pass waits until a further message may be answered.
func (g *gate) pass(ctx context.Context) error {
	if g == nil {
		return nil
	}
	return waitFor(ctx, g.mayPass)
}

func (g *gate) mayPass() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := g.look(); now != g.seen {
		g.seen, g.answered = now, 0
	}
	if g.answered >= perWrite {
		return false
	}
	g.answered++
	return true
}

// look reads the two pages that each write of the state changes one of. What
// can't be read was not written.
func (g *gate) look() [md5.Size]byte {
	f, err := os.Open(g.file)
	if err != nil {
		return g.seen
	}
	defer f.Close()
	head := make([]byte, 2*os.Getpagesize())
	n, err := io.ReadFull(f, head)
	if err != nil && n == 0 {
		return g.seen
	}
	return md5.Sum(head[:n])
}

// reset is for a new process: what was acknowledged to the one before will never
// be written.
func (g *gate) reset() {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answered = 0
}
