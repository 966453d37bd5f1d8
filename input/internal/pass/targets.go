package pass

import (
	"container/heap"
	"context"
	"errors"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/target"
)

// targetsKept bounds the targets that are taken in and not done with. A key has up to
// a thousand bytes, so they hold 16 MB at the most.
const targetsKept = 1 << 14

// RuleOutside is the rule under which targets are counted that name an object of
// another project or bucket, or outside of the prefix.
const RuleOutside = "outside"

// ErrStopped is what the targets are nacked with that are under way at the end.
var ErrStopped = errors.New("the input stopped before the object was delivered")

// TargetOptions say what targets are of, and what becomes of them.
type TargetOptions struct {
	Scope *Scope
	// ProjectRef is empty where it is not known: then it leaves no target out.
	ProjectRef, Bucket, Prefix string
	// NackMissing refuses the targets whose object is not listed, after a few attempts.
	NackMissing bool
	// Deleted hands the deletion of a key on.
	Deleted func(ctx context.Context, key string, ack Ack) error
	// Remembers says that the ledger knows all that was ever delivered: a deletion of
	// what it does not know is no news.
	Remembers bool
	Watcher   TargetWatcher
}

// Targets are the objects that messages name. Each key is under way once at a time, so
// that no old version comes after a new one: what is delivered is what the listing
// shows when an attempt begins. It is safe for concurrent use.
type Targets struct {
	opts TargetOptions
	pass *Pass // it counts
	wake chan struct{}
	room chan struct{}

	mu    sync.Mutex
	ctx   context.Context //nolint:containedctx // that of Run, for the ledger, which a claim asks
	keys  map[string]*named
	ready []*named
	later laterHeap
	kept  int // targets that are not done with
	open  int // keys that are not handed on, or have a target behind
	ended bool
	err   error // once Close was called
	now   TargetReport
}

// NewTargets has none yet.
func NewTargets(o TargetOptions) *Targets {
	return &Targets{
		opts: o, pass: o.Scope.NewPass(Task{Kind: Named}), keys: map[string]*named{}, ctx: context.Background(),
		wake: make(chan struct{}, 1), room: make(chan struct{}, 1),
	}
}

// Add takes a target in, and has done called once, from any goroutine: with nil when
// the object is done with, or with why it is not. It waits while too many targets are
// under way. Call it from one goroutine.
func (t *Targets) Add(ctx context.Context, named target.Target, done func(error)) {
	t.count(TargetReceived)
	scope := t.opts.Scope
	switch v := scope.Source.Filter.MatchKey(named.Key); {
	case t.outside(named):
		t.filtered(func() {
			t.pass.tally.count(func(r *Report) { r.Filtered[RuleOutside]++ })
			scope.Watcher.Filtered(RuleOutside, 1)
		})
		done(nil)
		return
	case v.Rule != filter.Pass:
		t.filtered(func() { t.pass.tally.filtered(v, 1) })
		done(nil)
		return
	}
	for !t.take(named, done) {
		select {
		case <-t.room:
		case <-ctx.Done():
			done(ErrStopped)
			return
		}
	}
}

func (t *Targets) outside(named target.Target) bool {
	o := &t.opts
	return named.Bucket != "" && named.Bucket != o.Bucket ||
		named.ProjectRef != "" && o.ProjectRef != "" && named.ProjectRef != o.ProjectRef ||
		!strings.HasPrefix(named.Key, o.Prefix)
}

// filtered counts a target that is left out before anything is asked.
func (t *Targets) filtered(byRule func()) {
	t.pass.tally.count(func(r *Report) { r.Listed++ })
	byRule()
	t.count(TargetFiltered)
}

// take takes a target in where there is room for it.
func (t *Targets) take(tg target.Target, done func(error)) bool {
	t.mu.Lock()
	if t.err != nil {
		defer done(t.err)
		t.mu.Unlock()
		return true
	}
	if t.kept >= targetsKept {
		t.mu.Unlock()
		return false
	}
	n, known := t.keys[tg.Key]
	if !known {
		n = &named{key: tg.Key, index: -1}
		t.keys[tg.Key] = n
		t.open++
	}
	joins := len(n.waiting) > 0
	t.change(n, func() {
		n.waiting = append(n.waiting, mention{time.Now(), done})
		n.says.add(tg.Event)
		if !known {
			t.ready = append(t.ready, n)
		}
	})
	t.kept++
	if n.index >= 0 { // it was to be looked at later, and something may be new
		n.due = time.Now()
		heap.Fix(&t.later, n.index)
	}
	t.mu.Unlock()
	token(t.wake)
	if joins {
		t.count(TargetJoined)
		return true
	}
	t.pass.tally.count(func(r *Report) { r.Listed++ })
	return true
}

// change changes what is known of a key, and counts whether it is open; mu is held.
func (t *Targets) change(n *named, f func()) {
	if n.open() {
		t.open--
	}
	f()
	if n.open() {
		t.open++
	}
}

// context is that of Run.
func (t *Targets) context() context.Context {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ctx
}

// End says that no target follows.
func (t *Targets) End() {
	t.mu.Lock()
	t.ended = true
	t.mu.Unlock()
	token(t.wake)
}

// Run has the targets delivered. It returns nil after End, once everything is handed
// on; acks may come in long after. Its error is why it ended early, as that of
// [Pass.Run]: what was under way waits for another Run then.
func (t *Targets) Run(ctx context.Context) error {
	t.mu.Lock()
	t.ctx = ctx
	t.mu.Unlock()
	run := t.opts.Scope.Fetcher.BeginNamed(t.items) //nolint:contextcheck // it ends with that of the fetcher, which is the run's
	<-run.Done()
	return run.Err()
}

// Close refuses what is not done with, and what comes after. Run may still be ending:
// what its attempts hear from here on changes nothing.
func (t *Targets) Close() {
	t.mu.Lock()
	t.err = ErrStopped
	var left []mention
	for _, n := range t.keys {
		left = append(append(left, n.answered...), n.waiting...)
		n.attempt = nil
	}
	t.keys, t.ready, t.later, t.kept, t.open = map[string]*named{}, nil, nil, 0, 0
	t.mu.Unlock()
	for _, w := range left {
		w.done(ErrStopped)
	}
	token(t.room)
}

// items yields each key whose turn it is, and waits for the next.
func (t *Targets) items(ctx context.Context) iter.Seq2[fetch.Item, error] {
	return func(yield func(fetch.Item, error) bool) {
		timer := time.NewTimer(0)
		defer timer.Stop()
		for {
			c, next, over := t.next()
			switch {
			case over || ctx.Err() != nil && c == nil:
				return
			case c != nil:
				if !yield(fetch.Item{Object: object.Object{Key: c.key}, Claim: c, Named: true}, nil) {
					return
				}
				continue
			case next.IsZero():
				timer.Stop()
			default:
				timer.Reset(time.Until(next))
			}
			select {
			case <-t.wake:
			case <-timer.C:
			case <-ctx.Done():
				return
			}
		}
	}
}

// next begins an attempt at the key whose turn it is, or says when the first of those
// that wait for a time is due. Over says that nothing will be.
func (t *Targets) next() (c *claim, at time.Time, over bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.later) > 0 && !time.Now().Before(t.later[0].due) {
		t.ready = append(t.ready, heap.Pop(&t.later).(*named)) //nolint:forcetypeassert // nothing else is in it
	}
	if len(t.ready) == 0 {
		if len(t.later) > 0 {
			at = t.later[0].due
		}
		return nil, at, t.ended && t.open == 0
	}
	n := t.ready[0]
	t.ready[0] = nil
	t.ready = t.ready[1:]
	c = &claim{targets: t, key: n.key, says: n.says}
	c.due = due{pass: t.pass, named: c}
	n.answered, n.waiting, n.says, n.attempt = n.waiting, nil, says{}, c
	return c, time.Time{}, false
}

// handed says that everything of an attempt is on its way to the output.
func (t *Targets) handed(c *claim) {
	t.mu.Lock()
	if n := t.keys[c.key]; n != nil && n.attempt == c {
		t.change(n, func() { n.handed = true })
	}
	t.mu.Unlock()
	token(t.wake)
}

// settle ends an attempt: those that named the key hear how, and the next attempt
// begins if there are others.
func (t *Targets) settle(c *claim, err error) {
	t.mu.Lock()
	n := t.keys[c.key]
	if n == nil || n.attempt != c {
		t.mu.Unlock()
		return
	}
	done := n.answered
	t.kept -= len(done)
	t.change(n, func() { n.answered, n.attempt, n.handed, n.failures = nil, nil, false, 0 })
	if len(n.waiting) > 0 {
		t.ready = append(t.ready, n)
	} else {
		t.open--
		delete(t.keys, c.key)
	}
	t.mu.Unlock()
	token(t.wake)
	token(t.room)
	for _, w := range done {
		w.done(err)
	}
}

// again ends an attempt that says nothing of the object: another one begins at the
// given time, for those behind it as well. Where the attempt counts as a failure, the
// time may depend on how many there were in a row.
func (t *Targets) again(c *claim, at func(failures int) time.Time, failed bool) {
	t.mu.Lock()
	defer token(t.wake)
	defer t.mu.Unlock()
	n := t.keys[c.key]
	if n == nil || n.attempt != c {
		return
	}
	if len(n.waiting) > 0 {
		t.pass.tally.count(func(r *Report) { r.Listed-- })
		t.countLocked(TargetJoined)
	}
	if failed {
		n.failures++
	}
	t.change(n, func() {
		n.waiting, n.answered = append(n.answered, n.waiting...), nil
		n.says = n.says.and(c.says)
		n.attempt, n.handed = nil, false
	})
	n.due = at(n.failures)
	heap.Push(&t.later, n)
}

// Oldest is when the oldest target that is not done with was taken in; zero where
// there is none.
func (t *Targets) Oldest() (oldest time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range t.keys {
		for _, all := range [][]mention{n.answered, n.waiting} {
			// The first came first, and of the rest only joined ones are not newer.
			if len(all) > 0 && (oldest.IsZero() || all[0].since.Before(oldest)) {
				oldest = all[0].since
			}
		}
	}
	return oldest
}

// token puts a token into a channel that holds one.
func token(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
