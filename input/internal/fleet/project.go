package fleet

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/poll"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// project is one project of a fleet.
type project struct {
	fleet  *Fleet
	of     Project
	source Source
	stop   context.CancelFunc // nil until it has begun; it belongs to Run
	ended  chan struct{}
	ending bool // it was deleted, or is not to be read; it belongs to Run
	back   bool // it had left
	// late says that buckets which are found from now on are late.
	late bool
	// recalled says that all is open that the source remembers.
	recalled bool
	// looked says that Connect has looked, and run need not at first. Listed are the
	// buckets that the last look has found.
	looked bool
	listed []string

	// dropping are the buckets that are gone and not closed yet.
	dropping sync.WaitGroup

	mu     sync.Mutex
	scopes map[string]*scope // by bucket
	// dropped are the buckets that are gone.
	dropped map[string]bool
}

// run looks with every pass which buckets there are, and keeps them running.
func (p *project) run(ctx context.Context) {
	defer p.wait()
	plan, first, failures := p.fleet.o.Plan, time.Now(), 0
	for {
		began := time.Now()
		err := error(nil)
		if !p.looked {
			err = p.look(ctx)
		}
		p.looked = false
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			p.letGo(ctx)
		}
		p.start(ctx)
		failures++
		switch {
		case err == nil:
			failures = 0
		default:
			p.fleet.o.Watcher.ProjectFailed(p.of, err)
		}
		p.late = p.late || err == nil
		next, more := plan.Next(first, began, time.Now())
		if !more {
			return
		}
		pause := time.Until(next)
		if failures > 0 {
			pause = min(pause, poll.Pause(failures))
		}
		if retry.Sleep(ctx, pause) != nil {
			return
		}
	}
}

// look takes in which buckets there are. It ends nothing: what is gone is told of by a
// run, which outlives Connect.
func (p *project) look(ctx context.Context) error {
	if err := p.source.Ready(ctx); err != nil {
		return err
	}
	names, err := p.source.Buckets(ctx)
	if err != nil {
		return err
	}
	err = errors.Join(p.openAll(names), p.recall())
	p.fleet.o.Watcher.ProjectLooked(p.of, len(names))
	p.looked, p.listed = true, names
	return err
}

// recall prepares what an earlier process has read, once.
func (p *project) recall() error {
	if p.recalled {
		return nil
	}
	err := p.openAll(p.source.Remembered())
	p.recalled = err == nil
	return err
}

// halt has the project end, and returns when it has.
func (p *project) halt() {
	p.ending = true
	if p.stop != nil {
		p.stop()
		<-p.ended
	}
}

func (p *project) openAll(buckets []string) error {
	var errs []error
	for _, name := range buckets {
		errs = append(errs, p.open(name))
	}
	return errors.Join(errs...)
}

// letGo ends the buckets that the last look has not found.
func (p *project) letGo(ctx context.Context) {
	for _, s := range p.all() {
		if !slices.Contains(p.listed, s.bucket) {
			p.missing(ctx, s)
		}
	}
}

// open prepares a bucket, unless it is there.
func (p *project) open(bucket string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, there := p.scopes[bucket]; there {
		return nil
	}
	run, err := p.source.Scope(bucket, p.late)
	if err != nil {
		return err
	}
	p.scopes[bucket] = &scope{bucket: bucket, run: run}
	p.fleet.o.Watcher.Began(p.of, bucket, p.late, p.back || p.dropped[bucket])
	delete(p.dropped, bucket)
	return nil
}

// missing ends a bucket that is no longer listed, if the server says of the bucket itself
// that there is none.
func (p *project) missing(ctx context.Context, s *scope) {
	if s.ending {
		return
	}
	if gone, err := p.source.Gone(ctx, s.bucket); err != nil || !gone {
		return
	}
	s.ending = true
	s.end()
	p.fleet.o.Watcher.Gone(p.of, s.bucket)
	p.dropping.Go(func() {
		s.run.Drop(ctx)
		p.mu.Lock()
		delete(p.scopes, s.bucket)
		p.dropped[s.bucket] = true
		p.mu.Unlock()
		s.closeIdle(ctx)
	})
}

func (p *project) all() []*scope {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Values(p.scopes))
}

// start begins the buckets that have not begun.
func (p *project) start(ctx context.Context) {
	for _, s := range p.all() {
		if !s.ending {
			s.start(ctx)
		}
	}
}

// wait returns when no bucket is being read.
func (p *project) wait() {
	for _, s := range p.all() {
		s.wait()
	}
	p.dropping.Wait()
}
