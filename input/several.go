package input

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/fleet"
	"github.com/seed75cbcda6/supabase-storage/input/internal/meter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/scope"
	"github.com/seed75cbcda6/supabase-storage/input/internal/state"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/directory"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/management"
	"github.com/seed75cbcda6/supabase-storage/input/internal/wire"
)

// several reads many scopes: all buckets of a pattern, in one project or in many. It
// implements service.BatchInput.
type several struct {
	*hub
	fleet *fleet.Fleet
	turns *fleet.Turns
	// directory lists the projects, and management asks for their keys; nil for one
	// project.
	directory  *directory.Directory
	management *management.Client
	// transport is for all projects.
	transport *http.Transport
	teller    *teller
	// connecting is held by Connect; Close waits for it.
	connecting sync.Mutex

	// Life is that of the run over all scopes.
	scope.Life
	// What follows is guarded by the lock of hub.
	sources map[string]*source           // by the reference of the project
	listed  map[string]directory.Project // the last list of the projects
	readers []*scoped                    // in the order of their beginning
	// past are the counts of scopes that are gone and closed, and gone names those that
	// have not come back, by the reference of the project and the bucket.
	past Report
	gone map[string]bool
}

var (
	_ service.BatchInput         = (*several)(nil)
	_ service.ConnectionTestable = (*several)(nil)
)

// idleKept is how many idle connections are kept to one host, and allKept to all: a
// polled project needs a few, and a few for each of a thousand projects would be too many
// open files.
const (
	idleKept = 32
	allKept  = 512
)

// newSeveral makes the parts of an input with many scopes. It makes no request.
func newSeveral(conf config.Config, res *service.Resources) *several {
	perScope := []string{"bucket"}
	active := 1
	if conf.Projects != nil {
		active = conf.Projects.MaxActive
		if conf.Projects.LabelMetrics {
			perScope = append(perScope, "project")
		}
	}
	h := newHub(conf, res, meter.New(res.Metrics(), perScope...), scope.OneOfMany)
	s := &several{hub: h, turns: fleet.NewTurns(active, scope.PagesAtOnce(conf)), sources: map[string]*source{}, gone: map[string]bool{}}
	s.past = Report{Filtered: map[string]int64{}, Parked: map[string]int64{}}
	s.teller = &teller{
		several: s, stirred: make(chan struct{}, 1), projects: map[string]*failedProject{}, looked: map[string]bool{}, found: map[string][]string{},
		odd: map[string][]string{}, told: map[string]bool{}, alike: map[string]int{},
		seen: map[string]map[string]bool{},
	}
	if conf.Transport == nil {
		s.transport = wire.New(conf.TLS, conf.ConnectTimeout, idleKept)
		s.transport.MaxIdleConns = allKept
	}
	opts := fleet.Options{Plan: conf.Plan, Open: s.open, Watcher: s.teller}
	if conf.Projects != nil {
		s.management = conf.Management()
		s.directory = conf.Directory(s.management)
		opts.List, opts.Missing, opts.Refresh = s.list, s.missing, conf.Projects.RefreshInterval
		opts.Remembered = s.teller.rememberedProjects
	}
	s.fleet = fleet.New(opts)
	return s
}

// list names the projects that are to be read.
func (s *several) list(ctx context.Context) ([]fleet.Project, error) {
	listed, err := s.directory.Projects(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]fleet.Project, 0, len(listed))
	known := map[string]directory.Project{}
	for _, p := range listed {
		of := fleet.Project{Ref: p.Ref, Name: p.Name}
		if p.Ref == "" {
			s.teller.ProjectFailed(of, p.Err)
			continue
		}
		all, known[p.Ref] = append(all, of), p
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listed = known
	return all, nil
}

// missing says what became of a project that the last list does not have.
func (s *several) missing(ctx context.Context, ref string) (fleet.Fate, error) {
	standing, err := s.directory.Standing(ctx, ref)
	switch {
	case err != nil:
		return fleet.Unclear, err
	case standing == directory.Deleted:
		return fleet.Deleted, nil
	case standing == directory.Unwanted:
		return fleet.Left, nil
	}
	return fleet.Unclear, nil
}

// facts are what the last list says of a project. A one-time run makes one list, and asks
// again for a project that is on its way up.
func (s *several) facts(ctx context.Context, ref string) (management.Project, error) {
	s.mu.Lock()
	p, listed := s.listed[ref]
	s.mu.Unlock()
	if listed && !s.Conf.Plan.Repeats() && p.Status.Phase() == management.Starting {
		token, err := s.Conf.Token()(ctx)
		if err != nil {
			return management.Project{}, err
		}
		return s.management.Project(ctx, token, ref)
	}
	if !listed {
		return management.Project{}, &object.Error{
			Op: "looking at the list of projects", Kind: object.ErrUnavailable, Err: errors.New("the project is not in it for now"),
		}
	}
	return p.Facts()
}

// Connect implements service.BatchInput. It opens the state and looks which projects, or
// buckets, there are; what fails in one of several projects holds up no other.
func (s *several) Connect(ctx context.Context) error {
	ctx, cancel := s.untilClosed(ctx)
	defer cancel()
	s.connecting.Lock()
	defer s.connecting.Unlock()
	s.mu.Lock()
	begun := s.closed || !s.Began().IsZero()
	first := !s.attempted
	s.attempted = true
	s.mu.Unlock()
	if begun {
		return nil
	}
	if first && !s.Conf.Plan.Repeats() {
		recorded := beginRun(s.Conf.Where(), s.abandon, s.progress)
		s.mu.Lock()
		s.recorded = recorded
		s.mu.Unlock()
	}
	if first {
		s.teller.warn(s.Conf.Project.Warnings)
	}
	why, err := s.connect(ctx, s.connectOnce)
	if err != nil {
		s.SetCause(why)
		return err
	}
	if lasted := s.wait.Lasts(); s.wait.Over() {
		s.Log.Infof("Connected after %s in which that failed", lasted)
	}
	s.start() //nolint:contextcheck // the run goes on after Connect
	return nil
}

func (s *several) connectOnce(ctx context.Context) (err error, lasts bool) {
	if s.Store == nil && s.Conf.State.Set() {
		if s.Store, err = state.OpenStore(ctx, s.Conf, s.Resources); err != nil {
			s.Store = nil
			return err, state.Lasts(s.Conf, err)
		}
	}
	if err := s.teller.openBook(ctx); err != nil {
		return fmt.Errorf("%s: %w", s.Conf.State.Field(), err), state.Lasts(s.Conf, err)
	}
	err = s.look(ctx)
	if errors.Is(err, fleet.ErrNone) {
		return s.noProject(), true
	}
	return err, s.lasts(err)
}

// listPauses are the pauses between two attempts to list projects, each of which makes
// a few requests.
var listPauses = retry.Policy{InitialInterval: 2 * time.Second, MaxInterval: 30 * time.Second}

// look looks which projects, or buckets, there are. A one-time run waits for a list of
// projects that may be had later, as for keys. An address that does not answer at all is
// most often a typing error, and tried for some seconds.
func (s *several) look(ctx context.Context) error {
	began := time.Now()
	for attempts := 1; ; attempts++ {
		err := s.fleet.Connect(ctx)
		switch {
		case err == nil || s.Conf.Plan.Repeats() || s.directory == nil || !object.Transient(err):
			return err
		case time.Since(began) >= scope.OneTimePatience, errors.Is(err, object.ErrUnreachable) && attempts > 1:
			return err
		}
		switch tell := s.wait.Failed(); {
		case tell && attempts == 1:
			s.Log.Warnf("Waiting for the list of projects: %v", err)
		case tell:
			s.Log.Warnf("Still waiting for the list of projects, for %s so far: %v", s.wait.Lasts(), err)
		}
		if err := retry.Sleep(ctx, listPauses.Delay(attempts)); err != nil {
			return err
		}
	}
}

// noProject says that no project is wanted of those that the token shows.
func (s *several) noProject() error {
	return &supabase.FieldError{
		Field: config.FieldProjects, Problem: "none of the projects that the Management API lists is to be read, so there is nothing to deliver",
		Remedy: "compare include and exclude with the names of the projects in the Dashboard; preview branches are left out unless branches is true",
	}
}

// lasts reports whether only another configuration can fix what the first look failed
// with.
func (s *several) lasts(err error) bool {
	if s.directory != nil {
		return errors.Is(err, object.ErrCredentials) && !object.Transient(err)
	}
	only := s.source("")
	return errors.Is(err, object.ErrInvalid) || only != nil && only.Keys.Lasts(err)
}

// start begins the run. Its life ends with Close.
func (s *several) start() {
	ctx, ended := s.Start(context.Background())
	s.teller.begin()
	var watching sync.WaitGroup
	watching.Go(func() { s.teller.watch(ctx) })
	go func() {
		defer ended()
		defer close(s.Out)
		defer watching.Wait()
		defer s.Stop()
		s.fleet.Run(ctx)
		if ctx.Err() != nil && !s.Conf.Plan.Repeats() {
			s.SetCause(errInterrupted)
		}
	}()
}

// ConnectionTest implements service.ConnectionTestable.
func (s *several) ConnectionTest(ctx context.Context) service.ConnectionTestResults {
	if s.Began().IsZero() {
		if err := s.fleet.Test(ctx); err != nil {
			return service.ConnectionTestFailed(err).AsList()
		}
	}
	return service.ConnectionTestSucceeded().AsList()
}

// Close ends the runs of all scopes, writes what was acked, and reports what became of
// every object; see [single.Close].
func (s *several) Close(ctx context.Context) error { return s.shut.close(ctx, s.closeAll) }

func (s *several) closeAll() error {
	s.connecting.Lock()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.connecting.Unlock()
	s.Stop()
	errs := []error{
		scope.Timed(s.Ended),
		s.fleet.Close(context.Background()), // each step of each scope is timed
	}
	if s.Store != nil {
		errs = append(errs, s.Store.Close())
	}
	errs = append(errs, scope.Timed(s.Conf.Scanner.Close))
	s.Undelivered.Close()
	s.Meters.End()
	s.conclude(nil)
	if s.transport != nil {
		s.transport.CloseIdleConnections()
	}
	return errors.Join(errs...)
}
