package main

import (
	"context"
	"crypto/md5"
	"io"
	"os"
	"sync"
)

// perWrite is how many messages are answered between two writes of the state. A
// checkpoint is at most four writes. During each of them perWrite messages may be
// acknowledged that the checkpoint does not contain. So a kill loses no more than
// checkpoint acks, however slowly the machine writes.
const perWrite = checkpoint / 5

// gate holds answers back until the state is written, so that the speed of the
// machine does not decide how much a kill may repeat.
type gate struct {
	file string

	mu       sync.Mutex
	seen     [md5.Size]byte
	answered int
}

// pass waits until the next message may be answered.
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

// look reads the two pages of the state of which each write changes one. A page
// that can't be read counts as not written.
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

// reset is for a new process: what the last process did not write will never be
// written.
func (g *gate) reset() {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answered = 0
}
