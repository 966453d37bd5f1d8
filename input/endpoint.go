package input

import (
	"context"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/fleet"
	"github.com/seed75cbcda6/supabase-storage/input/internal/limiter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/meter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/outage"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/keys"
)

// endpoint is what all scopes of one project share: its keys, and how much its server
// bears.
type endpoint struct {
	*hub
	of      config.Config // as it was at the start
	log     *service.Logger
	meters  *meter.Set
	source  *keys.Source
	gate    *retry.Gate // of the host, for all requests to it
	limiter *limiter.Limiter
	outages *outage.Log
	// keysFail holds up everything.
	keysFail outage.Reason
	// turn is that of the project among several; nil where there is one.
	turn *fleet.Turn
	// probe makes a request that shows whether the endpoint answers. It is set before
	// the first request.
	probe func(context.Context) error
}

// keysFrom makes where the keys come from.
type keysFrom func(patience time.Duration, watcher keys.Watcher) *keys.Source

// newEndpoint makes no request.
func newEndpoint(h *hub, conf config.Config, from keysFrom, log *service.Logger, m *meter.Set) *endpoint {
	e := &endpoint{hub: h, of: conf, log: log, meters: m, gate: new(retry.Gate)}
	e.outages = &outage.Log{
		To: log, What: conf.Project.Address(), Once: h.several,
		Failing: m.EndpointFailing.Flag,
	}
	watcher := &keyWatcher{e: e, lines: outage.Lines{Once: h.several}}
	e.source = from(patience(conf), watcher)
	e.limiter = limiter.New(h.shut.begun, limiter.Options{
		MaxDownloads: conf.MaxDownloads, MaxPages: pagesAtOnce(conf),
		Probe:    func(ctx context.Context) error { return e.probe(ctx) },
		Patience: conf.Retry.Patience(), Meter: endpointMeter{m, e},
	})
	return e
}

// whose says of which project something is, "" where there is one.
func (e *endpoint) whose() string {
	if e.conf.Projects == nil {
		return ""
	}
	return " of " + e.outages.What
}

// pagesAtOnce is for how many pages of listings an endpoint is asked at a time. Several
// buckets are listed side by side, each with max_listers at the most.
func pagesAtOnce(conf config.Config) int {
	listers := listing.MaxListers(conf.Listers())
	if conf.Several() {
		return max(listers, listing.DefaultListers)
	}
	return listers
}

// enter waits for the turn of a list; nil where there is no other scope.
func (e *endpoint) enter() func(context.Context) (leave func(), err error) {
	if e.turn == nil {
		return nil
	}
	return e.turn.Enter
}

// close ends the session that the keys began.
func (e *endpoint) close() { signOut(context.Background(), e.source, e.log) }

// endpointMeter implements limiter.Meter.
type endpointMeter struct {
	*meter.Set
	endpoint *endpoint
}

// Down implements limiter.Meter.
func (m endpointMeter) Down(err error) {
	m.endpoint.outages.Failed(m.endpoint.source.Project().Explain(err, ""))
	m.endpoint.rests(fleet.NoAnswer, true)
}

// Up implements limiter.Meter.
func (m endpointMeter) Up() {
	m.endpoint.rests(fleet.NoAnswer, false)
	if _, givenUp := m.endpoint.limiter.Outages(); givenUp == nil || !m.endpoint.several {
		m.endpoint.outages.Ended()
	}
}

// rests says whether the project can't be read for now, and so needs no turn.
func (e *endpoint) rests(why fleet.Why, now bool) {
	switch {
	case e.turn == nil:
	case now:
		e.turn.Down(why)
	default:
		e.turn.Up(why)
	}
}

// oneTimePatience is how long a one-time run waits for its keys, such as those
// of a project that is being restored. Other runs have all the time.
const oneTimePatience = 10 * time.Minute

// patience is how long keys are waited for, zero for as long as it takes.
func patience(conf config.Config) time.Duration {
	if conf.Plan.Repeats() {
		return 0
	}
	return oneTimePatience
}

// keyWatcher implements keys.Watcher. The source calls it from one goroutine at
// a time.
type keyWatcher struct {
	e     *endpoint
	lines outage.Lines
}

// Renewed implements keys.Watcher.
func (w *keyWatcher) Renewed(p supabase.Project, rejected bool) {
	w.e.meters.CredentialsEnd.SetTime(p.Expires)
	w.e.meters.CredentialsFailing.Set(0)
	if rejected && !w.e.several { // of one among many it is told if that has taken long
		w.e.log.Infof("The server refused the credentials, and they were renewed, for %s", p.Identity)
		return
	}
	w.e.log.Debugf("Signing requests as %s", p.Identity)
}

// Delayed implements keys.Watcher.
func (w *keyWatcher) Delayed(err error, until time.Time) {
	w.e.meters.CredentialsFailing.Set(1)
	if until.IsZero() {
		w.e.keysFail.Set(err)
		w.e.rests(fleet.NoKeys, true)
	}
	switch told := w.lines.Failed(); {
	case !told:
		w.e.log.Debugf("Credentials could not be had: %v", err)
	case w.lines.Lasts() > 0:
		w.e.log.Warnf("Still waiting for the credentials%s, for %s so far: %v", w.e.whose(), w.lines.Lasts(), err)
	case until.IsZero():
		w.e.log.Warnf("Waiting for the credentials%s: %v", w.e.whose(), err)
	default:
		w.e.log.Warnf("The credentials%s could not be renewed yet, and are good until %s: %v", w.e.whose(), until.UTC().Format(time.RFC3339), err)
	}
}

// Recovered implements keys.Watcher.
func (w *keyWatcher) Recovered(after time.Duration) {
	w.e.meters.CredentialsFailing.Set(0)
	w.e.keysFail.Clear()
	w.e.rests(fleet.NoKeys, false)
	if w.lines.Over() {
		w.e.log.Infof("The credentials%s were obtained after %s in which they could not be had", w.e.whose(), after.Round(time.Second))
	}
}

// Expiring implements keys.Watcher.
func (w *keyWatcher) Expiring(p supabase.Project, left time.Duration) {
	w.e.log.Warnf("The token in credentials expires on %s, in %s, and requests fail from then on: write a new one in time, or use credentials that are renewed by themselves (type: %s or %s)",
		p.Expires.UTC().Format(time.RFC3339), left.Round(time.Second), supabase.TypeUser, supabase.TypeAccessToken)
}
