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
	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/limiter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
	"github.com/seed75cbcda6/supabase-storage/input/internal/poll"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/changes"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/keys"
)

// reader implements service.BatchInput. It owns the life of a run, and nothing
// else.
type reader struct {
	conf   config.Config
	res    *service.Resources
	log    *service.Logger
	meters *meters
	source *keys.Source
	client *config.Plane
	// metadata is the client, if its keys can ask for the metadata of an object.
	metadata metadataAsker
	gate     *retry.Gate // of the endpoint's host, for all requests to it
	out      chan handover
	watcher  *watcher
	// undelivered are the batches that the pipeline has; endpoint logs outages.
	undelivered *undelivered
	endpoint    *outageLog
	// keysFail and stateFails hold up everything.
	keysFail, stateFails trouble

	limiter  *limiter.Limiter // of the endpoint
	removals *pass.Removals
	fetcher  *fetch.Fetcher  // once the run has begun
	late     sync.WaitGroup  // what is said of downloads that outlast their pass
	choice   *poll.Choice    // between full listings and asking for changes
	changes  *changes.Client // nil where nobody can be asked

	pass    atomic.Pointer[pass.Pass] // the one under way, or the last one
	targets targets

	mu        sync.Mutex
	ledger    *ledger.Ledger // nil where nothing is remembered
	startedAt time.Time      // zero until the run has begun
	stop      func()         // ends the run
	done      chan struct{}  // closed when the run has ended
	keeper    *keeper
	cause     error    // why it ended early
	attempted bool     // Connect was called
	recorded  *openRun // nil for a run that repeats
	closed    bool

	// wait is what Connect waits for.
	wait outage
	shut shut
}

var (
	_ service.BatchInput         = (*reader)(nil)
	_ service.ConnectionTestable = (*reader)(nil)
)

// newReader makes the parts of the input and connects them. It makes no request.
func newReader(conf config.Config, res *service.Resources) (*reader, error) {
	r := &reader{
		conf: conf, res: res, log: res.Logger(), meters: newMeters(res.Metrics()),
		out: make(chan handover), gate: new(retry.Gate),
	}
	r.shut.init()
	r.watcher = &watcher{reader: r, where: r.where(), lines: map[string]int64{}}
	r.undelivered = newUndelivered(r.log, r.meters.oldestUndelivered, r.meters.passes.undelivered)
	r.endpoint = &outageLog{log: r.log, what: conf.Project.Address(), failing: r.meters.passes.endpointFailing}
	r.source = conf.Keys(patience(conf), &keyWatcher{r: r})
	opts := conf.PlaneOptions(r.source)
	r.limiter = limiter.New(r.shut.begun, limiter.Options{
		MaxDownloads: conf.MaxDownloads, MaxPages: listing.MaxListers(conf.Listers()),
		Probe: r.probeOnce, Patience: conf.Retry.Patience(), Meter: fetchMeter{r.meters, r},
	})
	opts.MaxConns = limiter.MaxDownloads(conf.MaxDownloads) + listing.MaxListers(conf.Listers())
	opts.OnRetry, opts.Gate, opts.Hold = r.retried, r.gate, r.limiter.Hold
	opts.OnListPage = func(d time.Duration, _ int) {
		r.meters.listPage.Timing(d.Nanoseconds())
		r.choice.PageListed(d)
	}
	opts.OnFirstByte = func(d time.Duration) { r.meters.firstByte.Timing(d.Nanoseconds()) }
	client, err := conf.Plane(r.source, opts)
	if err != nil {
		return nil, err
	}
	r.client = client
	if conf.Project.TakesToken() {
		r.metadata = client
	}
	var remover pass.Remover
	if conf.DeleteObjects {
		remover = client
	}
	r.removals = pass.NewRemovals(remover, conf.Retry, r.watcher.NotDeleted)
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
		r.ledger, err = openLedger(ctx, nil, r.conf, r.res)
	}
	return err
}

// start begins the run. Its life ends with Close, not with Connect's context.
func (r *reader) start() {
	r.sayStart()
	ctx, stop := context.WithCancel(context.Background())
	r.startedAt, r.stop, r.done = time.Now(), stop, make(chan struct{})
	r.tellState()
	if r.ledger != nil {
		r.keeper = keep(r.ledger, r.keeperHooks())
	}
	r.fetcher = r.newFetcher(ctx)
	go func() {
		defer close(r.done)
		defer close(r.out)
		defer r.late.Wait()
		defer r.fetcher.Wait()
		defer stop()
		r.run(ctx)
	}()
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
	return check.NameNearBucket(ctx, r.client, r.conf.Project.Bucket, r.source.Project().Explain(err, region))
}

// ReadBatch implements service.BatchInput. It waits for the next batch. Its only
// errors are the end of the input and the context's error, because every other
// failure belongs to an object and is handled there.
func (r *reader) ReadBatch(ctx context.Context) (service.MessageBatch, service.AckFunc, error) {
	select {
	case h, ok := <-r.out:
		if !ok {
			return nil, nil, service.ErrEndOfInput
		}
		return h.batch, r.undelivered.handOver(h.key, h.ack), nil
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
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

// closeStep bounds each step of Close. Each step has a time of its own, so that a
// step that hangs does not cost the others theirs.
const closeStep = time.Minute

// shut is the state of Close.
type shut struct {
	// begun ends with the first Close. Ended is closed when everything is closed;
	// err is then the result.
	begun context.Context //nolint:containedctx // the life of the input, which no call has
	begin context.CancelFunc
	once  sync.Once
	ended chan struct{}
	err   error
}

func (s *shut) init() {
	s.begun, s.begin = context.WithCancel(context.Background())
	s.ended = make(chan struct{})
}

// untilClosed is a context that also ends with the first Close.
func (r *reader) untilClosed(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(r.shut.begun, cancel)
	return ctx, func() { stop(); cancel() }
}

// Close ends the run, writes what was acked, waits for deletions, and reports what
// became of every object. Benthos calls it after the last ack. If ctx ends first,
// closing goes on, so that the state does not stay locked. Another call of Close
// waits for it and returns its result.
func (r *reader) Close(ctx context.Context) error {
	r.shut.begin()
	r.shut.once.Do(func() {
		go func() {
			defer close(r.shut.ended)
			r.shut.err = r.closeAll()
		}()
	})
	select {
	case <-r.shut.ended:
		return r.shut.err
	default:
	}
	select {
	case <-r.shut.ended:
		return r.shut.err
	case <-ctx.Done():
		return fmt.Errorf("closing the input, which goes on: %w", ctx.Err())
	}
}

// closeAll closes everything, the most important first: a process may have little
// time to end.
func (r *reader) closeAll() error {
	r.mu.Lock()
	r.closed = true
	stop, done := r.stop, r.done
	r.mu.Unlock()
	if stop != nil {
		stop()
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
	errs = append(errs, timed(r.conf.Scanner.Close))
	r.undelivered.close()
	if r.changes != nil {
		r.changes.Close()
	}
	r.meters.ended()
	r.client.Close()
	r.conclude(nil)
	signOut(context.Background(), r.source, r.log)
	return errors.Join(errs...)
}

// timed runs one step of Close.
func timed(step func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), closeStep)
	defer cancel()
	return step(ctx)
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
	if err := r.keeper.end(ctx); err != nil {
		return err
	}
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
