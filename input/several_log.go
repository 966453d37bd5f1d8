package input

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/discover"
	"github.com/seed75cbcda6/supabase-storage/input/internal/fleet"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/outage"
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
	listing  outage.Lines              // the projects can't be listed
	projects map[string]*failedProject // by reference, or by name where it is none
	looked   map[string]bool           // projects whose buckets are known, by reference
	found    map[string][]string       // buckets that are not in the book yet, by project
	odd      map[string][]string       // buckets that no request can name, by project
	unnoted  outage.Lines              // the book can't be written
	told     map[string]bool           // what is told once, see once
	alike    map[string]int            // buckets that fail, by what is said of each
	// seen says of named buckets in which projects they are, by bucket and reference.
	seen map[string]map[string]bool

	// What follows belongs to watch.
	last    Progress     // as of the last line
	said    int64        // how many objects were settled at the last line
	quiet   int          // lines that were due since something moved
	quota   outage.Lines // of the Management API
	quotaAt time.Time    // when a project was last seen to wait for it
	// lookedBefore counts the elements of seen at the last tick, and absentTold says that
	// the log has which buckets are not there.
	lookedBefore int
	absentTold   bool
}

// failedProject is one of which the buckets can't be looked up.
type failedProject struct {
	of  fleet.Project
	err error
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
	if lasted := m.listing.Lasts(); m.listing.Over() {
		m.Log.Infof("The projects can be listed again, after %s: there are %d", lasted, projects)
	}
	m.mu.Unlock()
	if projects == 0 {
		m.once("none", m.noProject().Error())
	}
}

// once warns of something the first time.
func (m *teller) once(what, line string) {
	m.mu.Lock()
	told := m.told[what]
	m.told[what] = true
	m.mu.Unlock()
	if !told {
		m.Log.Warn(line)
	}
}

// ProjectFailed implements fleet.Watcher.
func (m *teller) ProjectFailed(p fleet.Project, err error) {
	defer m.stir()
	m.mu.Lock()
	m.projects[cmp.Or(p.Ref, p.Name)] = &failedProject{p, err}
	m.mu.Unlock()
	if s := m.source(p.Ref); s != nil && (m.Conf.Plan.Repeats() || s.Outages.Cause() != nil) {
		s.Outages.Failed(err)
		return
	}
	// A one-time run does not try again; else the reference is perhaps none.
	line := fmt.Sprintf("%s can't be read: %v", begins(nameOf(p, "")), err)
	m.once(line, line) // it is found in each list
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
	for _, w := range warnings {
		m.once("field "+w.Field, w.Error())
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
			m.once("none", fmt.Sprintf("source_path: no bucket is read now, since none that can be seen matches %q; compare it with the names in the Dashboard under Storage", m.Conf.Buckets))
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
	m.forgetProject(p.Ref)
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

// forgetProject drops what is known of a project that is read no more.
func (m *teller) forgetProject(ref string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.projects, ref)
	delete(m.looked, ref)
	delete(m.found, ref)
	delete(m.odd, ref)
	for _, seen := range m.seen {
		delete(seen, ref)
	}
}

// Left implements fleet.Watcher.
func (m *teller) Left(p fleet.Project) {
	s := m.source(p.Ref)
	m.forgetProject(p.Ref)
	m.Log.Infof("%s is not one of those to be read any more, and is let go: its name or its organization is another. What was delivered of it is remembered", begins(nameOf(p, "")))
	for _, r := range m.all() {
		if r.from == s {
			r.left.Store(true)
		}
	}
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
