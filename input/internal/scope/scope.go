package scope

import (
	"context"
	"errors"
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

// Scope reads one scope of a project. Its owner reaches it, begins its run and closes it.
type Scope struct {
	*Endpoint
	Life
	Conf   config.Config
	Log    *service.Logger
	Meters *meter.Set
	// Choice is between full listings and asking for changes.
	Choice *poll.Choice
	// Metadata is who can be asked for the metadata of an object; nil with keys that
	// can't ask.
	Metadata emit.MetadataAsker

	opts     Options
	client   *config.Plane
	watcher  *watcher
	removals *pass.Removals
	fetcher  *fetch.Fetcher  // once the run has begun
	late     sync.WaitGroup  // what is said of downloads that outlast their pass
	changes  *changes.Client // nil where nobody can be asked
	targets  targets

	pass atomic.Pointer[pass.Pass] // the one under way, or the last one
	// underWay is how many passes are being made.
	underWay atomic.Int64
	// failing are the full passes that ended early, one after the other.
	failing outage.Lines
	// doubtful says that nobody can tell whether what is missing was deleted.
	doubtful atomic.Bool

	ledger *ledger.Ledger // nil where nothing is remembered
	keeper *state.Keeper
	// stateFails is why the state can't be written, which holds up all deliveries; stalled
	// says that this scope is counted in Shared.stalled, and unread that the state could not be
	// read the last time.
	stateFails      outage.Reason
	stalled, unread atomic.Bool
}

// Options are what a scope needs of an owner that has many. The zero Options are for one.
type Options struct {
	// DueNow has the first pass begin at once, whatever the schedule says.
	DueNow bool
	// Stir hears that a pass begins or has ended; nil for nobody.
	Stir func()
	// OnWhole hears of each full pass that came to its end, and OnEarly why one did not;
	// nil for the log.
	OnWhole func()
	OnEarly func(error)
}

// New makes the parts of a scope, and connects them. It makes no request.
func New(e *Endpoint, conf config.Config, log *service.Logger, m *meter.Set, o Options) (*Scope, error) {
	s := &Scope{Endpoint: e, Conf: conf, Log: log, Meters: m, opts: o, failing: e.Voice.lines()}
	s.watcher = &watcher{scope: s, where: s.Where(), lines: map[string]int64{}}
	if e.Probe == nil {
		e.Probe = s.probeOnce
	}
	opts := conf.PlaneOptions(s.Keys)
	opts.MaxConns = limiter.MaxDownloads(conf.MaxDownloads) + listing.MaxListers(conf.Listers())
	opts.OnRetry, opts.Gate, opts.Hold, opts.Turn = s.retried, s.Gate, s.Limiter.Hold, s.Endpoint.opts.Enter
	opts.OnListPage = func(d time.Duration, _ int) {
		s.Meters.ListPage.Timing(d.Nanoseconds())
		s.Choice.PageListed(d)
	}
	opts.OnFirstByte = func(d time.Duration) { s.Meters.FirstByte.Timing(d.Nanoseconds()) }
	client, err := conf.Plane(s.Keys, opts)
	if err != nil {
		return nil, err
	}
	s.client = client
	if conf.Project.TakesToken() {
		s.Metadata = client
	}
	s.removals = s.newRemovals(client)
	s.Choice = &poll.Choice{
		FullEvery: conf.FullSweepInterval, LeastPages: poll.LeastPages,
		Lasts: func(err error) bool { return errors.Is(err, changes.ErrUnsupported) },
		Rests: s.sayChangesRest,
	}
	s.changes = s.newChanges()
	return s, nil
}

// Discard gives free what a scope has that never begins.
func (s *Scope) Discard() { s.client.Close() }

func (s *Scope) retried(_ string, err error) {
	s.Meters.Retried(err)
	s.Limiter.Heard(err)
}

// Listing is how everything with a prefix is listed.
func (s *Scope) Listing(prefix string) listing.Options {
	return listing.Options{Pager: s.client, Prefix: prefix, Listers: s.Conf.Listers(), Limiter: s.Limiter}
}

// Begin begins the run, which ends with ctx at the latest; ended is called then.
func (s *Scope) Begin(ctx context.Context, ended func()) {
	ctx, done := s.Start(ctx)
	s.tellState()
	s.keep()
	s.fetcher = s.newFetcher(ctx)
	go func() {
		defer done()
		defer ended()
		defer s.late.Wait()
		defer s.fetcher.Wait()
		defer s.Stop()
		s.run(ctx)
	}()
}

// Where names what is read.
func (s *Scope) Where() string { return s.Conf.Where() }

// Last is what the pass under way, or the last one, has done so far; ok is false before
// the first.
func (s *Scope) Last() (report pass.Report, ok bool) {
	last := s.pass.Load()
	if last == nil {
		return pass.Report{}, false
	}
	return last.Report(), true
}

// Active reports whether a pass is being made.
func (s *Scope) Active() bool { return s.underWay.Load() > 0 }

// making counts the passes that are being made.
func (s *Scope) making(n int64) {
	s.underWay.Add(n)
	if s.opts.Stir != nil {
		s.opts.Stir()
	}
}

// Doubt says that from now on nobody can tell whether what is missing was deleted.
func (s *Scope) Doubt() { s.doubtful.Store(true) }

// Removals are what becomes of objects after their delivery.
func (s *Scope) Removals() *pass.Removals { return s.removals }

// project is the project as the present keys show it.
func (s *Scope) project() supabase.Project {
	p := s.Keys.Project()
	p.Bucket = s.Conf.Project.Bucket // the keys are for all buckets
	return p
}

// Explain adds the field and the remedy to an error that ends a run.
func (s *Scope) Explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	region := ""
	if e, ok := errors.AsType[*object.Error](err); ok && e.Code == "SignatureDoesNotMatch" {
		region, _ = s.client.Region(ctx) // best effort: it only makes the message better
	}
	return check.NameNearBucket(ctx, s.client, s.Conf.Project.Bucket, s.project().Explain(err, region))
}

// Close ends the run, writes what was acked, and waits for deletions. The most important
// comes first: a process may have little time to end.
func (s *Scope) Close() error {
	s.Stop()
	if s.Conf.Targets != nil { // a target is acknowledged when its object is deleted or moved
		_ = Timed(s.removals.Wait)
	}
	targetsErr := Timed(s.closeTargets) // what is nacked now goes to somebody else
	_ = Timed(s.lastCheckpoint)         // if it fails, closeLedger tries again and reports it
	errs := []error{targetsErr, Timed(s.Ended), Timed(s.removals.Wait)}
	if err := Timed(s.closeLedger); err != nil {
		s.SetCause(err)
		errs = append(errs, err)
	}
	if s.changes != nil {
		s.changes.Close()
	}
	s.client.Close()
	return errors.Join(errs...)
}
