package fetch

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// maxWaiting bounds how many objects of a run may wait for their next attempt.
// When so many fail, the endpoint is in trouble and no further object is begun.
const maxWaiting = 4096

// maxReady is how many objects of a run may wait for room. It is as many as a limiter
// begins with, so that a run gets its share of places that become free together.
const maxReady = 32

// fewAttempts is how often an object is tried whose failure is its own: its
// content is missing, or it is forbidden. Both happen for a moment while an
// object is replaced or a gateway starts; the pauses between four attempts add
// up to a few seconds.
const fewAttempts = 4

// Run downloads one sequence of objects.
type Run struct {
	*Fetcher
	member  *member
	stop    context.CancelFunc
	workers sync.WaitGroup
	jobs    chan attempt // to a worker that is idle
	ended   chan attempt
	listed  chan struct{}
	done    chan struct{}
	err     error // once done is closed

	// What follows belongs to the goroutine of loop, listErr until listed is closed.
	waiting retryQueue
	ready   []*attempt // to begin in this order, as soon as there is room
	active  int
	listErr error
}

// Listed is closed when the sequence is at its end: from then on the run only
// has to finish what it began.
func (r *Run) Listed() <-chan struct{} { return r.listed }

// Done is closed when every object was handed on, failed, or was released.
func (r *Run) Done() <-chan struct{} { return r.done }

// Err is why the run ended early, once Done is closed: the error of the
// sequence, after the objects before it were done with, keys that the endpoint
// no longer accepts, an endpoint that stays down, or the end of the context.
func (r *Run) Err() error { return r.err }

// SequenceErr is the error that ended the sequence, once Listed is closed.
func (r *Run) SequenceErr() error { return r.listErr }

// attempt is one object on its way through the run.
type attempt struct {
	Item
	failures int
	grant
	due time.Time
	err error
	// doubt is what the last attempt brought where it did not prove to be the
	// object, and stale what was waited for a cache.
	doubt doubt
	stale stale
}

// listed is an object of the sequence, or the error that ended it.
type listed struct {
	item Item
	err  error
}

// listAhead pulls the sequence in a goroutine of its own, so that a slow page
// delays neither retries nor downloads under way. So many objects may wait in the
// channel: where ctx ends, its receiver releases them.
func (r *Run) listAhead(ctx context.Context, items iter.Seq2[Item, error], waiting int) <-chan listed {
	out := make(chan listed, waiting)
	r.workers.Go(func() {
		defer close(out)
		for item, err := range items {
			select {
			case out <- listed{item, err}:
			case <-ctx.Done():
				if err == nil {
					item.Claim.Release()
				}
				return
			}
			if err != nil {
				return
			}
		}
	})
	return out
}

// loop owns the state of the run: it starts attempts while there is room, and
// receives their results.
func (r *Run) loop(ctx context.Context, items <-chan listed) error {
	defer r.releaseRest()
	outages, _ := r.opts.Limiter.Outages()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if n, lasted := r.opts.Limiter.Outages(); n != outages {
			if lasted != nil {
				return lasted
			}
			outages = n
			r.waiting.allDue(time.Now())
		}
		r.startReady(ctx)
		if items == nil && r.active == 0 && len(r.ready) == 0 && r.waiting.Len() == 0 {
			return r.listErr
		}
		next := items
		if len(r.ready) >= maxReady || r.waiting.Len() >= maxWaiting {
			next = nil
		}
		if r.waiting.Len() > 0 && len(r.ready) < maxReady {
			timer.Reset(time.Until(r.waiting.next()))
		} else {
			timer.Stop()
		}
		select {
		case l, ok := <-next:
			switch {
			case ok && l.err == nil:
				r.begin(&attempt{Item: l.item})
			default:
				r.listErr, items = l.err, nil
				close(r.listed)
			}
		case a := <-r.ended:
			if err := r.settle(a); err != nil {
				return err
			}
		case <-r.member.freed:
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// releaseRest gives back what was not begun. What is under way is given back by
// its worker.
func (r *Run) releaseRest() {
	r.member.withdraw()
	for _, a := range r.ready {
		a.Claim.Release()
	}
	for r.waiting.Len() > 0 {
		r.waiting.pop().Claim.Release()
	}
}

// startReady begins what has room. Objects whose retry is due ask for it before the
// next of the sequence.
func (r *Run) startReady(ctx context.Context) {
	for r.retryDue() && len(r.ready) < maxReady {
		r.begin(r.waiting.pop())
	}
	for len(r.ready) > 0 {
		g, ok := r.member.collect()
		if !ok {
			return
		}
		a := *r.ready[0]
		a.grant, r.ready = g, slices.Delete(r.ready, 0, 1)
		r.active++
		r.start(ctx, a)
	}
}

// begin has an object wait for room.
func (r *Run) begin(a *attempt) {
	r.ready = append(r.ready, a)
	r.member.ask(a.Size)
}

// retryDue reports whether an object waits for no more than room.
func (r *Run) retryDue() bool {
	return r.waiting.Len() > 0 && !r.waiting.next().After(time.Now())
}

// start gives an attempt to an idle worker, or to a new one: there are as many
// as attempts were ever under way together.
func (r *Run) start(ctx context.Context, a attempt) {
	select {
	case r.jobs <- a:
	default:
		r.workers.Go(func() { r.work(ctx, a) })
	}
}

func (r *Run) work(ctx context.Context, a attempt) {
	for {
		a.err = r.attempt(ctx, &a)
		if a.err != nil && ctx.Err() == nil {
			a.place.Failed(a.err)
		}
		r.member.exit(a.grant)
		select {
		case r.ended <- a:
		case <-ctx.Done():
			if a.err != nil && !errors.Is(a.err, errSettled) {
				a.Claim.Release()
			}
			return
		}
		select {
		case a = <-r.jobs:
		case <-ctx.Done():
			return
		}
	}
}

// errSettled is the end of an attempt whose claim is settled already.
var errSettled = errors.New("settled")

// settle decides what the result of an attempt means. Only what ends the whole
// run is returned.
func (r *Run) settle(a attempt) error {
	r.active--
	var changed *changedError
	switch {
	case a.err == nil, errors.Is(a.err, errSettled):
		return nil
	case errors.Is(a.err, errResolved):
		r.waiting.push(attempt{Item: a.Item, failures: a.failures})
		return nil
	case errors.As(a.err, &changed) && !r.exhausted(a):
		// The listing shows another version: begin again under the right charge.
		if a.Claim.Changed(changed.now) {
			r.opts.Meter.Retried(a.err)
			r.waiting.push(attempt{Item: Item{Object: changed.now, Claim: a.Claim}, failures: a.failures + 1})
		}
		return nil
	case errors.Is(a.err, errKeysRefused):
		a.Claim.Release()
		return a.err
	case errors.Is(a.err, object.ErrStale):
		r.opts.Meter.Retried(a.err)
		r.waiting.push(attempt{Item: a.Item, failures: a.failures, doubt: a.doubt, stale: a.stale, due: time.Now().Add(a.stale.pause())})
		return nil
	case r.triesAgain(a):
		r.opts.Meter.Retried(a.err)
		a.failures++
		r.waiting.push(attempt{
			Item: a.Item, failures: a.failures, doubt: a.doubt, stale: a.stale,
			due: time.Now().Add(r.opts.Retry.Delay(a.failures)),
		})
		return nil
	}
	a.Claim.Fail(Failure{Object: a.Object, Err: a.err, Attempts: a.failures + 1})
	return nil
}

// exhausted reports whether the attempt was the last that there may be.
func (r *Run) exhausted(a attempt) bool { return r.opts.Retry.Exhausted(a.failures + 1) }

func (r *Run) triesAgain(a attempt) bool {
	switch {
	case r.exhausted(a):
		return false
	case errors.Is(a.err, object.ErrDenied), errors.Is(a.err, object.ErrMissingContent), errors.Is(a.err, object.ErrOversized):
		return a.failures+1 < fewAttempts
	}
	// What somebody else than the server says of an object, be it a refusal, passes.
	return object.Transient(a.err) || errors.Is(a.err, object.ErrNotS3) || errors.Is(a.err, object.ErrForeign)
}
