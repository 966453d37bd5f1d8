package input

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
)

func (s *several) all() []*scoped {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.readers)
}

// forget drops a scope that is gone and closed. What it has done still counts. A one-time
// run forgets none: its report names them all.
func (s *several) forget(r *scoped) {
	if !r.gone.Load() || !s.conf.Plan.Repeats() {
		return
	}
	done := r.report()
	s.mu.Lock()
	defer s.mu.Unlock()
	addCounts(&s.past, done)
	s.gone[r.from.of.Ref+"/"+r.conf.Project.Bucket] = true
	s.readers = slices.DeleteFunc(s.readers, func(other *scoped) bool { return other == r })
}

// progress is how far all scopes have come. Of a run that repeats it tells of the last
// passes.
func (s *several) progress() Progress {
	s.mu.Lock()
	now := Progress{Label: s.res.Label()}
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
		case r.underWay.Load() > 0:
			now.Scopes.Active++
		default:
			now.Scopes.Waiting++
		}
		last := r.pass.Load()
		if last == nil {
			complete = complete && r.failed.Load()
			continue
		}
		p := last.Report()
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
	waiting, failing := s.teller.unread()
	now.Scopes.Waiting += waiting
	now.Scopes.Failing += failing
	switch {
	case complete && now.Scopes.Total() > 0 && waiting == 0:
		now.Total = now.Listed
	case tracked > now.Listed:
		now.Total = tracked
	}
	if idle, output := s.undelivered.idle(); idle >= stillAfter {
		now.Waits = fmt.Sprintf("nothing acknowledged for %s: %s", roundWait(idle), output)
	}
	return now
}

// unread counts the projects of which no bucket is known: those that are waited for, and
// those that fail.
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
		if m.lacks(s.of.Ref) {
			continue
		}
		if m.projects[s.of.Ref] != nil {
			failing++
		} else {
			waiting++
		}
	}
	return waiting, failing
}

// abandon accounts for a run that has begun and never came to an end.
func (s *several) abandon() { s.conclude(errAbandoned) }

// conclude accounts for the run, once.
func (s *several) conclude(given error) {
	s.mu.Lock()
	run, cause := s.recorded, s.cause
	s.mu.Unlock()
	if run == nil && cause != nil && !errors.Is(cause, errInterrupted) {
		run = &openRun{} // one that repeats, and had to end
	}
	run.end(func() Report { return s.account(given) })
}

// account tells what became of a run, in the log and as its report.
func (s *several) account(given error) Report {
	s.mu.Lock()
	cause, started := s.cause, s.startedAt
	s.mu.Unlock()
	if given != nil && (cause == nil || errors.Is(cause, errInterrupted)) {
		cause = given
	}
	report := s.report(cause)
	tell := endTeller()
	sayRead, sayProblem := s.log.Infof, s.log.Errorf
	if tell != nil {
		sayRead, sayProblem = s.log.Debugf, s.log.Debugf
	}
	if !started.IsZero() {
		report.Took = time.Since(started)
		sayRead("Read %s in %s: %d buckets, %d listed, %d delivered (%s), %d parked, %d under way", s.conf.Where(), report.Took.Round(time.Millisecond),
			len(report.Scopes), report.Listed, report.Delivered, object.Bytes(report.Bytes), sumOf(report.Parked), report.Unsettled)
	}
	for _, scope := range report.Scopes {
		if left := leftIn(scope); left != nil {
			sayProblem("%v", left)
		}
	}
	if report.Err != nil {
		sayProblem("The run is not complete: %v", report.Err)
	}
	if tell != nil {
		tell(report)
	}
	return report
}

// scopesNamed is how many scopes with something left the error of a run names. The log
// names all.
const scopesNamed = 5

// report sums up all scopes.
func (s *several) report(cause error) Report {
	s.mu.Lock()
	out := s.past
	out.Filtered, out.Parked = maps.Clone(out.Filtered), maps.Clone(out.Parked)
	s.mu.Unlock()
	out.Label, out.Prefix, out.Remembered = s.res.Label(), s.conf.Prefix, s.conf.State.Set()
	for _, r := range s.all() {
		of := r.report()
		addCounts(&out, of)
		for _, u := range of.FirstParked {
			if len(out.FirstParked) < parkedNamed {
				u.Project, u.Bucket = r.from.of.Ref, r.conf.Project.Bucket
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
	more := 0
	for _, scope := range out.Scopes {
		left := leftIn(scope)
		switch {
		case left == nil:
		case len(problems) < scopesNamed:
			problems = append(problems, left)
		default:
			more++
		}
	}
	if more > 0 {
		problems = append(problems, fmt.Errorf("and %d more buckets of which something is left", more))
	}
	if len(problems) > 0 {
		out.Err = fmt.Errorf("reading %s: %w", s.conf.Where(), oneLine(problems))
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

// failed are the projects of which no bucket could be read.
func (m *teller) failed() (all []ScopeReport) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for ref, p := range m.projects {
		all = append(all, ScopeReport{Project: ref, ProjectName: p.of.Name, Err: p.err})
	}
	return all
}

// report is that of the scope as it is now.
func (s *scoped) report() Report {
	s.mu.Lock()
	cause, started := s.cause, s.startedAt
	s.mu.Unlock()
	last := s.pass.Load()
	if last == nil {
		if cause == nil && started.IsZero() && !s.gone.Load() {
			cause = errInterrupted
		}
		return newReport(s.reader, pass.Report{}, cause)
	}
	p := last.Report()
	if cause == nil && !s.conf.Plan.Repeats() && p.Unsettled() > 0 {
		cause = errInterrupted
	}
	return newReport(s.reader, p, cause)
}

func (s *scoped) scopeReport(r Report) ScopeReport {
	out := ScopeReport{
		Project: s.from.of.Ref, ProjectName: s.from.of.Name, Bucket: s.conf.Project.Bucket,
		Listed: r.Listed, Unchanged: r.Unchanged, Delivered: r.Delivered, Bytes: r.Bytes,
		Vanished: r.Vanished, Unsettled: r.Unsettled, NotRemoved: r.NotRemoved,
		Filtered: r.Filtered, Parked: r.Parked, Gone: s.gone.Load(),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause != nil && !errors.Is(s.cause, errInterrupted) {
		out.Err = s.cause
	}
	return out
}

// leftIn says what is left of a scope; nil if nothing is.
func leftIn(s ScopeReport) error {
	where := fmt.Sprintf("bucket %q", s.Bucket)
	if s.Bucket == "" {
		where = "all buckets"
	}
	if s.Project != "" {
		where += " of project " + cmp.Or(s.ProjectName, s.Project)
	}
	switch left := s.Left(); {
	case s.Err != nil:
		return fmt.Errorf("%s: %w", where, s.Err)
	case left > 0:
		text := fmt.Sprintf("%s: %s left", where, object.Count(left))
		if len(s.Parked) > 0 {
			text += " (" + countsByName(s.Parked) + ")"
		}
		return errors.New(text)
	case s.NotRemoved > 0:
		return fmt.Errorf("%s: %s delivered and not removed", where, object.Count(s.NotRemoved))
	}
	return nil
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
