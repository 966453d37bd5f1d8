package scope

import (
	"context"
	"fmt"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
	"github.com/seed75cbcda6/supabase-storage/input/internal/poll"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

// run makes all passes over the scope, or delivers what messages name in it.
func (s *Scope) run(ctx context.Context) {
	opts, deleted := s.passOptions()
	scope := pass.NewScope(opts)
	s.late.Go(func() { scope.SendFailures(ctx) })
	if s.Conf.Targets != nil {
		s.runTargets(ctx, scope, deleted)
		scope.FailuresSent(ctx)
		return
	}
	err := s.poll(ctx, &passes{Scope: s, over: scope}, scope)
	scope.FailuresSent(ctx)
	if err != nil && ctx.Err() != nil {
		err = ErrInterrupted
	}
	if err != nil {
		s.SetCause(err)
	}
}

// poll makes passes over a scope as the plan says.
func (s *Scope) poll(ctx context.Context, p poll.Passes, scope *pass.Scope) error {
	if recent := scope.Recent(); recent != nil {
		s.Choice.Changes = recent
	}
	var last time.Time
	switch {
	case s.opts.DueNow: // a time that is long past was missed
		last = time.Unix(0, 0)
	case s.ledger != nil:
		last = s.ledger.Stats().LastCompletePass
	}
	return poll.Run(ctx, poll.Options{
		Plan: s.Conf.Plan, LastComplete: last, Passes: p, Choice: s.Choice,
		Identity: func(ctx context.Context) string { return s.identity(ctx).Text() },
		OnDue: func(at time.Time) {
			if s.Conf.Plan.Repeats() {
				s.Meters.PassDue(at)
			}
		},
	})
}

// passes makes the passes over a scope, and tells of them. It implements
// poll.Passes.
type passes struct {
	*Scope
	over *pass.Scope
	// hinted says that a pass has come to its end, and held is how many missing objects
	// were told of last. Both belong to the loop.
	hinted bool
	held   int64
	// listed is how many objects the last complete full pass listed, 0 before it.
	listed int64
}

var _ poll.Passes = (*passes)(nil)

// List implements poll.Passes. The error says how far the pass came.
func (p *passes) List(ctx context.Context, due poll.Due, remember bool) (left bool, _ error) {
	made, took, err := p.make(ctx, pass.Task{Kind: pass.Full, Remember: remember, NextDue: due})
	report := made.Report()
	if err != nil && ctx.Err() != nil {
		return false, err
	}
	if err == nil {
		p.listed = report.Listed
	}
	p.Meters.FullPassEnded(took, report.Listed, err == nil && report.ListingComplete)
	if err != nil {
		err = fmt.Errorf("after %s listed: %w", object.Count(report.Listed), p.Explain(ctx, err))
		p.sayEarlyEnd(err)
	} else {
		p.sayWhole()
		p.sayHeld(report.Held)
		p.sayPass(ctx, p.Where(), report, took)
	}
	p.Meters.PassesFailed.Set(int64(p.failing.Failures()))
	return made.Left(), err
}

// Changes implements poll.Passes.
func (p *passes) Changes(ctx context.Context, due poll.Due, goOn func() error) (left bool, _ error) {
	made, took, err := p.make(ctx, pass.Task{Kind: pass.Changes, NextDue: due, GoOn: goOn})
	switch {
	case err == nil:
		p.Meters.ChangesPolls.Incr(1)
		p.sayPass(ctx, "what changed in "+p.Where(), made.Report(), took)
	case ctx.Err() == nil:
		p.Log.Debugf("Asking for what changed in %s ended early, and all of it is listed instead: %v", p.Where(), err)
	}
	return made.Left(), err
}

// Parked implements poll.Passes.
func (p *passes) Parked(ctx context.Context, due poll.Due) {
	made, took, err := p.make(ctx, pass.Task{Kind: pass.Waiting, NextDue: due})
	if err != nil && ctx.Err() == nil {
		p.Log.Debugf("Trying the parked objects of %s again ended early: %v", p.Where(), err)
		return
	}
	p.sayPass(ctx, "the parked objects of "+p.Where(), made.Report(), took)
}

// NextParked implements poll.Passes.
func (p *passes) NextParked() time.Time { return p.over.NextParked() }

// Parks implements poll.Passes.
func (p *passes) Parks() <-chan struct{} { return p.over.Parks() }

// make runs a pass.
func (p *passes) make(ctx context.Context, t pass.Task) (made *pass.Pass, took time.Duration, err error) {
	began := time.Now()
	if !p.doubtful.Load() { // else there may be no keys any more
		who := p.identity(ctx)
		t.Identity = pass.Identity{Name: who.Text(), SeesAll: who.BypassesRLS()}
	}
	if p.Endpoint.opts.Begin != nil {
		room, leave, err := p.Endpoint.opts.Begin(ctx)
		if err != nil {
			made = p.over.NewPass(t)
			p.pass.Store(made)
			return made, 0, err
		}
		defer leave()
		t.Room = room
	}
	made = p.over.NewPass(t)
	p.pass.Store(made)
	p.making(1)
	defer p.making(-1)
	p.watcher.begin()
	p.Meters.PassBegan(t.Kind, p.expected())
	err = made.Run(ctx)
	p.stateRead(err)
	p.Meters.PassDone(t.Kind)
	p.watcher.ended()
	p.tellState()
	if made.Left() {
		p.late.Go(func() { p.sayLate(made) })
	}
	return made, time.Since(began), err
}

// expected is how many objects a full pass will probably list: as many as the last one,
// or those that were delivered by an earlier process; 0 where neither is known.
func (p *passes) expected() int64 {
	if p.listed == 0 && p.ledger != nil {
		return p.ledger.Stats().Tracked
	}
	return p.listed
}

// identity is who the server treats this input as: nobody, where there are no
// credentials at the moment.
func (s *Scope) identity(ctx context.Context) supabase.Identity {
	if _, err := s.Keys.Credentials(ctx); err != nil {
		return supabase.Identity{}
	}
	return s.project().Identity
}
