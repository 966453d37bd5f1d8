package input

import (
	"context"
	"errors"
	"net/http"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/state"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/keys"
)

// unreachableAttempts bounds how often a one-time run tries an endpoint at its
// start if nothing answers, or something else than an S3 server. A name that does
// not resolve, or a web page, is usually a typing error, which should be reported
// soon.
const unreachableAttempts = 4

// Connect opens the state, gets the credentials, tests that the bucket can be
// listed, and begins the run. An error that only another configuration can fix
// ends every run here, and any other error ends a one-time run. A run that repeats
// tries again. It returns the error at first and every five minutes, so that
// Benthos logs it and shows it on /ready.
func (r *reader) Connect(ctx context.Context) error {
	ctx, cancel := r.untilClosed(ctx) // Close needs mu
	defer cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || !r.startedAt.IsZero() {
		return nil
	}
	if !r.attempted {
		r.attempted = true
		if !r.conf.Plan.Repeats() {
			r.recorded = beginRun(r.where(), r.abandon, r.progress)
			r.watcher.begin()
		}
		for _, warning := range r.conf.Project.Warnings {
			r.log.Warn(warning.Error())
		}
	}
	why, err := r.connect(ctx, &r.wait, r.connectOnce)
	if err != nil {
		if why != nil {
			r.cause = why // Close reports it
		}
		return err
	}
	r.sayConnected()
	r.start()
	return nil
}

// connectOnce does what a run needs before it begins. The error names its field
// and remedy. Lasts reports whether only another configuration can fix it.
func (r *reader) connectOnce(ctx context.Context) (err error, lasts bool) {
	err = r.open(ctx)
	if r.stateRead(err); err != nil {
		return err, state.Lasts(r.conf, err)
	}
	if err = r.signIn(ctx); err != nil {
		return err, r.source.Lasts(err)
	}
	if err = r.probe(ctx); err != nil {
		explained := r.explain(ctx, err)
		return explained, errors.Is(err, object.ErrInvalid) || r.source.Lasts(err) || aboutRegion(explained)
	}
	return nil, false
}

// aboutRegion reports whether an error is about the region: new keys do not change
// the field region.
func aboutRegion(err error) bool {
	e, ok := errors.AsType[*supabase.FieldError](err)
	return ok && e.Field == config.FieldRegion
}

// sayConnected logs the end of an outage that was logged.
func (r *reader) sayConnected() {
	if lasted := r.wait.Lasts(); r.wait.Over() {
		r.log.Infof("Connected to %s after %s in which that failed", r.conf.Project.Address(), lasted)
	}
}

// probe makes one small request. A one-time run retries it while the failure may
// pass and retries are left. A run that repeats tries once: Connect retries.
func (r *reader) probe(ctx context.Context) error {
	if r.conf.Plan.Repeats() {
		err := r.probeOnce(ctx)
		if object.Transient(err) {
			r.meters.Retried(err)
		}
		return err
	}
	unreachable := 0
	mayPass := func(err error) bool {
		if errors.Is(err, object.ErrUnreachable) || wrongServer(err) {
			unreachable++
			return unreachable < unreachableAttempts
		}
		return object.Transient(err)
	}
	err := r.conf.Retry.Do(ctx, r.probeOnce, mayPass, func(err error) {
		r.meters.Retried(err)
		r.outages.Failed(err)
	})
	if err == nil {
		r.outages.Ended()
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

func (r *reader) probeOnce(ctx context.Context) error {
	_, _, err := r.client.Probe(ctx, r.conf.Filter.ListPrefix(), retry.Once)
	return err
}

// signIn gets the first keys, and with them what they tell of the project.
func (r *reader) signIn(ctx context.Context) error {
	if _, err := r.source.Credentials(ctx); err != nil {
		return err // it names its field and remedy
	}
	known := r.conf.Project.Warnings
	r.conf.Project = r.project()
	if r.several {
		return nil // it is told of the project
	}
	for _, warning := range r.conf.Project.Warnings.Without(known) {
		r.log.Warn(warning.Error())
	}
	return nil
}

// signOut ends the session that a source began, so that none is left open. It
// fails nothing: a session that stays ends by itself.
func signOut(ctx context.Context, source *keys.Source, log *service.Logger) {
	if err := source.SignOut(ctx); err != nil {
		log.Debugf("The session could not be ended, and is left to expire: %v", err)
	}
}
