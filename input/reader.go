package input

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/check"
	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
	"github.com/seed75cbcda6/supabase-storage/input/internal/poll"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/s3"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/changes"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/keys"
)

// reader implements service.BatchInput. It owns the life of a run, and nothing
// else.
type reader struct {
	conf    config.Config
	res     *service.Resources
	log     *service.Logger
	meters  *meters
	source  *keys.Source
	client  *s3.Client
	gate    *retry.Gate // of the endpoint's host, for all requests to it
	out     chan handover
	watcher *watcher
	// undelivered are the batches that the pipeline has; endpoint logs outages.
	undelivered *undelivered
	endpoint    *outageLog

	listers  *listing.Limit
	removals *pass.Removals
	fetcher  *fetch.Fetcher  // once the run has begun
	late     sync.WaitGroup  // what is said of downloads that outlast their pass
	choice   *poll.Choice    // between full listings and asking for changes
	changes  *changes.Client // nil where nobody can be asked

	pass atomic.Pointer[pass.Pass] // the one under way, or the last one

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
		out: make(chan handover), gate: new(retry.Gate), listers: listing.NewLimit(conf.Listers()),
	}
	r.shut.init()
	r.watcher = &watcher{reader: r, lines: map[string]int64{}}
	r.undelivered = newUndelivered(r.log, r.meters.oldestUndelivered)
	r.endpoint = &outageLog{log: r.log, what: conf.Project.Endpoint}
	r.source = conf.Keys(patience(conf), &keyWatcher{r: r})
	opts := conf.S3Options(r.source)
	opts.MaxConns = fetch.MaxDownloads(conf.MaxDownloads) + listing.MaxListers(conf.Listers())
	opts.OnRetry, opts.Gate = r.retried, r.gate
	opts.OnListPage = func(d time.Duration, _ int) {
		r.meters.pageListed(d, r.listers.Listers())
		r.choice.PageListed(d)
	}
	opts.OnFirstByte = func(d time.Duration) { r.meters.firstByte.Timing(d.Nanoseconds()) }
	client, err := s3.New(opts)
	if err != nil {
		return nil, err
	}
	r.client = client
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
