package input

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/meter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/scope"
)

// single reads one scope. It implements service.BatchInput.
type single struct {
	*hub
	scope *scope.Scope
}

var (
	_ service.BatchInput         = (*single)(nil)
	_ service.ConnectionTestable = (*single)(nil)
)

// newSingle makes the parts of an input with one scope. It makes no request.
func newSingle(conf config.Config, res *service.Resources) (*single, error) {
	h := newHub(conf, res, meter.New(res.Metrics()), scope.Alone)
	endpoint := scope.NewEndpoint(h.Shared, conf, conf.Keys, h.Log, h.Meters, scope.EndpointOptions{})
	only, err := scope.New(endpoint, conf, h.Log, h.Meters, scope.Options{})
	if err != nil {
		return nil, err
	}
	return &single{hub: h, scope: only}, nil
}

// Connect opens the state, gets the credentials, tests that the bucket can be
// listed, and begins the run. An error that only another configuration can fix
// ends every run here, and any other error ends a one-time run. A run that repeats
// tries again. It returns the error at first and every five minutes, so that
// Benthos logs it and shows it on /ready.
func (s *single) Connect(ctx context.Context) error {
	ctx, cancel := s.untilClosed(ctx) // Close needs mu
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || !s.scope.Began().IsZero() {
		return nil
	}
	if !s.attempted {
		s.attempted = true
		if !s.Conf.Plan.Repeats() {
			s.recorded = beginRun(s.scope.Where(), s.abandon, s.progress)
			s.scope.Watch()
		}
		for _, warning := range s.Conf.Project.Warnings {
			s.Log.Warn(warning.Error())
		}
	}
	why, err := s.connect(ctx, s.scope.Reach)
	if err != nil {
		s.scope.SetCause(why) // Close reports it
		return err
	}
	if lasted := s.wait.Lasts(); s.wait.Over() {
		s.Log.Infof("Connected to %s after %s in which that failed", s.scope.Conf.Project.Address(), lasted)
	}
	s.sayStart()
	s.scope.Begin(context.Background(), func() { close(s.Out) }) //nolint:contextcheck // the run goes on after Connect
	return nil
}

// ConnectionTest implements service.ConnectionTestable with a sign-in, if the
// credentials need one, and one small request.
func (s *single) ConnectionTest(ctx context.Context) service.ConnectionTestResults {
	s.mu.Lock() // not while it connects
	idle := s.scope.Began().IsZero()
	s.mu.Unlock()
	if err := s.scope.Test(ctx, idle); err != nil {
		return service.ConnectionTestFailed(err).AsList()
	}
	return service.ConnectionTestSucceeded().AsList()
}

// Close ends the run, writes what was acked, waits for deletions, and reports what
// became of every object. Benthos calls it after the last ack. If ctx ends first,
// closing goes on, so that the state does not stay locked. Another call of Close
// waits for it and returns its result.
func (s *single) Close(ctx context.Context) error { return s.shut.close(ctx, s.closeAll) }

// closeAll closes everything, the most important first: a process may have little
// time to end.
func (s *single) closeAll() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	err := errors.Join(s.scope.Close(), scope.Timed(s.Conf.Scanner.Close))
	s.Undelivered.Close()
	s.Meters.End()
	s.conclude(nil)
	s.scope.Endpoint.Close()
	return err
}

// abandon accounts for a run that has begun and never came to an end.
func (s *single) abandon() { s.conclude(errAbandoned) }

// conclude accounts for the run, once, after its last ack or with the given cause.
func (s *single) conclude(given error) {
	s.scope.Quiet()
	s.mu.Lock()
	run := s.recorded
	s.mu.Unlock()
	cause := s.scope.Cause()
	switch named, ok := s.scope.Named(); {
	case run == nil && cause != nil && !errors.Is(cause, errInterrupted):
		run = &openRun{} // one that repeats, and had to end
	case !ok:
	case s.scope.TargetsEnded():
		run = &openRun{} // it came to its end by itself
	default:
		s.Log.Infof("Read what targets_input named in %s: %s", s.scope.Where(), s.scope.TargetCounts(named))
	}
	run.end(func() Report { return s.account(given) })
}

// account tells what became of a run, in the log and as its report.
func (s *single) account(given error) Report {
	cause, started := s.scope.Cause(), s.scope.Began()
	p, _ := s.scope.Last()
	named, targets := s.scope.Named()
	if targets {
		p = named.Objects
	}
	switch {
	case given != nil && (cause == nil || errors.Is(cause, errInterrupted)):
		cause = given
	case cause == nil && !targets && (started.IsZero() || p.Unsettled() > 0):
		cause = errInterrupted
	}
	if errors.Is(cause, errInterrupted) {
		cause = fmt.Errorf("the one-time run was %w", errInterrupted)
	}
	tell := endTeller()
	sayRead, sayProblem := s.Log.Infof, s.Log.Errorf
	if tell != nil {
		sayRead, sayProblem = s.Log.Debugf, s.Log.Debugf
	}
	report := newReport(s.scope, p, cause)
	if !started.IsZero() {
		report.Took = time.Since(started)
		if targets {
			sayRead("Read what targets_input named in %s, in %s: %s", s.scope.Where(), report.Took.Round(time.Millisecond), s.scope.TargetCounts(named))
		} else {
			sayRead("%s", scope.Summary(s.scope.Where(), p, report.Took))
		}
	}
	if report.Err != nil {
		sayProblem("The run is not complete: %v", report.Err)
	}
	if tell != nil {
		tell(report)
	}
	return report
}

// sayStart is the one line at the beginning.
func (s *single) sayStart() {
	s.Log.Infof("Reading %s of %s as %s (%s)", s.scope.Where(), s.scope.Conf.Project.Address(), s.scope.Conf.Project.Identity, s.scope.Conf.Mode())
	if s.scope.Conf.MoveTo != "" {
		s.Log.Infof("Objects are moved to %q after delivery (%s)", s.scope.Conf.MoveTo, s.scope.Conf.AfterField)
	}
	if s.scope.Conf.DeleteObjects {
		s.Log.Infof("Objects are deleted from the bucket after delivery (%s)", s.scope.Conf.AfterField)
	}
	if s.scope.Conf.Remembers() && !s.scope.Conf.State.Set() {
		s.Log.Warn("There is no state: what was delivered is remembered in memory only, and a restart reads the whole bucket again. Set state.path or state.cache to keep it")
	}
}

// progress is how far the run has come. It is safe for concurrent use, also while the
// input connects.
func (s *single) progress() Progress {
	p := Progress{Label: s.Resources.Label()}
	report, begun := s.scope.Last()
	if !begun {
		p.Waits = s.scope.Connecting()
		return p
	}
	p.Listed, p.Unchanged, p.Filtered = report.Listed, report.Unchanged, report.FilteredTotal()
	p.Delivered, p.Bytes, p.Vanished = report.Delivered, report.Bytes, report.Vanished
	p.Parked, p.UnderWay = report.ParkedTotal(), report.Unsettled()
	switch {
	case report.ListingComplete:
		p.Total = report.Listed
	case report.Tracked > report.Listed:
		p.Total = report.Tracked
	}
	p.Waits = s.scope.Waits(report)
	return p
}
