package input

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/fleet"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/outage"
	"github.com/seed75cbcda6/supabase-storage/input/internal/poll"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/scope"
)

// scoped is one scope of several. It implements fleet.Scope.
type scoped struct {
	*scope.Scope
	from   *source
	bucket string
	// gone says that the bucket is gone, left that its project is not to be read any more,
	// and ended that a one-time run has read it to its end. Failed says that the last thing
	// that was tried did not work; if that was a pass (early), only a pass that comes to its
	// end shows that it works again.
	gone, left, failed, early, ended atomic.Bool
	// denials counts how often, one after the other, the server said that there is no such
	// bucket.
	denials atomic.Int64

	// What follows belongs to the teller. Trouble is what fails with this bucket alone.
	// Alike is its error without the bucket's name, under which teller.alike counts it, ""
	// while it is not counted. Quiet says that its failure is logged only at DEBUG, so its
	// end is, too.
	trouble outage.Lines
	alike   string
	quiet   bool
}

func (s *scoped) name() ScopeName { return nameOf(s.from.of, s.bucket) }

// Scope implements fleet.Source.
func (s *source) Scope(bucket string, late bool) (fleet.Scope, error) {
	conf := s.Endpoint.Conf.ForBucket(bucket)
	log := s.Endpoint.Log.With("bucket", bucket)
	made := &scoped{from: s, bucket: bucket, trouble: outage.Lines{Once: true}}
	of, err := scope.New(s.Endpoint, conf, log, s.in.Meters.Part(bucket, s.of.Ref), scope.Options{
		DueNow: late, Stir: s.in.teller.stir, OnWhole: made.works, OnEarly: made.endedEarly,
	})
	if err != nil {
		return nil, err
	}
	made.Scope = of
	made.Meters.ShowZerosOfScope()
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.in.readers = append(s.in.readers, made)
	delete(s.in.gone, s.of.Ref+"/"+bucket)
	delete(s.reached, bucket)
	return made, nil
}

// finds reports whether the buckets are those of a list.
func (s *source) finds() bool {
	_, named := s.in.named()
	return !named
}

// scope is the one of a bucket; nil if there is none, or the bucket is gone.
func (s *several) scope(ref, bucket string) *scoped {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.readers {
		if r.from.of.Ref == ref && r.bucket == bucket && !r.gone.Load() {
			return r
		}
	}
	return nil
}

// Run implements fleet.Scope.
func (s *scoped) Run(ctx context.Context) error {
	first := time.Now()
	for failures := 1; ctx.Err() == nil; failures++ {
		began := time.Now()
		err := s.attempt(ctx)
		if err != nil && !s.Conf.Plan.Repeats() && s.vanished(ctx, err) {
			return nil
		}
		if err == nil || ctx.Err() != nil || !s.Conf.Plan.Repeats() {
			s.ended.Store(err == nil && !s.Conf.Plan.Repeats())
			return err
		}
		pause := poll.Pause(failures)
		if next, ok := s.Conf.Plan.Next(first, began, time.Now()); ok {
			pause = min(pause, time.Until(next))
		}
		if retry.Sleep(ctx, pause) != nil {
			break
		}
	}
	return ctx.Err()
}

// attempt connects, and reads until ctx ends or the run does. Its error is told.
func (s *scoped) attempt(ctx context.Context) error {
	if err := s.reach(ctx); err != nil {
		if ctx.Err() == nil {
			s.SetCause(err)
			s.from.in.teller.fails(s, err) //nolint:contextcheck // what it may ask has a time of its own
		}
		return err
	}
	if !s.early.Load() {
		s.works() //nolint:contextcheck // the book is written in a time of its own
	}
	s.Begin(ctx, func() {})
	<-s.Done()
	err := s.Cause()
	if err == nil || ctx.Err() != nil {
		return err
	}
	s.endedEarly(err) //nolint:contextcheck // as above
	if errors.Is(err, ledger.ErrLost) {
		s.from.in.EndWith(err) // nothing can be delivered any more
	}
	if s.Conf.Plan.Repeats() {
		s.Reopen() //nolint:contextcheck // each step of an end has a time of its own
	}
	return err
}

// vanished reports whether the bucket was deleted since it was found, by another list.
// The next run tells of its objects, where deletions are told.
func (s *scoped) vanished(ctx context.Context, err error) bool {
	if !s.from.finds() || !errors.Is(err, object.ErrNoBucket) {
		return false
	}
	now, err := s.from.Buckets(ctx)
	if err != nil || slices.Contains(now, s.bucket) {
		return false
	}
	s.gone.Store(true)
	s.failed.Store(false)
	s.Forgive()
	s.Log.Infof("%s is gone: it was deleted since the run began", begins(s.name()))
	return true
}

// reach does what a run needs before it begins.
func (s *scoped) reach(ctx context.Context) error {
	if _, err := s.Keys.Credentials(ctx); err != nil { // perhaps for long, without a turn
		return err
	}
	leave, err := s.from.turn.Enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	err, _ = s.Reach(ctx)
	return err
}

// works is called when the scope was reached, and after each pass that came to its end.
func (s *scoped) works() {
	s.early.Store(false)
	s.denials.Store(0)
	s.from.reaches(s.bucket)
	s.from.in.teller.works(s)
}

// endedEarly is called when a pass was begun and did not come to its end.
func (s *scoped) endedEarly(err error) {
	s.early.Store(true)
	s.from.in.teller.fails(s, err)
}

// Idle implements fleet.Scope.
func (s *scoped) Idle() bool {
	last, _ := s.Last()
	return last.Unsettled() == 0
}

// Drop implements fleet.Scope: with emit_deletes, everything that was delivered from the
// bucket is found missing by passes over a listing that shows nothing, under the same
// care as in any other pass.
//
// The book has it as gone when nothing of it is left to be told. Until then another
// process goes on with it.
func (s *scoped) Drop(ctx context.Context) {
	s.gone.Store(true)
	if s.Conf.EmitDeletes && s.Conf.Remembers() {
		told, err := s.Scope.Drop(ctx)
		if err != nil && ctx.Err() == nil {
			s.from.in.teller.fails(s, err) //nolint:contextcheck // as above
		}
		if !told {
			return
		}
	}
	s.from.in.teller.write(s.from, time.Now(), s.bucket) //nolint:contextcheck // it has a time of its own
}

// Close implements fleet.Scope.
func (s *scoped) Close(context.Context) error {
	err := s.Scope.Close() //nolint:contextcheck // as above
	m := s.from.in.teller
	m.mu.Lock()
	m.settles(s)
	m.mu.Unlock()
	s.from.in.forget(s)
	m.stir()
	s.Meters.Leave()
	return err
}
