package input

import (
	"context"
	"fmt"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
	"github.com/seed75cbcda6/supabase-storage/input/internal/poll"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/changes"
)

// run makes all passes over the scope, or delivers what messages name in it.
func (r *reader) run(ctx context.Context) {
	opts, deleted := r.scopeOptions()
	scope := pass.NewScope(opts)
	r.late.Go(func() { scope.SendFailures(ctx) })
	if r.conf.Targets != nil {
		r.runTargets(ctx, scope, deleted)
		scope.FailuresSent(ctx)
		return
	}
	err := r.poll(ctx, &passes{reader: r, scope: scope}, scope)
	scope.FailuresSent(ctx)
	if err != nil && ctx.Err() != nil {
		err = errInterrupted
	}
	if err != nil {
		r.setCause(err)
	}
}

// poll makes passes over a scope as the plan says.
func (r *reader) poll(ctx context.Context, p poll.Passes, scope *pass.Scope) error {
	if recent := scope.Recent(); recent != nil {
		r.choice.Changes = recent
	}
	var last time.Time
	switch {
	case r.dueNow: // a time that is long past was missed
		last = time.Unix(0, 0)
	case r.ledger != nil:
		last = r.ledger.Stats().LastCompletePass
	}
	return poll.Run(ctx, poll.Options{
		Plan: r.conf.Plan, LastComplete: last, Passes: p, Choice: r.choice,
		Identity: func(ctx context.Context) string { return r.identity(ctx).Text() },
		OnDue: func(at time.Time) {
			if r.conf.Plan.Repeats() {
				r.meters.passDue(at)
			}
		},
	})
}

// passes makes the passes over a scope, and tells of them. It implements
// poll.Passes.
type passes struct {
	*reader
	scope *pass.Scope
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
	p.meters.fullPassEnded(took, report.Listed, err == nil && report.ListingComplete)
	if err != nil {
		err = fmt.Errorf("after %s listed: %w", object.Count(report.Listed), p.explain(ctx, err))
		p.sayEarlyEnd(err)
	} else {
		p.sayWhole()
		p.sayHeld(report.Held)
		p.sayPass(ctx, p.where(), report, took)
	}
	p.meters.passes.failed.Set(int64(p.failing.failures))
	return made.Left(), err
}

// Changes implements poll.Passes.
func (p *passes) Changes(ctx context.Context, due poll.Due, goOn func() error) (left bool, _ error) {
	made, took, err := p.make(ctx, pass.Task{Kind: pass.Changes, NextDue: due, GoOn: goOn})
	switch {
	case err == nil:
		p.meters.changesPolls.Incr(1)
		p.sayPass(ctx, "what changed in "+p.where(), made.Report(), took)
	case ctx.Err() == nil:
		p.log.Debugf("Asking for what changed in %s ended early, and all of it is listed instead: %v", p.where(), err)
	}
	return made.Left(), err
}

// Parked implements poll.Passes.
func (p *passes) Parked(ctx context.Context, due poll.Due) {
	made, took, err := p.make(ctx, pass.Task{Kind: pass.Waiting, NextDue: due})
	if err != nil && ctx.Err() == nil {
		p.log.Debugf("Trying the parked objects of %s again ended early: %v", p.where(), err)
		return
	}
	p.sayPass(ctx, "the parked objects of "+p.where(), made.Report(), took)
}

// NextParked implements poll.Passes.
func (p *passes) NextParked() time.Time { return p.scope.NextParked() }

// Parks implements poll.Passes.
func (p *passes) Parks() <-chan struct{} { return p.scope.Parks() }

// make runs a pass.
func (p *passes) make(ctx context.Context, t pass.Task) (made *pass.Pass, took time.Duration, err error) {
	began := time.Now()
	if !p.doubtful.Load() { // else there may be no keys any more
		who := p.identity(ctx)
		t.Identity = pass.Identity{Name: who.Text(), SeesAll: who.BypassesRLS()}
	}
	made = p.scope.NewPass(t)
	p.pass.Store(made)
	if p.enter != nil {
		leave, err := p.enter(ctx)
		if err != nil {
			return made, 0, err
		}
		defer leave()
	}
	p.underWay.Add(1)
	defer p.underWay.Add(-1)
	p.watcher.begin()
	p.meters.passBegan(t.Kind, p.expected())
	err = made.Run(ctx)
	p.stateRead(err)
	p.meters.passDone(t.Kind)
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

// scopeOptions say what the passes work on, and how a deletion is delivered.
func (r *reader) scopeOptions() (opts pass.Options, deleted func(context.Context, string, pass.Ack) error) {
	d := &delivery{
		scanner: r.conf.Scanner,
		labeller: labeller{
			bucket: r.conf.Project.Bucket, prefix: r.conf.Prefix,
			projectRef: r.conf.Project.Ref, folders: r.folders(), userMetadata: r.conf.UserMetadata != config.NoMetadata,
			onMissingMeta: r.watcher.MissingMeta,
		},
		metadata: r.metadataAsker(),
		keeper:   r.keeper,
		out:      r.out,
		place:    r.place(), references: r.conf.References,
	}
	listed := r.listing(r.conf.Filter.ListPrefix())
	if r.conf.References && r.ledger == nil {
		// References wait for the pipeline alone, so that the listing is always ahead of
		// it. Without a ledger nothing gains from longer ranges.
		listed.RangeSize = plane.PageKeys
	}
	opts = pass.Options{
		Source: pass.Source{
			Listing: listed,
			Filter:  r.conf.Filter,
		},
		Fetcher: r.fetcher,
		Deliver: d.deliver,
		Ledger:  r.ledger,
		ParkFor: r.parkFor,
		Deletes: pass.Deletes{Listed: r.client.Listed, MaxRatio: r.conf.MaxDeleteRatio},

		Removals: r.removals,
		Watcher:  r.watcher,

		ParkedNow: r.meters.parkedBy,
	}
	if r.changes != nil {
		opts.Source.Feed = r.changes
	}
	if r.conf.EmitFailures {
		opts.Failed = d.deliverFailure
	}
	deleted = func(ctx context.Context, key string, ack pass.Ack) error {
		return d.deliverDeletion(ctx, key, func(ctx context.Context, refused error) error {
			if refused == nil {
				r.meters.deleted.Incr(1)
			}
			return ack(ctx, refused)
		})
	}
	if r.conf.EmitDeletes {
		opts.Deletes.Deliver = deleted
	}
	return opts, deleted
}

// folders are in front of the keys in the names of files.
func (r *reader) folders() []string {
	if r.hub.conf.Projects != nil {
		return []string{r.conf.Project.Ref, r.conf.Project.Bucket}
	}
	return []string{r.conf.Project.Bucket}
}

// metadataAsker is who is asked for the metadata that answers leave out, nil where
// nobody is to be, or can be.
func (r *reader) metadataAsker() metadataAsker {
	if r.conf.UserMetadata != config.FullMetadata {
		return nil
	}
	if r.metadata == nil {
		r.tells("no full metadata", r.log.Warn, r.log.Debug)("user_metadata is full, but with these credentials the server can't be asked for metadata that it does not send with the content: " +
			"that takes a JWT or a secret key. What it sends is added, and the rest is counted in " + metaMissingMeta)
	}
	return r.metadata
}

// parkFor is how long an object waits that is parked for the n-th time. A
// one-time run has no later pass, so the next run tries it in any case.
func (r *reader) parkFor(n int) time.Duration {
	if !r.conf.Plan.Repeats() {
		return 0
	}
	return poll.Pause(n)
}

// newChanges makes the client that asks for changes, nil where no pass would ask or
// the server is another than Supabase's, which has no REST API.
func (r *reader) newChanges() *changes.Client {
	if !r.conf.Plan.Repeats() || r.conf.Targets != nil {
		return nil
	}
	client, err := changes.New(changes.Options{
		Endpoint: r.conf.Project.Endpoint, Bucket: r.conf.Project.Bucket,
		Credentials: r.source.Credentials,
		TLS:         r.conf.TLS, Transport: r.conf.Transport,
		ConnectTimeout: r.conf.ConnectTimeout, Timeout: r.conf.ResponseTimeout + r.conf.IdleTimeout,
		Retry: r.conf.Retry, Gate: r.gate,
		OnRetry: func(err error) { r.retried("", err) },
		OnPage:  func(d time.Duration, _ int) { r.choice.PageAsked(d) },
	})
	if err != nil {
		return nil
	}
	return client
}

// newFetcher prepares the downloads of all passes, which end with ctx.
func (r *reader) newFetcher(ctx context.Context) *fetch.Fetcher {
	return fetch.New(ctx, fetch.Options{
		Source:       plane.NewProbing(r.client, r.conf.Filter.ListPrefix()),
		Limiter:      r.limiter,
		Room:         r.room,
		MaxDownloads: r.conf.MaxDownloads, CheapRanges: r.conf.Project.Hosted(),
		HoldsWhole: r.conf.WholeScanner, TakesWhole: r.conf.ToTheEnd,
		CheckUpTo: r.conf.VerifyUpTo,
		Retry:     r.conf.Retry, Meter: fetchMeter{endpointMeter{r.meters, r.endpoint}, r},
		References: r.references(),
	})
}

// identity is who the server treats this input as: nobody, where there are no
// credentials at the moment.
func (r *reader) identity(ctx context.Context) supabase.Identity {
	if _, err := r.source.Credentials(ctx); err != nil {
		return supabase.Identity{}
	}
	return r.project().Identity
}

// tellState sets the gauges of the ledger.
func (r *reader) tellState() {
	if r.ledger != nil {
		s := r.ledger.Stats()
		r.meters.tracked.Set(s.Tracked)
		r.meters.parkedNow.Set(s.Parked)
		r.meters.lastCompletePass.Set(unixOrZero(s.LastCompletePass))
	}
}
