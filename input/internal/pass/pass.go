// Package pass makes one pass over a bucket: it lists, leaves out what the
// filter takes, has the rest downloaded and delivered, and accounts for every
// object it saw. It knows neither Benthos nor the S3 protocol.
package pass

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
)

// Lister lists a part of the bucket in byte order of its keys, with at most one
// error, which is the last element.
type Lister interface {
	List(ctx context.Context, r bucket.Range) iter.Seq2[bucket.Object, error]
}

// Verdict is what a filter says of an object.
type Verdict struct {
	// Rule is the name of the rule that leaves the object out, empty where it is
	// due.
	Rule string
	// Pattern is the glob that decided, where one did.
	Pattern string
}

// Ack settles one attempt at a download: nil means that everything in it was
// delivered, an error that the pipeline refused it.
type Ack func(ctx context.Context, err error) error

// Deliver hands everything in a download on, and has ack called once the
// pipeline is done with it. It returns nil when all was handed on.
type Deliver func(ctx context.Context, d *fetch.Download, ack Ack) error

// Options say what a pass works on.
type Options struct {
	Lister Lister
	Range  bucket.Range
	// Match says whether an object is due. It is called in listing order from
	// one goroutine.
	Match func(bucket.Object) Verdict
	Fetch fetch.Options
	// Deliver is called from several goroutines.
	Deliver Deliver
	// Remover deletes what was delivered; nil keeps everything.
	Remover Remover
	// Watcher hears of every object as it is accounted for.
	Watcher Watcher
}

// Watcher hears how each object ends, for metrics and log lines. Its methods
// are called from several goroutines and must not block.
type Watcher interface {
	Listed()
	Filtered(rule string)
	Delivered(obj bucket.Object)
	Vanished(obj bucket.Object)
	// Parked is told of an object that was given up in this pass, and why.
	Parked(obj bucket.Object, reason string, err error)
	// NotRemoved is told of a delivered object that could not be deleted.
	NotRemoved(obj bucket.Object, err error)
}

// Pass is one pass. Run it once.
type Pass struct {
	opts     Options
	tally    tally
	removals removals
	complete atomic.Bool
}

// New prepares a pass.
func New(opts Options) *Pass {
	return &Pass{
		opts:     opts,
		tally:    newTally(opts.Watcher),
		removals: newRemovals(opts.Remover),
	}
}

// Run returns once everything that is due has been handed on or given up; acks
// may come in long after. The error is what ended the pass early: the context,
// a listing that could not be completed, rejected credentials.
func (p *Pass) Run(ctx context.Context) error {
	return fetch.Run(ctx, p.opts.Fetch, p.due(ctx), p.attempt, p.failed)
}

// Wait returns when every delivery that was acked so far is wholly settled,
// deletions included, or when ctx ends.
func (p *Pass) Wait(ctx context.Context) error { return p.removals.wait(ctx) }

// Report accounts for every object up to now.
func (p *Pass) Report() Report {
	r := p.tally.report()
	r.ListingComplete = p.complete.Load()
	return r
}

// due lists the objects that the filter lets through.
func (p *Pass) due(ctx context.Context) iter.Seq2[bucket.Object, error] {
	return func(yield func(bucket.Object, error) bool) {
		for obj, err := range p.opts.Lister.List(ctx, p.opts.Range) {
			if err != nil {
				yield(bucket.Object{}, err)
				return
			}
			p.tally.listed()
			if v := p.opts.Match(obj); v.Rule != "" {
				p.tally.filtered(v)
				continue
			}
			if !yield(obj, nil) {
				return
			}
		}
		p.complete.Store(true)
	}
}

// attempt hands one download on under a claim of its own.
func (p *Pass) attempt(ctx context.Context, d *fetch.Download) error {
	c := &claim{pass: p, object: d.Object}
	if err := p.opts.Deliver(ctx, d, c.ack); err != nil {
		c.abandon()
		return err
	}
	c.handedOn(ctx)
	return nil
}

// failed accounts for an object that fetch gave up.
func (p *Pass) failed(f fetch.Failure) {
	if errors.Is(f.Err, bucket.ErrNotFound) {
		p.tally.vanished(f.Object)
		return
	}
	p.tally.parked(f.Object, reason(f.Err), f.Err)
}

// reason is the word under which a parked object is counted.
func reason(err error) string {
	switch {
	case errors.Is(err, ErrRejected):
		return "rejected"
	case errors.Is(err, ErrUnreadable):
		return "scanner"
	default:
		return bucket.Cause(err)
	}
}

var (
	// ErrRejected means that the pipeline nacked the object's messages and that
	// nacks are not replayed.
	ErrRejected = errors.New("rejected by the pipeline")
	// ErrUnreadable means that the scanner could not make messages of the
	// object's content. Whoever delivers wraps it.
	ErrUnreadable = errors.New("the scanner could not read the content")
)
