package input

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/discover"
	"github.com/seed75cbcda6/supabase-storage/input/internal/fleet"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/outage"
	"github.com/seed75cbcda6/supabase-storage/input/internal/scope"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

// teller tells of the scopes of an input, each thing once when it begins and once
// when it ends, and keeps the book of them. It implements fleet.Watcher.
type teller struct {
	*several
	book *ledger.Book // nil where nothing is remembered
	// stirred holds an element from a call of stir until watch has looked.
	stirred chan struct{}

	mu       sync.Mutex
	listing  outage.Lines        // the projects can't be listed
	projects map[string]*unread  // by reference, or by name where it is none
	looked   map[string]bool     // projects whose buckets are known, by reference
	found    map[string][]string // buckets that are not in the book yet, by project
	odd      map[string][]string // buckets that no request can name, by project
	unnoted  outage.Lines        // the book can't be written
	none     bool                // told that there is nothing to read
	warned   map[string]bool     // warnings about the configuration
	unnamed  map[string]bool     // what was told of projects that have no source
	last     Progress            // as of the last line
	said     int64               // how many objects were settled at the last line
	quiet    int                 // lines that were due since something moved
	alike    map[string]int      // buckets that fail, by what is said of each
	quota    outage.Lines        // of the Management API; it belongs to watch, as last does
	quotaAt  time.Time           // when a project was last seen to wait for it

	// seen says of named buckets in which projects they are, by bucket and reference.
	// LookedBefore counts what was known at the last tick, and absentTold says that it
	// was told which are not there.
	seen         map[string]map[string]bool
	lookedBefore int
	absentTold   bool
}

// unread is a project of which the buckets can't be looked up.
type unread struct {
	of  fleet.Project
	err error
}

// openBook reads which scopes the state holds.
func (m *teller) openBook(ctx context.Context) (err error) {
	if m.Store != nil && m.book == nil {
		m.book, err = ledger.OpenBook(ctx, m.Store, m.Conf.Scope(m.Resources.Label()).Namespace)
	}
	return err
}

// Remembered implements fleet.Source: the buckets that an earlier run has read.
func (s *source) Remembered() (buckets []string) {
	book := s.in.teller.book
	if book == nil {
		return nil
	}
	of := s.Endpoint.Conf
	for _, e := range book.Of(of.Project.Endpoint) {
		meant := e.Bucket == of.Project.Bucket
		if of.Buckets != nil {
			meant = of.Buckets.Match(e.Bucket)
		}
		if meant && e.Gone.IsZero() {
			buckets = append(buckets, e.Bucket)
		}
	}
	return buckets
}

// rememberedProjects are those that an earlier run has read and that were not told of as
// gone.
func (m *teller) rememberedProjects() (all []fleet.Project) {
	if m.book == nil {
		return nil
	}
	known := map[string]bool{}
	for _, e := range m.book.Entries() {
		if e.Gone.IsZero() && e.ProjectRef != "" && !known[e.ProjectRef] {
			known[e.ProjectRef] = true
			all = append(all, fleet.Project{Ref: e.ProjectRef, Name: e.ProjectName})
		}
	}
	return all
}

// write writes into the book, and reports whether that is done.
func (m *teller) write(s *source, gone time.Time, buckets ...string) bool {
	if m.book == nil || len(buckets) == 0 {
		return true
	}
	entries := make([]ledger.BookEntry, len(buckets))
	for i, bucket := range buckets {
		entries[i] = ledger.BookEntry{
			ProjectRef: s.of.Ref, ProjectName: s.of.Name, Endpoint: s.Endpoint.Conf.Project.Endpoint, Bucket: bucket, Gone: gone,
		}
	}
	err := scope.Timed(func(ctx context.Context) error { return m.book.Put(ctx, entries...) })
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		if lasted := m.unnoted.Lasts(); m.unnoted.Over() {
			m.Log.Infof("%s: what is read can be noted again, after %s", m.Conf.State.Field(), lasted)
		}
		return true
	}
	m.unnoted.Once = true
	if m.unnoted.Failed() {
		m.Log.Warnf("%s: what is read could not be noted, and is noted later: %v", m.Conf.State.Field(), err)
	}
	return false
}

// begin says what is read, and tells now and then how far that is.
func (m *teller) begin(ctx context.Context) {
	m.Log.Infof("Reading %s (%s)", m.Conf.Where(), m.Conf.Mode())
	if m.Conf.Remembers() && !m.Conf.State.Set() {
		m.Log.Warn("There is no state: what was delivered is remembered in memory only, and a restart reads all buckets again. Set state.path or state.cache to keep it")
	}
	go m.watch(ctx)
}

// watch shows how many scopes are read, wait or fail, and logs a line on long work. It
// rests while nothing is under way, until stir says that something is again: an input at
// rest does nothing.
func (m *teller) watch(ctx context.Context) {
	look := time.NewTimer(scope.ProgressEvery / 2)
	defer look.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		m.sayAbsent()
		now := m.progress()
		m.showScopes(now.Scopes)
		quota := m.tellQuota()
		if n%2 == 0 {
			m.sayProgress(now)
			if m.Conf.Plan.Repeats() && now.Scopes.Active == 0 && now.UnderWay == 0 && !quota {
				select {
				case <-ctx.Done():
					return
				case <-m.stirred:
				}
			}
		}
		look.Reset(scope.ProgressEvery / 2)
	}
}

// stir has watch look again: a scope has begun or ended something, or what is known of
// one or of a project may have changed.
func (m *teller) stir() {
	select {
	case m.stirred <- struct{}{}:
	default:
	}
}

func (m *teller) showScopes(now Scopes) {
	m.Meters.Scopes(now.Active, now.Waiting, now.Failing, now.Done, now.Gone)
	m.Meters.Projects(now.ProjectsWaiting, now.ProjectsFailing)
}

// sayProgress logs a line where objects were delivered or parked since the last one, or a
// one-time run waits: then at growing distances.
func (m *teller) sayProgress(now Progress) {
	last := m.last
	m.last = now
	settled := m.Settled()
	before := m.said
	m.said = settled
	say := m.Log.Infof
	moved := settled != before || now.Listed != last.Listed || now.Scopes != last.Scopes
	if m.quiet++; moved {
		m.quiet = 0
	}
	switch {
	case m.quiet&(m.quiet-1) != 0: // only the first, second, fourth, eighth ...
		return
	case m.Conf.Plan.Repeats() && settled == before:
		return
	case !m.Conf.Plan.Repeats() && endTeller() != nil:
		say = m.Log.Debugf
	}
	line := fmt.Sprintf("Reading %s: %d listed, %d delivered (%s), %d under way, %d parked; %s",
		m.Conf.Where(), now.Listed, now.Delivered, object.Bytes(now.Bytes), now.UnderWay, now.Parked, now.Scopes)
	if now.Waits != "" {
		line += "; " + now.Waits
	}
	say("%s", line)
}

// ListFailed implements fleet.Watcher.
func (m *teller) ListFailed(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.listing.Once = true
	if m.listing.Failed() {
		m.Log.Warnf("The projects can't be listed for now, and those that are known are read on: %v", err)
	}
}

// Listed implements fleet.Watcher.
func (m *teller) Listed(projects int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if lasted := m.listing.Lasts(); m.listing.Over() {
		m.Log.Infof("The projects can be listed again, after %s: there are %d", lasted, projects)
	}
	if projects == 0 && !m.none {
		m.none = true
		m.Log.Warn(m.noProject().Error())
	}
}

// ProjectFailed implements fleet.Watcher.
func (m *teller) ProjectFailed(p fleet.Project, err error) {
	defer m.stir()
	m.mu.Lock()
	m.projects[cmp.Or(p.Ref, p.Name)] = &unread{p, err}
	m.mu.Unlock()
	if s := m.source(p.Ref); s != nil && (m.Conf.Plan.Repeats() || s.Outages.Cause() != nil) {
		s.Outages.Failed(err)
		return
	}
	// A one-time run does not try again; else the reference is perhaps none.
	line := fmt.Sprintf("%s can't be read: %v", begins(nameOf(p, "")), err)
	m.mu.Lock()
	told := m.unnamed[line]
	m.unnamed[line] = true
	m.mu.Unlock()
	if !told { // it is found in each list
		m.Log.Warn(line)
	}
}

// cannotRead is told of the buckets of a project that can't be read because of their
// names, at each look.
func (m *teller) cannotRead(p fleet.Project, names []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range names {
		if !slices.Contains(m.odd[p.Ref], name) {
			m.Log.Warnf("%s can't be read: %v", begins(nameOf(p, name)), discover.ErrOdd)
		}
	}
	m.odd[p.Ref] = names
}

// warn tells of what is worth a line in a configuration, once for all projects.
func (m *teller) warn(warnings supabase.Problems) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, w := range warnings {
		if !m.warned[w.Field] {
			m.warned[w.Field] = true
			m.Log.Warn(w.Error())
		}
	}
}

// sayNone warns once that there is nothing to read.
func (m *teller) sayNone(text string) {
	m.mu.Lock()
	told := m.none
	m.none = true
	m.mu.Unlock()
	if !told {
		m.Log.Warn(text)
	}
}

// ProjectLooked implements fleet.Watcher.
func (m *teller) ProjectLooked(p fleet.Project, buckets int) {
	defer m.stir()
	m.mu.Lock()
	told := m.projects[p.Ref] != nil
	delete(m.projects, p.Ref)
	m.looked[p.Ref] = true
	found := m.found[p.Ref]
	delete(m.found, p.Ref)
	m.mu.Unlock()
	if s := m.source(p.Ref); s != nil {
		if s.finds() || told && !slices.ContainsFunc(m.all(), func(r *scoped) bool { return r.from == s && r.failed.Load() }) {
			s.Outages.Ended() // else nothing may have been asked
		}
		s.Log.Debugf("%d buckets are to be read", buckets)
		if buckets == 0 && p.Ref == "" {
			m.sayNone(fmt.Sprintf("source_path: no bucket is read now, since none that can be seen matches %q; compare it with the names in the Dashboard under Storage", m.Conf.Buckets))
		}
		if !m.write(s, time.Time{}, found...) { // with the next look, then
			m.mu.Lock()
			m.found[p.Ref] = append(m.found[p.Ref], found...)
			m.mu.Unlock()
		}
	}
}

// Began implements fleet.Watcher.
func (m *teller) Began(p fleet.Project, bucket string, late, back bool) {
	if _, named := m.named(); !named { // whether one is there, its first request tells
		m.mu.Lock()
		m.found[p.Ref] = append(m.found[p.Ref], bucket)
		m.mu.Unlock()
	}
	switch where := begins(nameOf(p, bucket)); {
	case back:
		m.Log.Infof("%s is there again, and is read from now on", where)
	case late:
		m.Log.Infof("%s is new, and is read from now on", where)
	}
}

// Gone implements fleet.Watcher.
func (m *teller) Gone(p fleet.Project, bucket string) {
	defer m.stir()
	what := "what was delivered of it is remembered"
	if m.Conf.EmitDeletes {
		what = "its objects count as deleted, as far as max_delete_ratio allows"
	}
	s := m.source(p.Ref)
	if bucket != "" {
		m.Log.Infof("%s is gone: %s", begins(nameOf(p, bucket)), what)
		return
	}
	m.mu.Lock()
	delete(m.projects, p.Ref)
	delete(m.found, p.Ref)
	delete(m.odd, p.Ref)
	delete(m.looked, p.Ref)
	for _, seen := range m.seen {
		delete(seen, p.Ref)
	}
	m.mu.Unlock()
	m.Log.Infof("%s is gone, with all its buckets: %s", begins(nameOf(p, "")), what)
	if s != nil {
		for _, r := range m.all() {
			if r.from == s {
				r.gone.Store(true)
				r.Doubt() // Storage was not asked
			}
		}
	}
}

// denialsUntold is how often the server may say of a bucket that was there that there is
// none, before that is told as a failure: the next look tells whether it is gone.
const denialsUntold = 3

// Left implements fleet.Watcher.
func (m *teller) Left(p fleet.Project) {
	s := m.source(p.Ref)
	m.mu.Lock()
	delete(m.projects, p.Ref)
	delete(m.found, p.Ref)
	delete(m.odd, p.Ref)
	delete(m.looked, p.Ref)
	for _, seen := range m.seen {
		delete(seen, p.Ref)
	}
	m.mu.Unlock()
	m.Log.Infof("%s is not one of those to be read any more, and is let go: its name or its organization is another. What was delivered of it is remembered", begins(nameOf(p, "")))
	for _, r := range m.all() {
		if r.from == s {
			r.left.Store(true)
		}
	}
}

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
const alikeTold = 10

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
	ctx, cancel := context.WithTimeout(s.from.in.shut.begun, askedFor)
	defer cancel()
	return object.EndpointFault(s.Probe(ctx)) || s.Limiter.Down()
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

// begins is a name at the beginning of a line.
func begins(n ScopeName) string {
	text := n.Sentence()
	return strings.ToUpper(text[:1]) + text[1:]
}

func (s *several) source(ref string) *source {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sources[ref]
}
