package main

import (
	"encoding/binary"
	"os"
	"slices"
	"sync"
	"time"
)

// commits counts how often a state file was written to. Each commit of bbolt has a number,
// which is in one of the first two pages.
type commits struct {
	mu      sync.Mutex
	file    string
	samples []commitSample // oldest first

	stop chan struct{}
	done sync.WaitGroup
}

type commitSample struct {
	at time.Time
	n  uint64
}

const (
	// sampleEvery is how often the number is read.
	sampleEvery = 5 * time.Millisecond
	// commitAt is where a page of bbolt has the number of its commit: behind the page's
	// header, and the magic, version, page size, flags, root, list of free pages and highest page.
	commitAt = 16 + 4*4 + 16 + 8 + 8
)

// watch samples a file from now on, until close.
func (c *commits) watch(file string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.file, c.samples = file, nil
	if c.stop != nil {
		return
	}
	stop := make(chan struct{})
	c.stop = stop
	c.done.Go(func() {
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				c.now()
			case <-stop:
				return
			}
		}
	})
}

func (c *commits) close() {
	if c.stop != nil {
		close(c.stop)
		c.done.Wait()
	}
}

// now reads the number.
func (c *commits) now() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := readCommit(c.file)
	if last := len(c.samples) - 1; last >= 0 {
		n = max(n, c.samples[last].n)
	}
	c.samples = append(c.samples, commitSample{time.Now(), n})
	return n
}

// at is the number at a time or shortly after it.
func (c *commits) at(t time.Time) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.samples) == 0 {
		return 0
	}
	i, _ := slices.BinarySearchFunc(c.samples, t, func(s commitSample, t time.Time) int { return s.at.Compare(t) })
	return c.samples[min(i, len(c.samples)-1)].n
}

// readCommit is 0 where there is no file yet.
func readCommit(file string) (n uint64) {
	f, err := os.Open(file)
	if err != nil {
		return 0
	}
	defer f.Close()
	for page := range int64(2) {
		var b [8]byte
		if _, err := f.ReadAt(b[:], page*int64(os.Getpagesize())+commitAt); err == nil {
			n = max(n, binary.LittleEndian.Uint64(b[:]))
		}
	}
	return n
}
