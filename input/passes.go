package input

import (
	"context"
	"fmt"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/s3"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

const (
	// A parked object waits for parkedFirst, then for twice as long each time that
	// it is parked again, up to parkedMost. So does a pass that failed.
	parkedFirst = time.Minute
	parkedMost  = time.Hour
	// earlyEvery is the least time between the passes that are made for parked
	// objects before the plan has one.
	earlyEvery = 10 * time.Second
)

// run makes the passes of the plan until there is no further one. A pass that
// failed is made again before the plan says so, and parked objects are tried
// again when their time has come.
func (r *reader) run(ctx context.Context) {
	plan := r.conf.plan
	first := plan.First(time.Now(), r.lastComplete())
	failures, notBefore := 0, time.Time{}
	for planned := first; ; {
		next, parked := planned, false
		if at := later(r.shared.NextParked(), notBefore); !r.shared.NextParked().IsZero() && at.Before(planned) {
			next, parked = at, true
		}
		if retry.Sleep(ctx, time.Until(next)) != nil {
			r.setCause(errInterrupted)
			return
		}
		if parked {
			notBefore = time.Now().Add(earlyEvery)
			r.tryParked(ctx, func() time.Time { return planned })
			continue
		}
		began := time.Now()
		due := func() time.Time {
			planned, _ = plan.Next(first, began, time.Now())
			return planned
		}
		left, err := r.turn(ctx, due)
		if !left {
			due()
		}
		switch {
		case !plan.Repeats():
			return
		case err == nil:
			failures = 0
		default:
			failures++
			planned = earlier(planned, time.Now().Add(backOff(failures)))
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// turn makes the pass whose time has come. Where one that asks for changes does
// not come to its end, a full listing takes its place at once. It reports whether
// downloads were left under way because the next pass is due.
func (r *reader) turn(ctx context.Context, due func() time.Time) (left bool, err error) {
	recent, onlyChanged := r.turns.next(r.identity(ctx).Text())
	if onlyChanged {
		if left, done := r.pollChanges(ctx, recent, due); done {
			return left, nil
		}
	}
	if recent, _ = r.turns.next(r.identity(ctx).Text()); ctx.Err() != nil {
		return false, nil
	}
	return r.listAll(ctx, recent, due)
}

// tryParked makes a pass over the objects that wait for their next attempt, and
// asks for no listing.
func (r *reader) tryParked(ctx context.Context, due func() time.Time) {
	p, began := r.newPass(ctx, nil, due, func(o *pass.Options) { o.OnlyWaiting = true }), time.Now()
	if err := r.make(ctx, p); err != nil && ctx.Err() == nil {
		r.log.Debugf("Trying the parked objects of %s again ended early: %v", r.where(), err)
		return
	}
	r.sayPass(ctx, "the parked objects of "+r.where(), p.Report(), time.Since(began))
}

// make runs a pass.
func (r *reader) make(ctx context.Context, p *pass.Pass) error {
	r.setPass(p)
	r.watcher.begin()
	err := p.Run(ctx)
	r.watcher.ended()
	r.tellState()
	if p.Left() {
		r.late.Go(func() { r.sayLate(p) })
	}
	return err
}

// pollChanges makes a pass that asks for changes alone, and reports whether it
// came to its end, or is to come to none.
func (r *reader) pollChanges(ctx context.Context, recent *pass.Recent, due func() time.Time) (left, done bool) {
	p, began := r.newPass(ctx, recent, due, func(o *pass.Options) { o.OnlyChanged = true }), time.Now()
	r.askCost.reset()
	err := r.make(ctx, p)
	if err != nil && ctx.Err() != nil {
		r.setCause(errInterrupted)
		return false, true
	}
	r.turns.asked(r.askCost.reset(), err)
	if err != nil {
		r.log.Debugf("Asking for what changed in %s ended early, and all of it is listed instead: %v", r.where(), err)
		return false, false
	}
	r.meters.changesPolls.Incr(1)
	r.sayPass(ctx, "what changed in "+r.where(), p.Report(), time.Since(began))
	return p.Left(), true
}

// listAll makes a pass over everything, and looks at how it went while its
// context still lives.
func (r *reader) listAll(ctx context.Context, recent *pass.Recent, due func() time.Time) (left bool, err error) {
	p, began := r.newPass(ctx, recent, due, func(*pass.Options) {}), time.Now()
	r.listCost.reset()
	err = r.make(ctx, p)
	if err != nil && ctx.Err() != nil {
		r.setCause(errInterrupted)
		return false, err
	}
	report := p.Report()
	r.meters.passEnded(time.Since(began), err == nil && report.ListingComplete)
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
	return p.Left(), err
}

// sayLate waits for the downloads that a pass left under way, and says what became
// of them.
func (r *reader) sayLate(p *pass.Pass) {
	before := p.Report()
	<-p.Done()
	after := p.Report()
	r.log.Infof("Of %s that an earlier pass left under way in %s, %d were delivered and %d parked by now",
		objects(before.Unsettled()), r.where(), after.Delivered-before.Delivered, after.ParkedTotal()-before.ParkedTotal())
}

// newPass prepares a pass. It hands on to recent what a later one needs that
// asks for changes alone; nil where none will. The next pass is due at due.
func (r *reader) newPass(ctx context.Context, recent *pass.Recent, due func() time.Time, kind func(*pass.Options)) *pass.Pass {
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
		Match: func(obj object.Object) pass.Verdict {
			v := r.conf.filter.Match(obj, time.Now())
			out := pass.Verdict{Rule: v.Rule.String(), Pattern: v.Pattern}
			if v.Rule == filter.MinAge {
				out.Until = obj.LastModified.Add(r.conf.filter.MinAge())
			}
			return out
		},
		Fetcher: r.fetcher,
		Deliver: d.deliver,
		Ledger:  r.ledger,
		Recent:  recent,
		NextDue: due,
		ParkFor: r.parkFor,
		Deletes: pass.Deletes{
			Listed: r.client.Listed, MaxRatio: r.conf.maxDeleteRatio,
			SeesAll: who.BypassesRLS(), Viewer: who.Text(),
		},
		Watcher: r.watcher,
	}
	if r.conf.emitDeletes {
		opts.Deletes.Deliver = d.deliverDeletion
	}
	kind(&opts)
	return pass.New(opts, r.shared)
}

// newFetcher prepares the downloads of all passes, which end with ctx.
func (r *reader) newFetcher(ctx context.Context) *fetch.Fetcher {
	return fetch.New(ctx, fetch.Options{
		Source:       source{r.client, r.conf.filter.ListPrefix()},
		MaxDownloads: r.conf.maxDownloads, BufferBytes: r.conf.bufferBytes,
		HoldsWhole: r.conf.wholeScanner, TakesWhole: r.conf.toTheEnd,
		CheckUpTo: r.conf.verifyUpTo,
		Retry:     r.conf.retry, Meter: fetchMeter{r.meters, r},
	})
}

// source is the bucket as downloads see it. It implements fetch.Source.
type source struct {
	*s3.Client
	prefix string
}

// Probe implements fetch.Source.
func (s source) Probe(ctx context.Context) error {
	_, _, err := s.Client.Probe(ctx, s.prefix, onceOnly)
	return err
}

// newShared prepares what all passes have in common.
func (r *reader) newShared() *pass.Shared {
	if r.conf.deleteObjects {
		return &pass.Shared{Removals: pass.NewRemovals(r.client, r.conf.retry)}
	}
	return &pass.Shared{Removals: pass.NewRemovals(nil, r.conf.retry)}
}

// identity is who the server treats this input as: zero, where no credentials are
// to be had at the moment.
func (r *reader) identity(ctx context.Context) supabase.Identity {
	if _, err := r.source.Credentials(ctx); err != nil {
		return supabase.Identity{}
	}
	return r.source.Project().Identity
}

// parkFor is how long an object waits that is parked for the n-th time. A
// one-time run has no later pass, so the next run tries it in any case.
func (r *reader) parkFor(n int) time.Duration {
	if !r.conf.plan.Repeats() {
		return 0
	}
	return backOff(n)
}

// backOff is the pause after n failures.
func backOff(n int) time.Duration {
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
	if r.cause == nil { // what came first is why the run ends
		r.cause = err
	}
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
