package input

import (
	"context"
	"slices"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/keys"
)

// oneTimePatience is how long a one-time run waits for its keys, such as those
// of a project that is being restored. Other runs have all the time.
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

// The least time between two warnings about keys that are waited for: any two,
// and two that say the same.
const (
	delayEvery     = time.Minute
	sameDelayEvery = 5 * time.Minute
)

// keyWatcher implements keys.Watcher. The source calls it from one goroutine at
// a time.
type keyWatcher struct {
	r        *reader
	delay    string // what Delayed said last
	toldLast time.Time
}

// Renewed implements keys.Watcher.
func (w *keyWatcher) Renewed(p supabase.Project, rejected bool) {
	if !p.Expires.IsZero() {
		w.r.meters.credentialsEnd.Set(p.Expires.Unix())
	}
	w.delay = ""
	if rejected {
		w.r.log.Infof("The server refused the credentials, and they were renewed (role: %s)", p.Identity())
		return
	}
	w.r.log.Debugf("Signing requests as %s", p.Identity())
}

// Delayed implements keys.Watcher.
func (w *keyWatcher) Delayed(err error, until time.Time) {
	text := "Waiting for the credentials"
	if !until.IsZero() {
		text = "The credentials could not be renewed yet, and are good until " + until.UTC().Format(time.RFC3339)
	}
	text += ": " + err.Error()
	pause := delayEvery
	if text == w.delay {
		pause = sameDelayEvery
	}
	if w.delay != "" && time.Since(w.toldLast) < pause {
		w.r.log.Debug(text)
		return
	}
	w.delay, w.toldLast = text, time.Now()
	w.r.log.Warn(text)
}

// Expiring implements keys.Watcher.
func (w *keyWatcher) Expiring(p supabase.Project, left time.Duration) {
	w.r.log.Warnf("The token in credentials expires on %s, in %s, and requests fail from then on: write a new one in time, or use credentials that are renewed by themselves (type: %s or %s)",
		p.Expires.UTC().Format(time.RFC3339), left.Round(time.Second), supabase.TypeUser, supabase.TypeAccessToken)
}
