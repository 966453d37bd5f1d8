package input

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/s3"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/changes"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/keys"
)

// reader implements service.BatchInput: it owns the life of a run, and nothing
// else.
type reader struct {
	conf    config
	res     *service.Resources
	log     *service.Logger
	meters  *meters
	source  *keys.Source
	client  *s3.Client
	gate    *retry.Gate // of the endpoint's host, for all requests to it
	out     chan handover
	watcher *watcher
	// undelivered is what the pipeline has, and endpoint whether the server answers.
	undelivered *undelivered
	endpoint    *outageLog

	listers *listing.Limit
	shared  *pass.Shared
	fetcher *fetch.Fetcher // once the run has begun
	late    sync.WaitGroup // what is said of downloads that outlast their pass
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

	// wait is what Connect waits for.
	wait outage
	shut shut
}

var (
	_ service.BatchInput         = (*reader)(nil)
	_ service.ConnectionTestable = (*reader)(nil)
)

// newReader wires the rooms. It makes no request.
func newReader(conf config, res *service.Resources) (*reader, error) {
	r := &reader{
		conf: conf, res: res, log: res.Logger(), meters: newMeters(res.Metrics()),
		out: make(chan handover), gate: new(retry.Gate), listers: listing.NewLimit(conf.listers()),
	}
	r.shut.init()
	r.watcher = &watcher{reader: r}
	r.undelivered = newUndelivered(r.log, r.meters.oldestUndelivered)
	r.endpoint = &outageLog{log: r.log, what: conf.project.Endpoint}
	r.source = newSource(conf, conf.patience(), &keyWatcher{r: r})
	opts := conf.clientOptions(r.source)
	opts.MaxConns = fetch.MaxDownloads(conf.maxDownloads) + listing.MaxListers(conf.listers())
	opts.OnRetry, opts.Gate = r.retried, r.gate
	opts.OnListPage = func(d time.Duration, _ int) {
		r.meters.pageListed(d, r.listers.Listers())
		r.listCost.add(d)
	}
	opts.OnFirstByte = func(d time.Duration) { r.meters.firstByte.Timing(d.Nanoseconds()) }
	client, err := s3.New(opts)
	if err != nil {
		return nil, err
	}
	r.client = client
	r.shared = r.newShared()
	r.turns = r.newTurns()
	return r, nil
}

// clientOptions say where the bucket is, where the keys come from, and how patient
// to be.
func (c config) clientOptions(source *keys.Source) s3.Options {
	return s3.Options{
		Endpoint: c.project.Endpoint, Region: c.project.Region, Bucket: c.project.Bucket,
		Credentials: source.Credentials, Renew: source.Renew, RenewalHelps: source.RenewalHelps,
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
		Retry: r.conf.retry, Gate: r.gate,
		OnRetry: func(err error) { r.retried("", err) },
		OnPage:  func(d time.Duration, _ int) { r.askCost.add(d) },
	})
	if err == nil { // else another server than Supabase's, which has no REST API
		r.changes = client
		t.recent = pass.NewRecent(feed{client, func() bool { return t.exceeds(r.askCost.sum()) }}, r.shared)
	}
	return t
}

func (r *reader) retried(_ string, err error) {
	r.meters.Retried(err)
	r.listers.SlowDown(err)
}

// open opens the ledger, once.
func (r *reader) open(ctx context.Context) (err error) {
	if r.ledger == nil {
		r.ledger, err = openLedger(ctx, r.conf, r.res)
	}
	return err
}

// start begins the run. Its life ends with Close, not with Connect's context.
func (r *reader) start() {
	r.sayStart()
	ctx, stop := context.WithCancel(context.Background())
	r.startedAt, r.stop, r.done = time.Now(), stop, make(chan struct{})
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

// ConnectionTest implements service.ConnectionTestable with a sign-in, where
// one is needed, and one small request.
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
func (r *reader) where() string { return r.conf.where() }

func (c config) where() string {
	if c.prefix == "" {
		return fmt.Sprintf("bucket %q", c.project.Bucket)
	}
	return fmt.Sprintf("bucket %q prefix %q", c.project.Bucket, c.prefix)
}
