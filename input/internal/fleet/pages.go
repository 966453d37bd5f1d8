package fleet

import (
	"context"
	"slices"
	"sync"
)

const (
	// mostPages bounds the pages that all passes hold together, from the request for
	// a page until its last object is handed to the downloads. A page of a thousand
	// objects takes 0.2 MB, so these take 100 MB where all passes are huge and held up,
	// as by a slow output.
	mostPages = 512
	// mostAhead is how many of them may be in use when a pass takes more than its
	// first one, to list ahead: a pass with 16 listers takes 95 at the most, so that
	// one alone is as quick as it can be, and the others find room for their first.
	mostAhead = 128
)

// pages counts what passes hold. Each has one page while it is under way, so that this
// bounds how many are; a huge one goes to the end of the queue after each page.
type pages struct {
	mu    sync.Mutex
	held  int      // without those of projects that are down
	queue []*Pages // that wait for their first page, the longest first
}

// Pages is what one pass holds. It implements listing.Room.
type Pages struct {
	turn  *Turn
	n     int
	given chan struct{} // closed when it was given its first one
}

// Begin returns when a pass over a bucket of the project may begin, with room for one
// page. The pass calls Leave at its end.
func (t *Turn) Begin(ctx context.Context) (*Pages, error) {
	p := &Pages{turn: t}
	all := &t.of.pages
	all.mu.Lock()
	all.enqueue(p)
	all.mu.Unlock()
	return p, p.wait(ctx)
}

// Leave gives everything back.
func (p *Pages) Leave() { p.keep(0) }

// Next implements listing.Room: it gives the page back where another pass waits for one,
// and waits for its turn.
func (p *Pages) Next(ctx context.Context) error {
	all := &p.turn.of.pages
	all.mu.Lock()
	waits := len(all.queue) > 0
	if waits {
		all.add(p, -p.n)
		all.enqueue(p)
	}
	all.mu.Unlock()
	if !waits {
		return ctx.Err()
	}
	return p.wait(ctx)
}

// More implements listing.Room.
func (p *Pages) More(n int) bool {
	all := &p.turn.of.pages
	all.mu.Lock()
	defer all.mu.Unlock()
	if n > p.n && all.held+n-p.n > mostAhead {
		return false
	}
	all.add(p, max(0, n-p.n))
	return true
}

// Keep implements listing.Room.
func (p *Pages) Keep(n int) { p.keep(n) }

func (p *Pages) keep(n int) {
	all := &p.turn.of.pages
	all.mu.Lock()
	defer all.mu.Unlock()
	if n < p.n {
		all.add(p, n-p.n)
		all.admit()
	}
}

// wait returns when p has its first page.
func (p *Pages) wait(ctx context.Context) error {
	select {
	case <-p.given:
		return nil
	case <-ctx.Done():
	}
	all := &p.turn.of.pages
	all.mu.Lock()
	defer all.mu.Unlock()
	if i := slices.Index(all.queue, p); i >= 0 {
		all.queue = slices.Delete(all.queue, i, i+1)
	}
	all.add(p, -p.n)
	all.admit()
	return ctx.Err()
}

// The methods of pages are called with its lock held, except rest.

// add counts pages of a pass.
func (a *pages) add(p *Pages, n int) {
	p.n += n
	p.turn.held += n
	if !p.turn.rests {
		a.held += n
	}
}

func (a *pages) enqueue(p *Pages) {
	p.given = make(chan struct{})
	a.queue = append(a.queue, p)
	a.admit()
}

// admit gives pages to those that wait: one that becomes free goes to the project that
// holds the fewest.
func (a *pages) admit() {
	for len(a.queue) > 0 {
		next := -1
		for i, p := range a.queue {
			if p.turn.rests { // it takes nothing from others
				next = i
				break
			}
			if next < 0 || p.turn.held < a.queue[next].turn.held {
				next = i
			}
		}
		p := a.queue[next]
		if !p.turn.rests && a.held >= mostPages {
			return
		}
		a.queue = slices.Delete(a.queue, next, next+1)
		a.add(p, 1)
		close(p.given)
	}
}

// rest says whether a project is down: then it holds no room that others lack.
func (a *pages) rest(t *Turn, now bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case now == t.rests:
		return
	case now:
		a.held -= t.held
	default:
		a.held += t.held
	}
	t.rests = now
	a.admit()
}
