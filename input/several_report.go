package input

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/discover"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

func (s *several) all() []*scoped {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.readers)
}

// forget drops a scope that is gone and closed. What it has done still counts. A one-time
// run forgets none: its report names them all.
func (s *several) forget(r *scoped) {
	if !r.gone.Load() && !r.left.Load() || !s.Conf.Plan.Repeats() {
		return
	}
	done := r.report()
	s.mu.Lock()
	defer s.mu.Unlock()
	addCounts(&s.past, done)
	back := slices.ContainsFunc(s.readers, func(other *scoped) bool {
		return other != r && other.bucket == r.bucket && other.from.of.Ref == r.from.of.Ref && !other.gone.Load()
	})
	if r.gone.Load() && !back {
		s.gone[r.from.of.Ref+"/"+r.bucket] = true
	}
	s.readers = slices.DeleteFunc(s.readers, func(other *scoped) bool { return other == r })
}

// progress is how far all scopes have come. Of a run that repeats it tells of the last
// passes.
func (s *several) progress() Progress {
	s.mu.Lock()
	now := Progress{Label: s.Resources.Label()}
	now.Listed, now.Delivered, now.Bytes = s.past.Listed, s.past.Delivered, s.past.Bytes
	now.Unchanged, now.Vanished = s.past.Unchanged, s.past.Vanished
	now.Scopes.Gone = len(s.gone)
	s.mu.Unlock()
	complete := true
	var tracked int64
	for _, r := range s.all() {
		switch {
		case r.gone.Load():
			now.Scopes.Gone++
		case r.failed.Load():
			now.Scopes.Failing++
		case r.Active():
			now.Scopes.Active++
		case r.ended.Load():
			now.Scopes.Done++
		default:
			now.Scopes.Waiting++
		}
		p, begun := r.Last()
		if !begun {
			complete = complete && r.failed.Load()
			continue
		}
		now.Listed += p.Listed
		now.Unchanged += p.Unchanged
		now.Filtered += p.FilteredTotal()
		now.Delivered += p.Delivered
		now.Bytes += p.Bytes
		now.Vanished += p.Vanished
		now.Parked += p.ParkedTotal()
		now.UnderWay += p.Unsettled()
		complete = complete && p.ListingComplete
		tracked += max(p.Tracked, p.Listed)
	}
	now.Scopes.Failing += s.teller.unreadable()
	now.Scopes.ProjectsWaiting, now.Scopes.ProjectsFailing = s.teller.unread()
	switch {
	case complete && now.Scopes.Total()+now.Scopes.ProjectsFailing > 0 && now.Scopes.ProjectsWaiting == 0:
		now.Total = now.Listed
	case tracked > now.Listed:
		now.Total = tracked
	}
	if now.Waits = s.Undelivered.Waits(); now.Waits == "" {
		now.Waits = s.teller.quotaWaits(now.Scopes.ProjectsWaiting)
	}
	if now.Waits == "" && !s.Conf.Plan.Repeats() && now.UnderWay == 0 && now.Scopes.Active == 0 {
		now.Waits = s.waitsFor()
	}
	return now
}

// waitsFor says which project is waited for, where one is.
func (s *several) waitsFor() string {
	s.mu.Lock()
	var waited []*source
	for _, of := range s.sources {
		if of.KeysFail() != nil {
			waited = append(waited, of)
		}
	}
	s.mu.Unlock()
	s.teller.mu.Lock()
	waited = slices.DeleteFunc(waited, func(of *source) bool { return s.teller.projects[of.of.Ref] != nil }) // given up
	s.teller.mu.Unlock()
	if len(waited) == 0 {
		return ""
	}
	first := slices.MinFunc(waited, func(a, b *source) int { return cmp.Compare(a.of.Ref, b.of.Ref) })
	others := ""
	if more := len(waited) - 1; more > 0 {
		others = " and " + countOf(more, "other project")
	}
	return fmt.Sprintf("waiting for the credentials%s%s: %v", first.Whose(), others, first.KeysFail())
}

// unread counts the projects of which no bucket is known, without those that have none:
// those that are waited for, and those that fail.
func (m *teller) unread() (waiting, failing int) {
	read := map[*source]bool{}
	for _, r := range m.all() {
		read[r.from] = true
	}
	m.several.mu.Lock()
	sources := make([]*source, 0, len(m.sources))
	for _, s := range m.sources {
		if !read[s] {
			sources = append(sources, s)
		}
	}
	m.several.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range sources {
		switch {
		case m.lacks(s.of.Ref):
		case m.projects[s.of.Ref] != nil:
			failing++
		case !m.looked[s.of.Ref]:
			waiting++
		}
	}
	return waiting, failing
}

// unreadable counts the buckets that can't be read because of their names.
func (m *teller) unreadable() (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, names := range m.odd {
		n += len(names)
	}
	return n
}

// abandon accounts for a run that has begun and never came to an end.
func (s *several) abandon() { s.conclude(errAbandoned) }

// conclude accounts for the run, once.
func (s *several) conclude(given error) {
	s.mu.Lock()
	run := s.recorded
	s.mu.Unlock()
	cause := s.Cause()
	if run == nil && cause != nil && !errors.Is(cause, errInterrupted) {
		run = &openRun{} // one that repeats, and had to end
	}
	run.end(func() Report { return s.account(given) })
}

// account tells what became of a run, in the log and as its report.
func (s *several) account(given error) Report {
	cause, started := s.Cause(), s.Began()
	if given != nil && (cause == nil || errors.Is(cause, errInterrupted)) {
		cause = given
	}
	report := s.report(cause)
	tell := endTeller()
	sayRead, sayProblem := s.Log.Infof, s.Log.Errorf
	if tell != nil {
		sayRead, sayProblem = s.Log.Debugf, s.Log.Debugf
	}
	if !started.IsZero() {
		report.Took = time.Since(started)
		sayRead("Read %s in %s: %s, %d listed, %d delivered (%s), %d parked, %d under way", s.Conf.Where(), report.Took.Round(time.Millisecond),
			scopesOf(report.Scopes), report.Listed, report.Delivered, object.Bytes(report.Bytes), sumOf(report.Parked), report.Unsettled)
		if hint := s.hint(report); hint != "" && report.Err == nil {
			s.Log.Warn(hint)
		}
	}
	all := whatIsLeft(report.Scopes)
	for _, left := range all[:min(len(all), reasonsLogged)] {
		sayProblem("%v", left)
	}
	switch {
	case report.Err == nil:
	case len(all) == 0:
		sayProblem("The run is not complete: %v", report.Err)
	default: // the lines before say why
		sayProblem("The run is not complete: %s", incomplete(report))
	}
	if tell != nil {
		tell(report)
	}
	return report
}

// hint says why a run has delivered nothing of any bucket, and what to look at; "" where
// it has, or where nothing was due.
func (s *several) hint(r Report) string {
	all, filtered := s.all(), sumOf(r.Filtered)
	switch {
	case len(all) == 0:
		return ""
	case r.Listed > 0 && filtered == r.Listed:
		return fmt.Sprintf("All %d objects listed in %s were filtered (%s); check shows for each bucket what leaves them out", r.Listed, s.Conf.Where(), object.CountsByName(r.Filtered))
	case r.Listed > 0:
		return ""
	}
	hint := fmt.Sprintf("Nothing was listed in any of %d buckets", len(all))
	if listed := s.Conf.Filter.ListPrefix(); listed != "" {
		hint += fmt.Sprintf(" below %q: check the prefix in source_path, which is literal, case-sensitive and starts without a slash, and what include_patterns begin with", listed)
	}
	if slices.ContainsFunc(all, func(r *scoped) bool { return !r.Keys.Project().Identity.BypassesRLS() }) {
		hint += ". Row level security may hide their objects: a policy on storage.objects must allow SELECT"
	}
	return hint
}

const (
	// scopesNamed is how many scopes with the same left are named, and reasonsNamed how
	// many reasons the error of a run has.
	scopesNamed, reasonsNamed = 5, 5
	// reasonsLogged is how many reasons the log has, each with its scopes. What is wrong
	// with more is seldom new; check tests each.
	reasonsLogged = 20
)

// report sums up all scopes.
func (s *several) report(cause error) Report {
	s.mu.Lock()
	out := s.past
	out.Filtered, out.Parked = maps.Clone(out.Filtered), maps.Clone(out.Parked)
	s.mu.Unlock()
	out.Label, out.Prefix, out.Remembered = s.Resources.Label(), s.Conf.Prefix, s.Conf.State.Set()
	for _, r := range s.all() {
		of := r.report()
		addCounts(&out, of)
		for _, u := range of.FirstParked {
			if len(out.FirstParked) < parkedNamed {
				u.Project, u.Bucket = r.from.of.Ref, r.bucket
				out.FirstParked = append(out.FirstParked, u)
			}
		}
		out.Scopes = append(out.Scopes, r.scopeReport(of))
	}
	out.Scopes = append(out.Scopes, s.teller.failed()...)
	slices.SortFunc(out.Scopes, func(a, b ScopeReport) int {
		return cmp.Or(cmp.Compare(a.ProjectName, b.ProjectName), cmp.Compare(a.Project, b.Project), cmp.Compare(a.Bucket, b.Bucket))
	})
	var problems []error
	if cause != nil {
		if errors.Is(cause, errInterrupted) {
			cause = fmt.Errorf("the one-time run was %w", errInterrupted)
		} else {
			out.Problems = append(out.Problems, cause)
		}
		problems = append(problems, cause)
	}
	if cause == nil && s.teller.allLooked() {
		if err := s.teller.noBucket(); err != nil {
			out.Problems, problems = append(out.Problems, err), append(problems, err)
		}
	}
	left := whatIsLeft(out.Scopes)
	for _, alike := range left[:min(len(left), reasonsNamed)] {
		problems = append(problems, alike)
	}
	if more := left[min(len(left), reasonsNamed):]; len(more) > 0 {
		var scopes []ScopeReport
		for _, alike := range more {
			scopes = append(scopes, alike.scopes...)
		}
		problems = append(problems, fmt.Errorf("and more is left in %s", countScopes(scopes)))
	}
	if len(problems) > 0 {
		out.Err = fmt.Errorf("reading %s: %w", s.Conf.Where(), oneLine(problems))
	}
	return out
}

// parkedNamed is how many parked objects a report names.
const parkedNamed = 10

// allLooked reports whether no project failed.
func (m *teller) allLooked() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.projects) == 0
}

// failed are the projects of which no bucket could be read, and the buckets of others
// that can't be.
func (m *teller) failed() (all []ScopeReport) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.projects {
		all = append(all, ScopeReport{Project: p.of.Ref, ProjectName: p.of.Name, Err: p.err})
	}
	for ref, names := range m.odd {
		for _, name := range names {
			all = append(all, ScopeReport{Project: ref, Bucket: name, Err: discover.ErrOdd})
		}
	}
	return all
}

// report is that of the scope as it is now.
func (s *scoped) report() Report {
	cause, started := s.Cause(), s.Began()
	p, begun := s.Last()
	if !begun {
		if cause == nil && started.IsZero() && !s.gone.Load() {
			cause = errInterrupted
		}
		return newReport(s.Scope, p, cause)
	}
	if cause == nil && !s.Conf.Plan.Repeats() && p.Unsettled() > 0 {
		cause = errInterrupted
	}
	return newReport(s.Scope, p, cause)
}

func (s *scoped) scopeReport(r Report) ScopeReport {
	out := ScopeReport{
		Project: s.from.of.Ref, ProjectName: s.from.of.Name, Bucket: s.bucket,
		Listed: r.Listed, Unchanged: r.Unchanged, Delivered: r.Delivered, Bytes: r.Bytes,
		Vanished: r.Vanished, Unsettled: r.Unsettled, NotRemoved: r.NotRemoved,
		Filtered: r.Filtered, Parked: r.Parked, Gone: s.gone.Load(),
	}
	if cause := s.Cause(); cause != nil && !errors.Is(cause, errInterrupted) {
		out.Err = cause
	}
	return out
}

// addCounts adds the counts of a report to those of another.
func addCounts(to *Report, r Report) {
	to.Listed += r.Listed
	to.Unchanged += r.Unchanged
	to.Delivered += r.Delivered
	to.Bytes += r.Bytes
	to.Vanished += r.Vanished
	to.Unsettled += r.Unsettled
	to.NotRemoved += r.NotRemoved
	for _, m := range []struct{ to, from map[string]int64 }{{to.Filtered, r.Filtered}, {to.Parked, r.Parked}} {
		for name, n := range m.from {
			if m.to != nil {
				m.to[name] += n
			}
		}
	}
}

func sumOf(counts map[string]int64) (n int64) {
	for _, v := range counts {
		n += v
	}
	return n
}
