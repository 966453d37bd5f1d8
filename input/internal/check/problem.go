package check

import (
	"errors"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

func failedStep(name, found string, err error) Step {
	return Step{Name: name, Status: Failed, Found: found, Problems: problemsOf(err)}
}

// warn adds a problem that does not keep a run from working.
func (s *Step) warn(p Problem) {
	s.Status = Warning
	s.Problems = append(s.Problems, p)
}

// problemsOf takes an error apart into fields, problems and remedies.
func problemsOf(err error) []Problem {
	var problems []Problem
	for _, err := range parts(err) {
		_, answered := errors.AsType[*object.Error](err)
		if _, ok := errors.AsType[*supabase.FieldError](err); ok || answered {
			problems = append(problems, problemOf(err))
			continue
		}
		for line := range strings.Lines(err.Error()) {
			problems = append(problems, Problem{Problem: strings.TrimSpace(line)})
		}
	}
	return problems
}

// parts are the errors that were joined, or an error that is none of several.
func parts(err error) []error {
	joined, ok := errors.AsType[interface {
		error
		Unwrap() []error
	}](err)
	if !ok || err.Error() != errors.Join(joined.Unwrap()...).Error() {
		return []error{err}
	}
	var all []error
	for _, part := range joined.Unwrap() {
		all = append(all, parts(part)...)
	}
	return all
}

// problemOf is an error about a field as it is, with the place in a file that is
// written before it, and another one as a problem as a whole.
func problemOf(err error) Problem {
	e, ok := errors.AsType[*supabase.FieldError](err)
	if !ok {
		return Problem{Problem: err.Error()}
	}
	p := Problem{Field: e.Field, Problem: e.Problem, Remedy: e.Remedy}
	if e.Err != nil {
		p.Cause = e.Err.Error()
	}
	if place, ok := strings.CutSuffix(err.Error(), e.Error()); ok && place != "" {
		p.Problem += " (" + strings.TrimSpace(place) + ")"
	}
	return p
}

// String is the problem in one line.
func (p Problem) String() string {
	text := p.Problem
	if p.Field != "" {
		text = p.Field + ": " + text
	}
	if p.Remedy != "" {
		text += "; " + p.Remedy
	}
	if p.Cause != "" {
		text += " (" + p.Cause + ")"
	}
	return text
}
