package fleet

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// bucketsAtOnce bounds the buckets of one project that are read at the same time: a
// listing and what waits for it take a megabyte or two, and a project may have
// thousands of buckets.
const bucketsAtOnce = 16

// Turns bounds how many projects are read at the same time. They have their turn in the
// order in which they ask.
type Turns struct{ projects *semaphore.Weighted }

// NewTurns lets so many projects be read at the same time.
func NewTurns(projects int) *Turns { return &Turns{semaphore.NewWeighted(int64(projects))} }

// Turn is that of one project. A project that is down has no place among those that are
// read: it only waits.
type Turn struct {
	of      *Turns
	buckets *semaphore.Weighted

	// one holds a token for the goroutine that takes the place of the project.
	one chan struct{}

	mu    sync.Mutex
	users int
	has   bool // a place
	down  Why  // all that it is down for
}

// Why says what a project is down for.
type Why uint8

const (
	// NoAnswer is that its server does not answer.
	NoAnswer Why = 1 << iota
	// NoKeys is that there are no keys for it.
	NoKeys
	// NoBuckets is that its buckets can't be looked up: a server that takes long to say
	// nothing must not hold up others each time.
	NoBuckets
)

// Project is the turn of one more project.
func (t *Turns) Project() *Turn {
	return &Turn{of: t, buckets: semaphore.NewWeighted(bucketsAtOnce), one: make(chan struct{}, 1)}
}

// Enter returns when a bucket of the project may be read, or something else be asked of
// it, until leave is called.
func (t *Turn) Enter(ctx context.Context) (leave func(), _ error) {
	if err := t.buckets.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	if err := t.take(ctx); err != nil {
		t.buckets.Release(1)
		return nil, err
	}
	var once sync.Once
	return func() {
		once.Do(func() {
			t.leave()
			t.buckets.Release(1)
		})
	}, nil
}

// take has the project take a place, unless it has one or is down.
func (t *Turn) take(ctx context.Context) error {
	select {
	case t.one <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-t.one }()
	t.mu.Lock()
	needs := !t.has && t.down == 0
	t.mu.Unlock()
	if needs {
		if err := t.of.projects.Acquire(ctx, 1); err != nil {
			return err
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.users++
	t.has = t.has || needs
	t.giveIfDown()
	return nil
}

func (t *Turn) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.users--; t.users == 0 {
		t.give()
	}
}

// Down says that the project can't be read, Up that this is not why any more. What has
// begun goes on then, even if more are read than may be at the same time.
func (t *Turn) Down(why Why) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.down |= why
	t.giveIfDown()
}

// Up is the end of Down.
func (t *Turn) Up(why Why) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.down &^= why
}

func (t *Turn) giveIfDown() {
	if t.down != 0 {
		t.give()
	}
}

func (t *Turn) give() {
	if t.has {
		t.has = false
		t.of.projects.Release(1)
	}
}
