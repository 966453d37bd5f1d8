package input

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/check"
	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/limiter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/meter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/outage"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
	"github.com/seed75cbcda6/supabase-storage/input/internal/poll"
	"github.com/seed75cbcda6/supabase-storage/input/internal/state"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/changes"
)

// reader reads one scope. Where an input has no other, it is the whole input, and
// implements service.BatchInput. It owns the life of a run, and nothing else.
type reader struct {
	*endpoint
	conf   config.Config
	log    *service.Logger
	meters *meter.Set
	client *config.Plane
	// metadata is the client, if its keys can ask for the metadata of an object.
	metadata emit.MetadataAsker
	watcher  *watcher
	// stateFails holds up everything, and stalled says that it does so now; unread says
	// that the state could not be read the last time.
	stateFails      outage.Reason
	stalled, unread atomic.Bool

	removals *pass.Removals
	fetcher  *fetch.Fetcher  // once the run has begun
	late     sync.WaitGroup  // what is said of downloads that outlast their pass
	choice   *poll.Choice    // between full listings and asking for changes
	changes  *changes.Client // nil where nobody can be asked

	pass atomic.Pointer[pass.Pass] // the one under way, or the last one
	// underWay is how many passes are being made.
	underWay atomic.Int64
	// failing are the full passes that ended early, one after the other.
	failing outage.Lines
	targets targets

	// What follows is for one of several scopes. DueNow has the first pass begin at once,
	// stir hears that a pass begins or has ended, and onWhole and onEarly how it has.
	dueNow  bool
	stir    func()
	onWhole func()
	onEarly func(error)
	// doubtful says that nobody can tell whether what is missing was deleted.
	doubtful atomic.Bool

	life
	// What follows is guarded by the lock of life.
	ledger *ledger.Ledger // nil where nothing is remembered
	keeper *state.Keeper
}

var (
	_ service.BatchInput         = (*reader)(nil)
	_ service.ConnectionTestable = (*reader)(nil)
)

// newReader makes the parts of an input with one scope, and connects them. It makes no
// request.
func newReader(conf config.Config, res *service.Resources) (*reader, error) {
	h := newHub(conf, res, meter.New(res.Metrics()))
	return newScope(newEndpoint(h, conf, conf.Keys, h.log, h.meters), conf, h.log, h.meters)
}

// newScope makes what reads one scope of a project.
func newScope(e *endpoint, conf config.Config, log *service.Logger, m *meter.Set) (*reader, error) {
	r := &reader{endpoint: e, conf: conf, log: log, meters: m, stir: func() {}}
	r.watcher = &watcher{reader: r, where: r.where(), lines: map[string]int64{}}
	if e.several {
		r.wait.Once, r.failing.Once = true, true
	} else {
		e.probe = r.probeOnce
	}
	opts := conf.PlaneOptions(r.source)
	opts.MaxConns = limiter.MaxDownloads(conf.MaxDownloads) + listing.MaxListers(conf.Listers())
	opts.OnRetry, opts.Gate, opts.Hold, opts.Turn = r.retried, r.gate, r.limiter.Hold, r.enter()
	opts.OnListPage = func(d time.Duration, _ int) {
		r.meters.ListPage.Timing(d.Nanoseconds())
		r.choice.PageListed(d)
	}
	opts.OnFirstByte = func(d time.Duration) { r.meters.FirstByte.Timing(d.Nanoseconds()) }
	client, err := conf.Plane(r.source, opts)
	if err != nil {
		return nil, err
	}
	r.client = client
	if conf.Project.TakesToken() {
		r.metadata = client
	}
	r.removals = r.newRemovals(client)
	r.choice = &poll.Choice{
		FullEvery: conf.FullSweepInterval, LeastPages: poll.LeastPages,
		Lasts: func(err error) bool { return errors.Is(err, changes.ErrUnsupported) },
		Rests: r.sayChangesRest,
	}
	r.changes = r.newChanges()
	return r, nil
}

func (r *reader) retried(_ string, err error) {
	r.meters.Retried(err)
	r.limiter.Heard(err)
}

// listing is how the input lists everything with a prefix.
func (r *reader) listing(prefix string) listing.Options {
	return listing.Options{Pager: r.client, Prefix: prefix, Listers: r.conf.Listers(), Limiter: r.limiter}
}

// open opens the ledger, once.
func (r *reader) open(ctx context.Context) (err error) {
	if r.ledger == nil {
		r.ledger, err = state.OpenLedger(ctx, r.remembered(), r.conf, r.res)
	}
	return err
}

// start begins the run. Its life ends with Close, not with Connect's context.
func (r *reader) start() {
	r.sayStart()
	r.begin(context.Background(), func() { close(r.out) })
}

// begin begins the run, which ends with ctx at the latest; ended is called then.
func (r *reader) begin(ctx context.Context, ended func()) {
	ctx, stop := context.WithCancel(ctx)
	r.startedAt, r.stop, r.done = time.Now(), stop, make(chan struct{})
	r.tellState()
	if r.ledger != nil {
		r.keeper = state.Keep(r.ledger, r.keeperHooks())
	}
	r.fetcher = r.newFetcher(ctx)
	go func() {
		defer close(r.done)
		defer ended()
		defer r.late.Wait()
		defer r.fetcher.Wait()
		defer stop()
		r.run(ctx)
	}()
}

// project is the project as the present keys show it.
func (r *reader) project() supabase.Project {
	p := r.source.Project()
	p.Bucket = r.conf.Project.Bucket // the keys are for all buckets
	return p
}

// explain adds the field and the remedy to an error that ends a run.
func (r *reader) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	region := ""
	if e, ok := errors.AsType[*object.Error](err); ok && e.Code == "SignatureDoesNotMatch" {
		region, _ = r.client.Region(ctx) // best effort: it only makes the message better
	}
	return check.NameNearBucket(ctx, r.client, r.conf.Project.Bucket, r.project().Explain(err, region))
}

// ConnectionTest implements service.ConnectionTestable with a sign-in, if the
// credentials need one, and one small request.
func (r *reader) ConnectionTest(ctx context.Context) service.ConnectionTestResults {
	r.mu.Lock()
	idle := r.startedAt.IsZero()
	r.mu.Unlock()
	if idle { // no run needs the session that the test begins
		defer signOut(ctx, r.source, r.log)
	}
	err := r.source.Test(ctx)
	if err == nil {
		err = r.explain(ctx, r.probeOnce(ctx))
	}
	if err != nil {
		return service.ConnectionTestFailed(err).AsList()
	}
	return service.ConnectionTestSucceeded().AsList()
}

// where names what is read.
func (r *reader) where() string { return r.conf.Where() }

// Close ends the run, writes what was acked, waits for deletions, and reports what
// became of every object. Benthos calls it after the last ack. If ctx ends first,
// closing goes on, so that the state does not stay locked. Another call of Close
// waits for it and returns its result.
func (r *reader) Close(ctx context.Context) error { return r.shut.close(ctx, r.closeAll) }

// closeAll closes everything, the most important first: a process may have little
// time to end.
func (r *reader) closeAll() error {
	err := errors.Join(r.closeScope(), timed(r.conf.Scanner.Close))
	r.undelivered.Close()
	r.meters.End()
	r.conclude(nil)
	r.endpoint.close()
	return err
}

// closeScope ends the run, writes what was acked, and waits for deletions.
func (r *reader) closeScope() error {
	r.mu.Lock()
	r.closed = true
	stop, done := r.stop, r.done
	r.mu.Unlock()
	if stop != nil {
		stop()
	}
	if r.conf.Targets != nil { // a target is acknowledged when its object is deleted or moved
		_ = timed(r.removals.Wait)
	}
	targetsErr := timed(r.closeTargets) // what is nacked now goes to somebody else
	_ = timed(r.lastCheckpoint)         // if it fails, closeLedger tries again and reports it
	errs := []error{
		targetsErr,
		timed(func(ctx context.Context) error { return waitFor(ctx, done) }),
		timed(r.removals.Wait),
	}
	if err := timed(r.closeLedger); err != nil {
		r.setCause(err)
		errs = append(errs, err)
	}
	if r.changes != nil {
		r.changes.Close()
	}
	r.client.Close()
	return errors.Join(errs...)
}

// waitFor waits for the end of the run; done is nil if the run has not begun.
func waitFor(ctx context.Context, done <-chan struct{}) error {
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for downloads to stop: %w", ctx.Err())
	}
}

// lastCheckpoint writes what has been acked so far.
func (r *reader) lastCheckpoint(ctx context.Context) error {
	if r.keeper == nil {
		return nil
	}
	if err := r.keeper.End(ctx); err != nil {
		return err
	}
	r.stallEnds()
	return r.ledger.Checkpoint(ctx)
}

// closeLedger writes what is not written yet, and closes the ledger.
func (r *reader) closeLedger(ctx context.Context) error {
	if r.ledger == nil {
		return nil
	}
	if err := r.ledger.Close(ctx); err != nil {
		return fmt.Errorf("%s: %w; what was delivered last will be delivered again", r.conf.State.Field(), err)
	}
	return nil
}
