package input

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/scope"
)

// denialsUntold is how often the server may say of a bucket that was there that there is
// none, before that is told as a failure: the next look tells whether it is gone. Two
// refused passes have the bucket asked for by its name (mayBeAbsent), and a third one may
// come before that.
const denialsUntold = 3

// fails is told of a scope that could not be reached, or of which a pass ended early. What
// is wrong with the project is told of the project, once for all its buckets.
func (m *teller) fails(s *scoped, err error) {
	s.failed.Store(true)
	m.stir()
	if s.isOfProject(err) {
		s.Outages.Failed(err)
		return
	}
	if errors.Is(err, object.ErrNoBucket) && s.denials.Add(1) <= denialsUntold && s.from.existed(s.bucket) {
		s.Log.Debugf("%s seems to be gone: %v", begins(s.name()), err)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !s.trouble.Failed() {
		return
	}
	again := ""
	if m.Conf.Plan.Repeats() {
		again = ", and is tried again"
	}
	s.alike = s.name().General(err.Error())
	m.alike[s.alike]++
	switch n := m.alike[s.alike]; {
	case n <= alikeTold:
		s.Log.Warnf("%s can't be read%s: %v", begins(s.name()), again, err)
		return
	case n == alikeTold+1:
		m.Log.Warnf("More buckets can't be read for the same reason as %s: the log names them at the level DEBUG, and check tests each", s.name().Sentence())
	}
	s.quiet = true
	s.Log.Debugf("%s can't be read%s: %v", begins(s.name()), again, err)
}

// alikeTold is how many buckets that fail for the same reason have a line each.
const alikeTold = scope.LinesOfAKind

// askedFor is how long a project is asked whether it works, before it counts as one that
// does: its own requests have longer.
const askedFor = 10 * time.Second

// isOfProject reports whether a scope failed with something that is wrong with all of its
// project. Where the error does not say so, one question does: buckets that are read
// seldom may fail one by one without the limiter ever counting an outage.
func (s *scoped) isOfProject(err error) bool {
	_, lasted := s.Limiter.Outages()
	switch {
	case lasted != nil && errors.Is(err, lasted), s.Limiter.Down(), aboutProject(err), errors.Is(err, object.ErrCredentials), errors.Is(err, object.ErrUnreachable):
		return true
	case !s.Conf.Plan.Repeats() || !object.EndpointFault(err):
		return false
	case s.Outages.Cause() != nil:
		return true
	}
	down, _, _ := s.from.asked.Do("", func() (any, error) {
		ctx, cancel := context.WithTimeout(s.from.in.shut.begun, askedFor)
		defer cancel()
		return object.EndpointFault(s.Probe(ctx)) || s.Limiter.Down(), nil
	})
	return down.(bool)
}

// aboutProject reports whether an answer for one bucket is the same for all of them: the
// project is paused or restricted, or the CDN does not reach its server.
func aboutProject(err error) bool {
	const paused, firstOfCDN, lastOfCDN = 540, 520, 530
	e, ok := errors.AsType[*object.Error](err)
	return ok && (e.Status == http.StatusPaymentRequired || e.Status == paused || e.Status >= firstOfCDN && e.Status <= lastOfCDN)
}

// works is told of a scope that was reached, and of each pass that came to its end.
func (m *teller) works(s *scoped) {
	if !s.failed.Swap(false) {
		return
	}
	m.stir()
	s.Outages.Ended()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.settles(s)
	say := s.Log.Infof
	if s.quiet {
		say = s.Log.Debugf
	}
	s.quiet = false
	if lasted := s.trouble.Lasts(); s.trouble.Over() && !s.gone.Load() {
		say("%s can be read again, after %s", begins(s.name()), lasted)
	}
}

// settles takes a bucket out of the count of those that fail for the same reason. The lock
// is held.
func (m *teller) settles(s *scoped) {
	if s.alike == "" {
		return
	}
	if m.alike[s.alike]--; m.alike[s.alike] <= 0 {
		delete(m.alike, s.alike)
	}
	s.alike = ""
}
