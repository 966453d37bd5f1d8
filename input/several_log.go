package input

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/fleet"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

// teller tells of the scopes of an input, each thing once when it begins and once
// when it ends, and keeps the book of them. It implements fleet.Watcher.
type teller struct {
	*several
	book *ledger.Book // nil where nothing is remembered

	mu       sync.Mutex
	listing  outage              // the projects can't be listed
	projects map[string]*unread  // by reference
	found    map[string][]string // buckets that are not in the book yet, by project
	unnoted  outage              // the book can't be written
	none     bool                // told that there is nothing to read
	warned   map[string]bool     // warnings about the configuration
	unnamed  map[string]bool     // what was told of projects that have no source
	last     Progress            // as of the last line

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
	if m.store != nil && m.book == nil {
		m.book, err = ledger.OpenBook(ctx, m.store, m.conf.Scope(m.res.Label()).Namespace)
	}
	return err
}

// Remembered implements fleet.Source: the buckets that an earlier run has read.
func (s *source) Remembered() (buckets []string) {
	book := s.in.teller.book
	if book == nil {
		return nil
	}
	of := s.endpoint.of
	for _, e := range book.Entries() {
		meant := e.Bucket == of.Project.Bucket
		if of.Buckets != nil {
			meant = of.Buckets.Match(e.Bucket)
		}
		if meant && e.Endpoint == of.Project.Endpoint && e.Gone.IsZero() {
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
			ProjectRef: s.of.Ref, ProjectName: s.of.Name, Endpoint: s.endpoint.of.Project.Endpoint, Bucket: bucket, Gone: gone,
		}
	}
	err := timed(func(ctx context.Context) error { return m.book.Put(ctx, entries...) })
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		if lasted := m.unnoted.lasts(); m.unnoted.over() {
			m.log.Infof("%s: what is read can be noted again, after %s", m.conf.State.Field(), lasted)
		}
		return true
	}
	m.unnoted.once = true
	if m.unnoted.failed() {
		m.log.Warnf("%s: what is read could not be noted, and is noted later: %v", m.conf.State.Field(), err)
	}
	return false
}

// begin says what is read, and tells now and then how far that is.
func (m *teller) begin(ctx context.Context) {
	m.log.Infof("Reading %s (%s)", m.conf.Where(), m.conf.Mode())
	if m.conf.Remembers() && !m.conf.State.Set() {
		m.log.Warn("There is no state: what was delivered is remembered in memory only, and a restart reads all buckets again. Set state.path or state.cache to keep it")
	}
	go m.watch(ctx)
}

// watch shows how many scopes are read, wait or fail, and logs a line on long work.
func (m *teller) watch(ctx context.Context) {
	tick := time.NewTicker(progressEvery / 2)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		m.sayAbsent()
		now := m.progress()
		m.showScopes(now.Scopes)
		if n%2 == 0 {
			m.sayProgress(now)
		}
	}
}

// scopeStates are the values of the label state.
var scopeStates = []string{"active", "waiting", "failing", "gone"}

func (m *teller) showScopes(now Scopes) {
	for i, n := range []int{now.Active, now.Waiting, now.Failing, now.Gone} {
		m.meters.scopes.Set(int64(n), scopeStates[i])
	}
}

// sayProgress logs a line where something has moved, or a one-time run waits.
func (m *teller) sayProgress(now Progress) {
	last := m.last
	m.last = now
	say := m.log.Infof
	switch moved := now.Listed != last.Listed || now.Delivered != last.Delivered || now.Parked != last.Parked; {
	case m.conf.Plan.Repeats() && (!moved || now.Delivered == last.Delivered && now.Parked == last.Parked):
		return
	case !m.conf.Plan.Repeats() && endTeller() != nil:
		say = m.log.Debugf
	}
	line := fmt.Sprintf("Reading %s: %d listed, %d delivered (%s), %d under way, %d parked; %s",
		m.conf.Where(), now.Listed, now.Delivered, object.Bytes(now.Bytes), now.UnderWay, now.Parked, stateWords(now.Scopes))
	if now.Waits != "" {
		line += "; " + now.Waits
	}
	say("%s", line)
}

// stateWords says how many buckets are in each state.
func stateWords(s Scopes) string {
	line := fmt.Sprintf("%d buckets, %d of them being read", s.Total(), s.Active)
	if s.Failing > 0 {
		line += fmt.Sprintf(", %d failing", s.Failing)
	}
	if s.Gone > 0 {
		line += fmt.Sprintf(", %d gone", s.Gone)
	}
	return line
}

// ListFailed implements fleet.Watcher.
func (m *teller) ListFailed(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.listing.once = true
	if m.listing.failed() {
		m.log.Warnf("The projects can't be listed for now, and those that are known are read on: %v", err)
	}
}

// Listed implements fleet.Watcher.
func (m *teller) Listed(projects int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if lasted := m.listing.lasts(); m.listing.over() {
		m.log.Infof("The projects can be listed again, after %s: there are %d", lasted, projects)
	}
	if projects == 0 && !m.none {
		m.none = true
		m.log.Warn(m.noProject().Error())
	}
}

// ProjectFailed implements fleet.Watcher.
func (m *teller) ProjectFailed(p fleet.Project, err error) {
	m.mu.Lock()
	m.projects[p.Ref] = &unread{p, err}
	m.mu.Unlock()
	if s := m.source(p.Ref); s != nil {
		s.outages.failed(err)
		return
	}
	line := fmt.Sprintf("%s can't be read: %v", nameOf(p), err) // perhaps its reference is none
	m.mu.Lock()
	told := m.unnamed[line]
	m.unnamed[line] = true
	m.mu.Unlock()
	if !told { // it is found in each list
		m.log.Warn(line)
	}
}

// warn tells of what is worth a line in a configuration, once for all projects.
func (m *teller) warn(warnings supabase.Problems) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, w := range warnings {
		if !m.warned[w.Field] {
			m.warned[w.Field] = true
			m.log.Warn(w.Error())
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
		m.log.Warn(text)
	}
}

// ProjectLooked implements fleet.Watcher.
func (m *teller) ProjectLooked(p fleet.Project, buckets int) {
	m.mu.Lock()
	delete(m.projects, p.Ref)
	found := m.found[p.Ref]
	delete(m.found, p.Ref)
	m.mu.Unlock()
	if s := m.source(p.Ref); s != nil {
		s.outages.ended()
		s.log.Debugf("%d buckets are to be read", buckets)
		if buckets == 0 && p.Ref == "" {
			m.sayNone(fmt.Sprintf("source_path: no bucket is read now, since none that can be seen matches %q; compare it with the names in the Dashboard under Storage", m.conf.Buckets))
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
	switch where := placeOf(p, bucket); {
	case back:
		m.log.Infof("%s is there again, and is read from now on", where)
	case late:
		m.log.Infof("%s is new, and is read from now on", where)
	}
}

// Gone implements fleet.Watcher.
func (m *teller) Gone(p fleet.Project, bucket string) {
	what := "what was delivered of it is remembered"
	if m.conf.EmitDeletes {
		what = "its objects count as deleted, as far as max_delete_ratio allows"
	}
	s := m.source(p.Ref)
	if bucket != "" {
		m.log.Infof("%s is gone: %s", placeOf(p, bucket), what)
		return
	}
	m.mu.Lock()
	delete(m.projects, p.Ref)
	delete(m.found, p.Ref)
	m.mu.Unlock()
	m.log.Infof("%s is gone, with all its buckets: %s", nameOf(p), what)
	if s != nil {
		for _, r := range m.all() {
			if r.from == s {
				r.gone.Store(true)
				r.doubtful.Store(true) // Storage was not asked
			}
		}
	}
}

// denialsUntold is how often the server may say of a bucket that was there that there is
// none, before that is told as a failure: the next look tells whether it is gone.
const denialsUntold = 3

// fails is told of a scope that could not be reached, or of which a pass ended early. What
// is wrong with the project is told of the project, once for all its buckets.
func (m *teller) fails(s *scoped, err error) {
	s.failed.Store(true)
	_, lasted := s.limiter.Outages()
	if lasted != nil && errors.Is(err, lasted) || s.limiter.Down() || errors.Is(err, object.ErrCredentials) || errors.Is(err, object.ErrUnreachable) {
		s.outages.failed(err)
		return
	}
	if errors.Is(err, object.ErrNoBucket) && s.denials.Add(1) <= denialsUntold && s.from.existed(s.conf.Project.Bucket) {
		s.log.Debugf("%s seems to be gone: %v", placeOf(s.from.of, s.conf.Project.Bucket), err)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.trouble.failed() {
		s.log.Warnf("%s can't be read, and is tried again: %v", placeOf(s.from.of, s.conf.Project.Bucket), err)
	}
}

// works is told of a scope that was reached, and of each pass that came to its end.
func (m *teller) works(s *scoped) {
	if !s.failed.Swap(false) {
		return
	}
	s.outages.ended()
	m.mu.Lock()
	defer m.mu.Unlock()
	if lasted := s.trouble.lasts(); s.trouble.over() {
		s.log.Infof("%s can be read again, after %s", placeOf(s.from.of, s.conf.Project.Bucket), lasted)
	}
}

// placeOf names a bucket at the beginning of a line.
func placeOf(p fleet.Project, bucket string) string {
	if p.Ref == "" {
		return fmt.Sprintf("Bucket %q", bucket)
	}
	return fmt.Sprintf("Bucket %q of %s", bucket, nameOf(p))
}

func (s *several) source(ref string) *source {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sources[ref]
}
