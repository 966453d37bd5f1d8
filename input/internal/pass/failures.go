package pass

import (
	"context"
	"iter"
	"slices"
	"sync"

	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// Failed is an object that failed for good, and why.
type Failed struct {
	Object object.Object
	Event  string
	// Reason is one of [Reasons].
	Reason string
	Err    error
}

// failuresWaiting is how many failures may wait for the pipeline before no further
// object is begun. Those that are under way then may still fail.
const failuresWaiting = 1000

// failures hands on what failed for good, one after the other and next to everything
// else: neither a download nor an ack waits for it. It is safe for concurrent use.
type failures struct {
	deliver func(ctx context.Context, f Failed, ack Ack) error // nil hands on nothing

	mu sync.Mutex
	// queue waits, current is being handed on. There is one for each key.
	queue   []*failing
	current *failing
	ended   bool          // nothing is handed on any more
	changed chan struct{} // closed and replaced when any of these changes
}

// failing is a failure that is not handed on yet.
type failing struct {
	Failed
	// done hear how it ended, once.
	done   []func(error)
	ended  sync.Once
	cancel context.CancelFunc // of the current one
}

func newFailures(deliver func(context.Context, Failed, Ack) error) *failures {
	return &failures{deliver: deliver, changed: make(chan struct{})}
}

// add has a failure handed on, in place of an older one of the same key, and returns
// at once. It reports false where failures are not handed on. Done, which may be nil,
// is called once: with nil when the pipeline has accepted it, or when the object was
// delivered in the meantime; else with why not. It must not block.
func (f *failures) add(failed Failed, done func(error)) bool {
	if f.deliver == nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return false
	}
	i := slices.IndexFunc(f.queue, func(e *failing) bool { return e.Object.Key == failed.Object.Key })
	if i < 0 {
		i = len(f.queue)
		f.queue = append(f.queue, &failing{})
	}
	e := f.queue[i]
	e.Failed = failed
	if done != nil {
		e.done = append(e.done, done)
	}
	f.notify()
	return true
}

// notify is called with the lock held.
func (f *failures) notify() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// forget drops the failure of an object that was delivered, or is gone.
func (f *failures) forget(key string) {
	f.mu.Lock()
	var dropped []func(error)
	waiting := len(f.queue)
	f.queue = slices.DeleteFunc(f.queue, func(e *failing) bool {
		if e.Object.Key != key {
			return false
		}
		dropped = e.done
		return true
	})
	if f.current != nil && f.current.Object.Key == key {
		f.current.cancel()
	}
	if len(f.queue) < waiting {
		f.notify()
	}
	f.mu.Unlock()
	for _, done := range dropped {
		done(nil)
	}
}

// run hands failures on until ctx ends.
func (f *failures) run(ctx context.Context) {
	for f.until(ctx, func() bool { return len(f.queue) > 0 }) == nil {
		f.mu.Lock()
		if len(f.queue) == 0 { // it was forgotten
			f.mu.Unlock()
			continue
		}
		e := f.queue[0]
		f.queue = f.queue[1:]
		sending, cancel := context.WithCancel(ctx)
		e.cancel, f.current = cancel, e
		f.mu.Unlock()

		err := f.deliver(sending, e.Failed, func(_ context.Context, err error) error {
			e.settle(err)
			return nil
		})
		forgotten := sending.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case err == nil:
		case forgotten:
			e.settle(nil)
		default:
			e.settle(err)
		}
		f.mu.Lock()
		f.current = nil
		f.notify()
		f.mu.Unlock()
	}
	f.mu.Lock()
	rest := f.queue
	f.queue, f.ended = nil, true
	f.notify()
	f.mu.Unlock()
	for _, e := range rest {
		e.settle(ctx.Err())
	}
}

func (e *failing) settle(err error) {
	e.ended.Do(func() {
		for _, done := range e.done {
			done(err)
		}
	})
}

// handedOn returns when no failure waits, or when ctx ends.
func (f *failures) handedOn(ctx context.Context) error {
	return f.until(ctx, func() bool { return f.ended || len(f.queue) == 0 && f.current == nil })
}

// until returns when the condition holds, which is asked for with the lock held.
func (f *failures) until(ctx context.Context, holds func() bool) error {
	for {
		f.mu.Lock()
		ok, changed := holds(), f.changed
		f.mu.Unlock()
		if ctx.Err() != nil || ok {
			return ctx.Err()
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// hold yields the items of a sequence while not too many failures wait. What comes
// after ctx has ended is yielded too, so that it is released.
func (f *failures) hold(ctx context.Context, items iter.Seq2[fetch.Item, error]) iter.Seq2[fetch.Item, error] {
	if f.deliver == nil {
		return items
	}
	return func(yield func(fetch.Item, error) bool) {
		for item, err := range items {
			_ = f.until(ctx, func() bool { return f.ended || len(f.queue) < failuresWaiting })
			if !yield(item, err) {
				return
			}
		}
	}
}

// SendFailures hands on what failed for good until ctx ends, where [Options] ask for
// it.
func (s *Scope) SendFailures(ctx context.Context) {
	if s.Failed != nil {
		s.failures.run(ctx)
	}
}

// FailuresSent waits until everything that failed was handed on, or until ctx ends.
func (s *Scope) FailuresSent(ctx context.Context) { _ = s.failures.handedOn(ctx) }
