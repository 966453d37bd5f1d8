package input

import (
	"context"
	"slices"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/keys"
)

// oneTimePatience is how long a one-time run waits for its keys, such as those
// of a project that is being restored. Other runs wait as long as it takes.
const oneTimePatience = 10 * time.Minute

// patience is how long keys are waited for, zero for as long as it takes.
func (c config) patience() time.Duration {
	if c.plan.Repeats() {
		return 0
	}
	return oneTimePatience
}

// newSource wires where the keys come from, for a watcher that may be nil. It
// makes no request.
func newSource(conf config, patience time.Duration, watcher keys.Watcher) *keys.Source {
	return keys.New(keys.Options{
		Settings: conf.settings, Project: conf.project,
		TLS: conf.tls, Transport: conf.transport,
		ConnectTimeout: conf.connectTimeout, Timeout: conf.responseTimeout,
		Patience: patience, Watcher: watcher,
	})
}

// signIn gets the first keys, and with them what they tell of the project.
func (r *reader) signIn(ctx context.Context) error {
	if _, err := r.source.Credentials(ctx); err != nil {
		return err // it names its field and remedy
	}
	known := r.conf.project.Warnings
	r.conf.project = r.source.Project()
	for _, warning := range r.conf.project.Warnings {
		if !slices.Contains(known, warning) {
			r.log.Warn(warning)
		}
	}
	return nil
}

// signOutTimeout bounds how long the end of a run or a check waits for Auth.
const signOutTimeout = 5 * time.Second

// signOut ends the session that a source began, so that none is left open. It
// fails nothing: a session that stays ends by itself.
func signOut(ctx context.Context, source *keys.Source, log *service.Logger) {
	ctx, cancel := context.WithTimeout(ctx, signOutTimeout)
	defer cancel()
	if err := source.SignOut(ctx); err != nil {
		log.Debugf("The session could not be ended, and is left to expire: %v", err)
	}
}

// keyWatcher implements keys.Watcher. The source calls it from one goroutine at
// a time.
type keyWatcher struct {
	r      *reader
	outage outage
}

// Renewed implements keys.Watcher.
func (w *keyWatcher) Renewed(p supabase.Project, rejected bool) {
	if !p.Expires.IsZero() {
		w.r.meters.credentialsEnd.Set(p.Expires.Unix())
	}
	if rejected {
		w.r.log.Infof("The server refused the credentials, and they were renewed, for %s", p.Identity)
		return
	}
	w.r.log.Debugf("Signing requests as %s", p.Identity)
}

// Delayed implements keys.Watcher.
func (w *keyWatcher) Delayed(err error, until time.Time) {
	switch told := w.outage.failed(); {
	case !told:
		w.r.log.Debugf("No credentials yet: %v", err)
	case w.outage.lasts() > 0:
		w.r.log.Warnf("Still waiting for the credentials, for %s so far: %v", w.outage.lasts(), err)
	case until.IsZero():
		w.r.log.Warnf("Waiting for the credentials: %v", err)
	default:
		w.r.log.Warnf("The credentials could not be renewed yet, and are good until %s: %v", until.UTC().Format(time.RFC3339), err)
	}
}

// Recovered implements keys.Watcher.
func (w *keyWatcher) Recovered(after time.Duration) {
	if w.outage.over() {
		w.r.log.Infof("The credentials were obtained after %s in which they could not be had", after.Round(time.Second))
	}
}

// Expiring implements keys.Watcher.
func (w *keyWatcher) Expiring(p supabase.Project, left time.Duration) {
	w.r.log.Warnf("The token in credentials expires on %s, in %s, and requests fail from then on: write a new one in time, or use credentials that are renewed by themselves (type: %s or %s)",
		p.Expires.UTC().Format(time.RFC3339), left.Round(time.Second), supabase.TypeUser, supabase.TypeAccessToken)
}
