package scope

import (
	"cmp"
	"context"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/limiter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/meter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/outage"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/keys"
)

// Endpoint is what all scopes of one project share: its keys, and how much its server
// bears.
type Endpoint struct {
	*Shared
	Conf    config.Config // of the project, as it was at the start
	Log     *service.Logger
	Meters  *meter.Set
	Keys    *keys.Source
	Gate    *retry.Gate // of the host, for all requests to it
	Limiter *limiter.Limiter
	Outages *outage.Log
	// Probe makes a request that shows whether the endpoint answers. It is set before
	// the first request; a scope that finds none sets its own.
	Probe func(context.Context) error

	opts EndpointOptions
	// keysFail is why keys are waited for, which holds up all requests.
	keysFail outage.Reason
}

// EndpointOptions are of one project among many. The zero options are for one.
type EndpointOptions struct {
	// Name is what requests wait for, in the log; "" stands for the address.
	Name string
	// Enter waits until the project may be asked for a list, and Begin until a pass may
	// hold something of it; nil where nobody else has a turn.
	Enter func(context.Context) (leave func(), err error)
	Begin func(context.Context) (room listing.Room, leave func(), err error)
	// NoAnswer and NoKeys, which may be nil, are told when the project can't be read for
	// now, and when that is over: its server does not answer, or there are no keys for it.
	NoAnswer, NoKeys func(now bool)
}

// KeysFrom makes where the keys come from.
type KeysFrom func(patience time.Duration, watcher keys.Watcher) *keys.Source

// NewEndpoint makes no request.
func NewEndpoint(s *Shared, conf config.Config, from KeysFrom, log *service.Logger, m *meter.Set, o EndpointOptions) *Endpoint {
	e := &Endpoint{Shared: s, Conf: conf, Log: log, Meters: m, Gate: new(retry.Gate), opts: o}
	e.Outages = &outage.Log{To: log, What: cmp.Or(o.Name, conf.Project.Address()), Lines: s.Voice.lines(), Failing: m.EndpointFailing.Flag}
	e.Keys = from(patience(conf), &keyWatcher{endpoint: e, lines: s.Voice.lines()})
	e.Limiter = limiter.New(s.closing, limiter.Options{
		MaxDownloads: conf.MaxDownloads, MaxPages: PagesAtOnce(conf),
		Probe:    func(ctx context.Context) error { return e.Probe(ctx) },
		Patience: conf.Retry.Patience(), Meter: endpointMeter{m, e},
	})
	return e
}

// Whose says of which project something is, "" where there is one.
func (e *Endpoint) Whose() string {
	if e.Shared.Conf.Projects == nil {
		return ""
	}
	return " of " + e.Outages.What
}

// PagesAtOnce is for how many pages of listings an endpoint is asked at a time. Several
// buckets are listed side by side, each with max_listers at the most.
func PagesAtOnce(conf config.Config) int {
	listers := listing.MaxListers(conf.Listers())
	if conf.Several() {
		return max(listers, listing.DefaultListers)
	}
	return listers
}

// KeysFail is why keys are waited for; nil where they are there.
func (e *Endpoint) KeysFail() error { return e.keysFail.Get() }

// Close ends the session that the keys began.
func (e *Endpoint) Close() { SignOut(context.Background(), e.Keys, e.Log) }

// SignOut ends the session that a source began, so that none is left open. It
// fails nothing: a session that stays ends by itself.
func SignOut(ctx context.Context, source *keys.Source, log *service.Logger) {
	if err := source.SignOut(ctx); err != nil {
		log.Debugf("The session could not be ended, and is left to expire: %v", err)
	}
}

// endpointMeter implements limiter.Meter.
type endpointMeter struct {
	*meter.Set
	endpoint *Endpoint
}

// Down implements limiter.Meter.
func (m endpointMeter) Down(err error) {
	m.endpoint.Outages.Failed(m.endpoint.Keys.Project().Explain(err, ""))
	m.endpoint.rests(m.endpoint.opts.NoAnswer, true)
}

// Up implements limiter.Meter.
func (m endpointMeter) Up() {
	m.endpoint.rests(m.endpoint.opts.NoAnswer, false)
	if _, givenUp := m.endpoint.Limiter.Outages(); givenUp == nil || m.endpoint.Voice.alone() {
		m.endpoint.Outages.Ended()
	}
}

// rests tells the owner whether the project can't be read for now.
func (e *Endpoint) rests(tell func(now bool), now bool) {
	if tell != nil {
		tell(now)
	}
}

// OneTimePatience is how long a one-time run waits for its keys, such as those
// of a project that is being restored. Other runs have all the time.
const OneTimePatience = 10 * time.Minute

// patience is how long keys are waited for, zero for as long as it takes.
func patience(conf config.Config) time.Duration {
	if conf.Plan.Repeats() {
		return 0
	}
	return OneTimePatience
}

// keyWatcher implements keys.Watcher. The source calls it from one goroutine at
// a time.
type keyWatcher struct {
	endpoint *Endpoint
	lines    outage.Lines
}

// Renewed implements keys.Watcher.
func (w *keyWatcher) Renewed(p supabase.Project, rejected bool) {
	w.endpoint.Meters.CredentialsEnd.SetTime(p.Expires)
	w.endpoint.Meters.CredentialsFailing.Set(0)
	if rejected && w.endpoint.Voice.alone() { // of one among many it is told if that has taken long
		w.endpoint.Log.Infof("The server refused the credentials, and they were renewed, for %s", p.Identity)
		return
	}
	w.endpoint.Log.Debugf("Signing requests as %s", p.Identity)
}

// Delayed implements keys.Watcher.
func (w *keyWatcher) Delayed(err error, until time.Time) {
	w.endpoint.Meters.CredentialsFailing.Set(1)
	if until.IsZero() {
		w.endpoint.keysFail.Set(err)
		w.endpoint.rests(w.endpoint.opts.NoKeys, true)
	}
	switch told := w.lines.Failed(); {
	case !told:
		w.endpoint.Log.Debugf("Credentials could not be had: %v", err)
	case w.lines.Lasts() > 0:
		w.endpoint.Log.Warnf("Still waiting for the credentials%s, for %s so far: %v", w.endpoint.Whose(), w.lines.Lasts(), err)
	case until.IsZero():
		w.endpoint.Log.Warnf("Waiting for the credentials%s: %v", w.endpoint.Whose(), err)
	default:
		w.endpoint.Log.Warnf("The credentials%s could not be renewed yet, and are good until %s: %v", w.endpoint.Whose(), until.UTC().Format(time.RFC3339), err)
	}
}

// Recovered implements keys.Watcher.
func (w *keyWatcher) Recovered(after time.Duration) {
	w.endpoint.Meters.CredentialsFailing.Set(0)
	w.endpoint.keysFail.Clear()
	w.endpoint.rests(w.endpoint.opts.NoKeys, false)
	if w.lines.Over() {
		w.endpoint.Log.Infof("The credentials%s were obtained after %s in which they could not be had", w.endpoint.Whose(), after.Round(time.Second))
	}
}

// Expiring implements keys.Watcher.
func (w *keyWatcher) Expiring(p supabase.Project, left time.Duration) {
	w.endpoint.Log.Warnf("The token in credentials expires on %s, in %s, and requests fail from then on: write a new one in time, or use credentials that are renewed by themselves (type: %s or %s)",
		p.Expires.UTC().Format(time.RFC3339), left.Round(time.Second), supabase.TypeUser, supabase.TypeAccessToken)
}
