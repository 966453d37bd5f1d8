package input

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/bucket"
	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
	"github.com/seed75cbcda6/supabase-storage/input/internal/s3bucket"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/changes"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/keys"
)

// unreachableAttempts bounds how often an endpoint that does not answer at all
// is tried at the start: a name that does not resolve is most often a typing
// error, and a one-time run should say so soon.
const unreachableAttempts = 4

// settleTimeout bounds how long Close waits for what was acked to be settled.
const settleTimeout = time.Minute

// reader implements service.BatchInput: it owns the life of a run, and nothing
// else.
type reader struct {
	conf    config
	res     *service.Resources
	log     *service.Logger
	meters  *meters
	source  *keys.Source
	client  *s3bucket.Client
	out     chan handover
	watcher *watcher
	// undelivered is what the pipeline has, and endpoint whether the server answers.
	undelivered *undelivered
	endpoint    *outage

	listers  *listing.Limit
	removals *pass.Removals
	// turns belongs to the goroutine of the passes; listCost and askCost sum up
	// what its requests take, for the two kinds of passes.
	turns             *turns
	changes           *changes.Client // nil where nothing can be asked
	listCost, askCost meter

	mu        sync.Mutex
	pass      *pass.Pass     // the one under way, or the last one
	ledger    *ledger.Ledger // nil where nothing is remembered
	startedAt time.Time      // zero until the run has begun
	stop      func()         // ends the run
	done      chan struct{}  // closed when the run has ended
	keeper    *keeper
	cause     error    // why it ended early
	attempted bool     // Connect was called
	recorded  *openRun // nil for a run that repeats
	closed    bool
}

var (
	_ service.BatchInput         = (*reader)(nil)
	_ service.ConnectionTestable = (*reader)(nil)
)

// newReader wires the rooms. It makes no request.
func newReader(conf config, res *service.Resources) (*reader, error) {
	r := &reader{
		conf: conf, res: res, log: res.Logger(), meters: newMeters(res.Metrics()),
		out: make(chan handover), removals: pass.NewRemovals(), listers: listing.NewLimit(conf.listers()),
	}
	r.watcher = &watcher{reader: r}
	r.undelivered = newUndelivered(r.log, r.meters.oldestUndelivered)
	r.endpoint = newOutage(r.log, conf.project.Endpoint)
	r.source = newSource(conf, conf.patience(), &keyWatcher{r: r})
	opts := conf.clientOptions(r.source)
	opts.MaxConns = fetch.MaxDownloads(conf.maxDownloads) + listing.MaxListers(conf.listers())
	opts.OnRetry = r.retried
	opts.OnListPage = func(d time.Duration, _ int) {
		r.meters.pageListed(d, r.listers.Listers())
		r.listCost.add(d)
	}
	opts.OnFirstByte = func(d time.Duration) { r.meters.firstByte.Timing(d.Nanoseconds()) }
	client, err := s3bucket.New(opts)
	if err != nil {
		return nil, err
	}
	r.client = client
	r.turns = r.newTurns()
	return r, nil
}

// clientOptions say where the bucket is, where the keys come from, and how patient
// to be.
func (c config) clientOptions(source *keys.Source) s3bucket.Options {
	return s3bucket.Options{
		Endpoint: c.project.Endpoint, Region: c.project.Region, Bucket: c.project.Bucket,
		Credentials: source.Credentials, Renew: source.Renew,
		TLS: c.tls, Transport: c.transport,
		ConnectTimeout: c.connectTimeout, ResponseTimeout: c.responseTimeout, IdleTimeout: c.idleTimeout,
		Retry: c.retry,
	}
}

// newTurns finds out whether there is anybody who can be asked for changes.
func (r *reader) newTurns() *turns {
	t := &turns{every: r.conf.fullSweepInterval, least: 2, off: r.sayChangesOff}
	if !r.conf.plan.Repeats() {
		return t
	}
	client, err := changes.New(changes.Options{
		Endpoint: r.conf.project.Endpoint, Bucket: r.conf.project.Bucket,
		Credentials: r.source.Credentials,
		TLS:         r.conf.tls, Transport: r.conf.transport,
		ConnectTimeout: r.conf.connectTimeout, Timeout: r.conf.responseTimeout + r.conf.idleTimeout,
		Retry:   r.conf.retry,
		OnRetry: func(err error) { r.retried("", err) },
		OnPage:  func(d time.Duration, _ int) { r.askCost.add(d) },
	})
	if err == nil { // else another server than Supabase's, which has no REST API
		r.changes = client
		t.recent = pass.NewRecent(feed{client, func() bool { return t.exceeds(r.askCost.sum()) }})
	}
	return t
}

func (r *reader) retried(_ string, err error) {
	r.meters.Retried(err)
	r.listers.SlowDown(err)
}

// Connect opens the state, tests that the bucket can be listed, and begins the
// run. What can't get better by itself ends a one-time run here; a run that
// repeats is connected again by Benthos until it succeeds.
func (r *reader) Connect(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || !r.startedAt.IsZero() {
		return nil
	}
	if !r.attempted {
		r.attempted = true
		if !r.conf.plan.Repeats() {
			r.recorded = beginRun(r.where(), r.abandon)
		}
		for _, warning := range r.conf.project.Warnings {
			r.log.Warn(warning)
		}
	}
	err := r.open(ctx)
	if err == nil {
		err = r.signIn(ctx)
	}
	if err == nil {
		err = r.probe(ctx)
	}
	switch {
	case err == nil:
		r.start()
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case r.conf.plan.Repeats():
		return err
	}
	r.cause = err // which is told at the end
	return service.ErrEndOfInput
}

// open opens the ledger, once.
func (r *reader) open(ctx context.Context) (err error) {
	if r.ledger == nil {
		r.ledger, err = openLedger(ctx, r.conf, r.res)
	}
	return err
}

// probe makes one small request, again and again while what fails may pass.
func (r *reader) probe(ctx context.Context) error {
	unreachable := 0
	mayPass := func(err error) bool {
		if errors.Is(err, bucket.ErrUnreachable) {
			unreachable++
			return unreachable < unreachableAttempts
		}
		return bucket.Transient(err)
	}
	err := r.conf.retry.Do(ctx, r.probeOnce, mayPass, func(err error) {
		r.meters.Retried(err)
		r.endpoint.began(err)
	})
	if err == nil {
		r.endpoint.ended()
	}
	return r.explain(ctx, err)
}

func (r *reader) probeOnce(ctx context.Context) error {
	_, _, err := r.client.Probe(ctx, r.conf.filter.ListPrefix(), onceOnly)
	return err
}

// start begins the run. Its life ends with Close, not with Connect's context.
func (r *reader) start() {
	r.sayStart()
	ctx, stop := context.WithCancel(context.Background())
	r.startedAt, r.stop, r.done = time.Now(), stop, make(chan struct{})
	if r.ledger != nil {
		r.keeper = keep(r.ledger, r.checkpointed)
	}
	go func() {
		defer close(r.done)
		defer close(r.out)
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
	if e, ok := errors.AsType[*bucket.Error](err); ok && e.Code == "SignatureDoesNotMatch" {
		region, _ = r.client.Region(ctx) // best effort: it only makes the message better
	}
	return r.source.Project().Explain(err, region)
}

// ReadBatch implements service.BatchInput. It waits for the next batch; an
// error other than the end or the context's never comes from here, because
// every failure belongs to an object and is dealt with there.
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

// Close ends the run, waits until what was acked is settled, and tells what
// became of every object. Benthos calls it after the last ack.
func (r *reader) Close(ctx context.Context) error {
	r.mu.Lock()
	first := !r.closed
	r.closed = true
	stop, done := r.stop, r.done
	r.mu.Unlock()
	if !first {
		return nil
	}
	defer r.client.Close()
	defer r.meters.gathered.flush()
	defer r.undelivered.close()
	if r.changes != nil {
		defer r.changes.Close()
	}
	if stop != nil {
		stop()
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	err := errors.Join(r.removals.Wait(ctx), r.closeLedger(ctx), r.conf.scanner.Close(ctx))
	r.conclude()
	return err
}

// closeLedger writes what was acked last.
func (r *reader) closeLedger(ctx context.Context) error {
	if r.keeper != nil {
		r.keeper.end()
	}
	if r.ledger == nil {
		return nil
	}
	if err := r.ledger.Close(ctx); err != nil {
		return fmt.Errorf("%s: %w; what was delivered last will be delivered again", r.conf.state.field(), err)
	}
	return nil
}

// ConnectionTest implements service.ConnectionTestable with a sign-in, where
// one is needed, and one small request.
func (r *reader) ConnectionTest(ctx context.Context) service.ConnectionTestResults {
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
func (r *reader) where() string { return r.conf.where() }

func (c config) where() string {
	if c.prefix == "" {
		return fmt.Sprintf("bucket %q", c.project.Bucket)
	}
	return fmt.Sprintf("bucket %q prefix %q", c.project.Bucket, c.prefix)
}
