package scope

import (
	"context"
	"errors"
	"net/http"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/state"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

// UnreachableAttempts bounds how often a one-time run tries an endpoint at its
// start if nothing answers, or something else than an S3 server. A name that does
// not resolve, or a web page, is usually a typing error, which should be reported
// soon.
const UnreachableAttempts = 4

// Reach does what a run needs before it begins. The error names its field
// and remedy. Lasts reports whether only another configuration can fix it.
func (s *Scope) Reach(ctx context.Context) (err error, lasts bool) {
	err = s.open(ctx)
	if s.stateRead(err); err != nil {
		return err, state.Lasts(s.Conf, err)
	}
	if err = s.signIn(ctx); err != nil {
		return err, s.Keys.Lasts(err)
	}
	if err = s.probe(ctx); err != nil {
		explained := s.Explain(ctx, err)
		return explained, errors.Is(err, object.ErrInvalid) || s.Keys.Lasts(err) || aboutRegion(explained)
	}
	return nil, false
}

// aboutRegion reports whether an error is about the region: new keys do not change
// the field region.
func aboutRegion(err error) bool {
	e, ok := errors.AsType[*supabase.FieldError](err)
	return ok && e.Field == config.FieldRegion
}

// probe makes one small request. A one-time run retries it while the failure may
// pass and retries are left. A run that repeats tries once: Connect retries.
func (s *Scope) probe(ctx context.Context) error {
	if s.Conf.Plan.Repeats() {
		err := s.probeOnce(ctx)
		if object.Transient(err) {
			s.Meters.Retried(err)
		}
		return err
	}
	unreachable := 0
	mayPass := func(err error) bool {
		if errors.Is(err, object.ErrUnreachable) || wrongServer(err) {
			unreachable++
			return unreachable < UnreachableAttempts
		}
		return object.Transient(err)
	}
	err := s.Conf.Retry.Do(ctx, s.probeOnce, mayPass, func(err error) {
		s.Meters.Retried(err)
		s.Outages.Failed(err)
	})
	if err == nil {
		s.Outages.Ended()
	}
	return err
}

// wrongServer reports whether an answer comes neither from an S3 server nor from a
// proxy in front of a failing one. A paused project, or a project over its quota,
// also counts: it answers the same for a long time.
func wrongServer(err error) bool {
	e, ok := errors.AsType[*object.Error](err)
	if !ok || errors.Is(err, object.ErrThrottled) {
		return false
	}
	const paused = 540
	isOther := errors.Is(err, object.ErrNotS3) || errors.Is(err, object.ErrOversized)
	return isOther && e.Status < http.StatusInternalServerError || e.Status == http.StatusPaymentRequired || e.Status == paused
}

func (s *Scope) probeOnce(ctx context.Context) error {
	_, _, err := s.client.Probe(ctx, s.Conf.Filter.ListPrefix(), retry.Once)
	return err
}

// signIn gets the first keys, and with them what they tell of the project.
func (s *Scope) signIn(ctx context.Context) error {
	if _, err := s.Keys.Credentials(ctx); err != nil {
		return err // it names its field and remedy
	}
	known := s.Conf.Project.Warnings
	s.Conf.Project = s.project()
	if !s.Voice.alone() {
		return nil // it is told of the project
	}
	for _, warning := range s.Conf.Project.Warnings.Without(known) {
		s.Log.Warn(warning.Error())
	}
	return nil
}

// Test signs in, if the credentials need it, and makes one small request. Idle says that
// no run needs the session that this begins.
func (s *Scope) Test(ctx context.Context, idle bool) error {
	if idle {
		defer SignOut(ctx, s.Keys, s.Log)
	}
	if err := s.Keys.Test(ctx); err != nil {
		return err
	}
	return s.Explain(ctx, s.probeOnce(ctx))
}

// BucketGone asks whether the bucket is there no more.
func (s *Scope) BucketGone(ctx context.Context) bool {
	_, _, err := s.client.Probe(ctx, "", retry.Once)
	return errors.Is(err, object.ErrNoBucket)
}
