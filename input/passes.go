package input

import (
	"context"
	"fmt"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

const (
	// An object that was given up waits for parkedFirst, then for twice as long
	// each time it is given up again, up to parkedMost.
	parkedFirst = time.Minute
	parkedMost  = time.Hour
)

// run makes the passes of the plan until there is no further one.
func (r *reader) run(ctx context.Context) {
	plan := r.conf.plan
	first := plan.First(time.Now(), r.lastComplete())
	for next := first; ; {
		if retry.Sleep(ctx, time.Until(next)) != nil {
			r.setCause(errInterrupted)
			return
		}
		began := time.Now()
		r.turn(ctx)
		var again bool
		if next, again = plan.Next(first, began, time.Now()); !again {
			return
		}
	}
}

// turn makes the pass whose time has come. Where one that asks for changes does
// not come to its end, a full listing takes its place at once.
func (r *reader) turn(ctx context.Context) {
	recent, onlyChanged := r.turns.next(r.identity(ctx).Text())
	if onlyChanged && r.pollChanges(ctx, recent) {
		return
	}
	if recent, _ = r.turns.next(r.identity(ctx).Text()); ctx.Err() == nil {
		r.listAll(ctx, recent)
	}
}

// pollChanges makes a pass that asks for changes alone, and reports whether it
// came to its end, or is to come to none.
func (r *reader) pollChanges(ctx context.Context, recent *pass.Recent) bool {
	p, began := r.newPass(ctx, recent, true), time.Now()
	r.setPass(p)
	r.watcher.begin()
	r.askCost.reset()
	err := p.Run(ctx)
	r.watcher.ended()
	if err != nil && ctx.Err() != nil {
		r.setCause(errInterrupted)
		return true
	}
	r.turns.asked(r.askCost.reset(), err)
	r.tellState()
	if err != nil {
		r.log.Debugf("Asking for what changed in %s ended early, and all of it is listed instead: %v", r.where(), err)
		return false
	}
	r.meters.changesPolls.Incr(1)
	r.sayPass(ctx, "what changed in "+r.where(), p.Report(), time.Since(began))
	return true
}

// listAll makes a pass over everything, and looks at how it went while its
// context still lives.
func (r *reader) listAll(ctx context.Context, recent *pass.Recent) {
	p, began := r.newPass(ctx, recent, false), time.Now()
	r.setPass(p)
	r.watcher.begin()
	r.listCost.reset()
	err := p.Run(ctx)
	r.watcher.ended()
	if err != nil && ctx.Err() != nil {
		r.setCause(errInterrupted)
		return
	}
	report := p.Report()
	r.meters.passEnded(time.Since(began), err == nil && report.ListingComplete)
	r.tellState()
	switch {
	case err != nil && r.conf.plan.Repeats():
		r.log.Errorf("The pass over %s ended early, and is made again: after %s listed: %v", r.where(), objects(report.Listed), r.explain(ctx, err))
	case err != nil:
		err = fmt.Errorf("after %s listed: %w", objects(report.Listed), r.explain(ctx, err))
		r.setCause(err)
	default:
		r.watcher.listedAll()
		r.turns.sweptAll(recent, began, report.Listed, r.listCost.reset())
		r.sayPass(ctx, r.where(), report, time.Since(began))
	}
}

// newPass prepares a pass. It hands on to recent what a later one needs that
// asks for changes alone; nil where none will.
func (r *reader) newPass(ctx context.Context, recent *pass.Recent, onlyChanged bool) *pass.Pass {
	who := r.identity(ctx)
	d := &delivery{
		scanner: r.conf.scanner,
		labeller: labeller{
			bucket: r.conf.project.Bucket, prefix: r.conf.prefix,
			projectRef: r.conf.project.Ref, userMetadata: r.conf.userMetadata,
			onMissingMeta: r.watcher.MissingMeta,
		},
		keeper: r.keeper,
		out:    r.out,
	}
	opts := pass.Options{
		Listing: listing.Options{Pager: r.client, Prefix: r.conf.filter.ListPrefix(), Listers: r.listers},
		Match: func(obj bucket.Object) pass.Verdict {
			v := r.conf.filter.Match(obj, time.Now())
			out := pass.Verdict{Rule: v.Rule.String(), Pattern: v.Pattern}
			if v.Rule == filter.MinAge {
				out.Until = obj.LastModified.Add(r.conf.filter.MinAge())
			}
			return out
		},
		Fetch: fetch.Options{
			Source: r.client, MaxDownloads: r.conf.maxDownloads, BufferBytes: r.conf.bufferBytes,
			HoldsWhole: r.conf.wholeScanner, TakesWhole: r.conf.toTheEnd,
			Retry: r.conf.retry, Meter: r.meters,
		},
		Deliver: d.deliver,
		Ledger:  r.ledger,
		Recent:  recent, OnlyChanged: onlyChanged,
		ParkFor: r.parkFor,
		Deletes: pass.Deletes{
			Head: r.client.Head, MaxRatio: r.conf.maxDeleteRatio,
			SeesAll: who.BypassesRLS(), Viewer: who.Text(),
		},
		Watcher: r.watcher,
	}
	if r.conf.emitDeletes {
		opts.Deletes.Deliver = d.deliverDeletion
	}
	if r.conf.deleteObjects {
		opts.Remover = r.client
	}
	return pass.New(opts, r.removals)
}

// identity is whom the server takes this input for: nobody, where credentials
// cannot be had at the moment.
func (r *reader) identity(ctx context.Context) supabase.Identity {
	cred, err := r.source.Credentials(ctx)
	if err != nil {
		return supabase.Identity{}
	}
	return supabase.IdentityOf(cred)
}

// parkFor is how long an object waits that was given up for the n-th time. A
// one-time run has no later pass, so the next run tries it in any case.
func (r *reader) parkFor(n int) time.Duration {
	if !r.conf.plan.Repeats() {
		return 0
	}
	d := parkedFirst
	for range n - 1 {
		d = min(2*d, parkedMost)
	}
	return d
}

func (r *reader) currentPass() *pass.Pass {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pass
}

func (r *reader) setPass(p *pass.Pass) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pass = p
}

func (r *reader) setCause(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cause = err
}

func (r *reader) lastComplete() time.Time {
	if r.ledger == nil {
		return time.Time{}
	}
	return r.ledger.Stats().LastCompletePass
}

// tellState sets the gauges of the ledger.
func (r *reader) tellState() {
	if r.ledger != nil {
		s := r.ledger.Stats()
		r.meters.tracked.Set(s.Tracked)
		r.meters.parkedNow.Set(s.Parked)
	}
}

// checkpointed hears how a checkpoint went.
func (r *reader) checkpointed(err error) {
	if err != nil {
		r.log.Errorf("%s: %v; no more is delivered until it succeeds, since a restart would deliver it again", r.conf.state.field(), err)
	}
	r.tellState()
}
