// Package fetch downloads a sequence of objects: many at a time, under a
// budget of bytes, each retried on its own so that a slow or failing object
// holds back nothing but itself. It does not know where the objects come from,
// nor what becomes of their bytes.
//
//	fetch.go     Options, Run: objects wait, begin, are tried again, or given up
//	queue.go     those that wait for their next attempt
//	room.go      what all share: places of the window, bytes of the budget
//	window.go    how many requests may be under way
//	budget.go    what an object counts for
//	download.go  one attempt at an object
//	body.go      one version, read from its first byte to its last
//	ahead.go     the parts that follow, read side by side
//	trial.go     a first part beside an answer, to see whether parts pay
//	trip.go      what the reading of one large object tells
//	worth.go     whether parts pay
//	buffers.go   the memory of parts, used again and again
package fetch

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// maxWaiting bounds how many objects may wait for their next attempt. When so
// many fail, the endpoint is in trouble and no further object is begun.
const maxWaiting = 4096

// briefAttempts is how often an object is tried that is not worth waiting for.
const briefAttempts = 3

// Source is where objects are read from.
type Source interface {
	// Open makes one request for the object from offset to its end.
	Open(ctx context.Context, key string, offset int64) (*bucket.Content, error)
	// OpenRange makes one request for at most length bytes from offset on.
	OpenRange(ctx context.Context, key string, offset, length int64) (*bucket.Content, error)
	// Head tells whether the object is there without reading it.
	Head(ctx context.Context, key string) (bucket.Object, error)
}

// Deliver hands one download on. It returns nil once everything in it was
// handed on, or the error that stopped it; the download is closed by its
// caller. It may be called again with the same object after an error.
type Deliver func(ctx context.Context, d *Download) error

// Failure is an object that is given up for this run.
type Failure struct {
	Object bucket.Object
	// Err is what the last attempt failed with; bucket.ErrNotFound means that
	// the object vanished after it was listed.
	Err error
	// Attempts is how many there were.
	Attempts int
}

// Meter hears what goes on. Its methods are called from several goroutines and
// must not block.
type Meter interface {
	// Retried is told of every failure that is followed by another attempt.
	Retried(err error)
	// InFlight, Buffered and Window are told the new value on every change: the
	// requests under way, the bytes of the budget in use, and how many requests
	// may be under way.
	InFlight(downloads int)
	Buffered(bytes int64)
	Window(downloads int)
}

// Options say how to download. All are required but MaxDownloads and Brief.
type Options struct {
	Source Source
	// MaxDownloads is how many requests may be under way at a time, those for
	// parts of large objects included; 0 adapts the number to what the endpoint
	// bears.
	MaxDownloads int
	// BufferBytes bounds the bytes that downloads under way may hold.
	BufferBytes int64
	// HoldsWhole says that whoever takes the downloads holds each one whole in
	// memory, so that its full size counts against BufferBytes.
	HoldsWhole bool
	// TakesWhole says that whoever takes the downloads prefers Download.Whole to
	// a body, wherever it fits. It implies HoldsWhole.
	TakesWhole bool
	Retry      retry.Policy
	// Brief says of which objects no more than a few attempts are made, whatever
	// Retry allows, so that the run does not last for their sake. It is called
	// from one goroutine; nil is none.
	Brief func(bucket.Object) bool
	Meter Meter
}

// Run downloads every object of the sequence and hands each to deliver, from
// several goroutines at a time. An object that can't be had is told to failed,
// which Run calls from one goroutine only. Run returns when all objects are
// handed on or failed; an error of the sequence is returned after the objects
// before it are done with, and rejected credentials end the run at once.
func Run(ctx context.Context, opts Options, objects iter.Seq2[bucket.Object, error], deliver Deliver, failed func(Failure)) error {
	ctx, stop := context.WithCancel(ctx)
	r := &run{
		opts: opts, deliver: deliver, failed: failed, room: newRoom(opts),
		jobs: make(chan attempt), ended: make(chan attempt),
	}
	defer r.room.end()
	defer r.group.Wait()
	defer stop()
	return r.loop(ctx, r.listAhead(ctx, objects))
}

// attempt is one object on its way through the run.
type attempt struct {
	object   bucket.Object
	failures int
	charge   int64
	ticket   ticket
	due      time.Time
	err      error
}

type run struct {
	opts    Options
	deliver Deliver
	failed  func(Failure)
	room    *room
	worth   worth
	buffers buffers

	// What follows belongs to the goroutine of loop.
	waiting retryQueue
	held    *attempt // next to begin, as soon as there is room
	coming  *attempt // next of the listing
	active  int
	listErr error

	group sync.WaitGroup
	jobs  chan attempt // to a worker that is idle
	ended chan attempt
}

// listed is an object of the sequence, or the error that ended it.
type listed struct {
	object bucket.Object
	err    error
}

// listAhead pulls the sequence in a goroutine of its own, so that a slow page
// delays neither retries nor downloads under way.
func (r *run) listAhead(ctx context.Context, objects iter.Seq2[bucket.Object, error]) <-chan listed {
	out := make(chan listed)
	r.group.Go(func() {
		defer close(out)
		for obj, err := range objects {
			select {
			case out <- listed{obj, err}:
			case <-ctx.Done():
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
// takes their results.
func (r *run) loop(ctx context.Context, objects <-chan listed) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		r.startReady(ctx)
		if objects == nil && r.active == 0 && r.held == nil && r.coming == nil && r.waiting.Len() == 0 {
			return r.listErr
		}
		next := objects
		if r.coming != nil || r.waiting.Len() >= maxWaiting {
			next = nil
		}
		// With nothing to hold its place a retry that is due can begin.
		if r.waiting.Len() > 0 && r.held == nil && r.room.hasPlace() {
			timer.Reset(time.Until(r.waiting.next()))
		} else {
			timer.Stop()
		}
		select {
		case item, ok := <-next:
			switch {
			case !ok:
				objects = nil
			case item.err != nil:
				r.listErr, objects = item.err, nil
			default:
				r.coming = &attempt{object: item.object}
			}
		case a := <-r.ended:
			if err := r.settle(a); err != nil {
				return err
			}
		case <-r.room.freed:
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// startReady begins what may begin: first the objects whose retry is due, then
// the next of the listing.
func (r *run) startReady(ctx context.Context) {
	defer func() { r.room.queue(r.held != nil || r.coming != nil || r.retryDue()) }()
	for r.room.hasPlace() {
		switch {
		case r.held != nil:
		case r.retryDue():
			r.held = r.waiting.pop()
		default:
			r.held, r.coming = r.coming, nil
		}
		if r.held == nil {
			return
		}
		charge, t, ok := r.room.enter(r.held.object.Size)
		if !ok {
			return
		}
		a := *r.held
		a.charge, a.ticket, r.held = charge, t, nil
		r.active++
		r.start(ctx, a)
	}
}

// retryDue reports whether an object waits for no more than room.
func (r *run) retryDue() bool {
	return r.waiting.Len() > 0 && !r.waiting.next().After(time.Now())
}

// start gives an attempt to an idle worker, or to a new one: there are as many
// as attempts were ever under way together.
func (r *run) start(ctx context.Context, a attempt) {
	select {
	case r.jobs <- a:
	default:
		r.group.Go(func() { r.work(ctx, a) })
	}
}

func (r *run) work(ctx context.Context, a attempt) {
	for {
		a.err = r.try(ctx, a)
		select {
		case r.ended <- a:
		case <-ctx.Done():
			return
		}
		select {
		case a = <-r.jobs:
		case <-ctx.Done():
			return
		}
	}
}

// settle takes the result of an attempt. Only what ends the whole run is
// returned.
func (r *run) settle(a attempt) error {
	r.active--
	r.room.give(a.charge)
	size := a.object.Size
	if size > wholeBytes {
		size = untimed
	}
	r.room.leave(a.ticket, size, a.err)

	var grown *grownError
	switch {
	case a.err == nil:
	case errors.As(a.err, &grown) && !r.opts.Retry.Exhausted(a.failures+1):
		// The listing showed another one: begin again under the right charge.
		r.waiting.push(attempt{object: grown.now, failures: a.failures + 1})
	case errors.Is(a.err, bucket.ErrCredentials):
		return a.err
	case bucket.Transient(a.err) && r.triesAgain(a.object, a.failures+1):
		r.retry(a)
	default:
		r.failed(Failure{Object: a.object, Err: a.err, Attempts: a.failures + 1})
	}
	return nil
}

// triesAgain reports whether there is to be another attempt after so many that
// failed.
func (r *run) triesAgain(obj bucket.Object, failures int) bool {
	if r.opts.Retry.Exhausted(failures) {
		return false
	}
	return failures < briefAttempts || r.opts.Brief == nil || !r.opts.Brief(obj)
}

func (r *run) retry(a attempt) {
	r.opts.Meter.Retried(a.err)
	a.failures++
	r.waiting.push(attempt{
		object: a.object, failures: a.failures,
		due: time.Now().Add(r.opts.Retry.Delay(a.failures)),
	})
}
