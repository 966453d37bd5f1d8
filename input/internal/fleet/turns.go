package fleet

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// slice is how long a project keeps its place while others wait for one: a page of a
// listing takes a tenth of a second or so, so that in its time each project gets several,
// and of a thousand projects with 64 places each has its time every 16 seconds.
const slice = time.Second

// Turns are those of the requests for lists: of objects, of what changed, of buckets. No
// project or bucket has a place for longer than its requests take, so that none of any
// size or slowness holds up the others. What a list brings needs memory for longer: see
// [Pages].
type Turns struct {
	requests int64
	projects *semaphore.Weighted
	queued   atomic.Int64 // projects that wait for a place

	pages pages
}

// NewTurns lets so many projects be asked at the same time, each for so many lists.
func NewTurns(projects, requests int) *Turns {
	return &Turns{requests: int64(requests), projects: semaphore.NewWeighted(int64(projects))}
}

// Turn is that of one project. A project that is down has no place among those that are
// asked, and no pages among those that are held: it only waits.
type Turn struct {
	of       *Turns
	requests *semaphore.Weighted

	// one holds a token for the goroutine that takes a place for the project.
	one chan struct{}

	mu     sync.Mutex
	now    *place // that new requests use; nil where the next one takes another
	places map[*place]struct{}
	down   Why // all that it is down for

	// held are pages, and rests says that they do not count. Both are under the lock of
	// pages.
	held  int
	rests bool
}

// place is one among the projects that are asked. A project has a second one for a moment
// where requests of its last slice are still under way.
type place struct {
	since time.Time
	users int
	given bool // back
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
	return &Turn{of: t, requests: semaphore.NewWeighted(t.requests), one: make(chan struct{}, 1), places: map[*place]struct{}{}}
}

// Enter returns when the project may be asked for a list, until leave is called.
// Requests have their turn in the order in which they ask, within the project and among
// projects.
func (t *Turn) Enter(ctx context.Context) (leave func(), _ error) {
	if err := t.requests.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	p, err := t.take(ctx)
	if err != nil {
		t.requests.Release(1)
		return nil, err
	}
	var once sync.Once
	return func() {
		once.Do(func() {
			t.leave(p)
			t.requests.Release(1)
		})
	}, nil
}

// take has a request use the place of the project, which takes one unless it is down.
func (t *Turn) take(ctx context.Context) (*place, error) {
	select {
	case t.one <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-t.one }()
	t.mu.Lock()
	over := t.now != nil && time.Since(t.now.since) >= slice && t.of.queued.Load() > 0
	if t.down != 0 || t.now != nil && !t.now.given && !over {
		defer t.mu.Unlock()
		if t.now == nil {
			t.now = &place{given: true}
		}
		t.now.users++
		return t.now, nil
	}
	t.mu.Unlock()
	t.of.queued.Add(1)
	err := t.of.projects.Acquire(ctx, 1)
	t.of.queued.Add(-1)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	p := &place{since: time.Now(), users: 1}
	t.now = p
	t.places[p] = struct{}{}
	if t.down != 0 {
		t.give(p)
	}
	return p, nil
}

func (t *Turn) leave(p *place) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p.users--; p.users > 0 {
		return
	}
	if t.now == p {
		t.now = nil
	}
	t.give(p)
}

// give gives a place back, once.
func (t *Turn) give(p *place) {
	if !p.given {
		p.given = true
		delete(t.places, p)
		t.of.projects.Release(1)
	}
}

// Down says that the project can't be read, Up that this is not why any more. What has
// begun goes on then, even if more are read than may be at the same time.
func (t *Turn) Down(why Why) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.down |= why
	for p := range t.places {
		t.give(p)
	}
	t.of.pages.rest(t, true)
}

// Up is the end of Down.
func (t *Turn) Up(why Why) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.down &^= why
	t.of.pages.rest(t, t.down != 0)
}
