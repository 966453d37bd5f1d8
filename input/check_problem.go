package input

import (
	"errors"
	"regexp"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

func failedStep(name, found string, err error) CheckStep {
	return CheckStep{Name: name, Status: CheckFailed, Found: found, Problems: problemsOf(err)}
}

// warn adds a problem that does not keep a run from working.
func (s *CheckStep) warn(p CheckProblem) {
	s.Status = CheckWarning
	s.Problems = append(s.Problems, p)
}

// problemsOf takes an error apart into fields, problems and remedies.
func problemsOf(err error) []CheckProblem {
	if all, ok := errors.AsType[supabase.Problems](err); ok {
		problems := make([]CheckProblem, len(all))
		for i, e := range all {
			problems[i] = problemOfField(e)
		}
		return problems
	}
	if e, ok := errors.AsType[*supabase.FieldError](err); ok {
		return []CheckProblem{problemOfField(e)}
	}
	if _, ok := errors.AsType[*object.Error](err); ok {
		return []CheckProblem{{Problem: err.Error()}}
	}
	var problems []CheckProblem
	for line := range strings.Lines(err.Error()) {
		problems = append(problems, problemOfText(strings.TrimSpace(line)))
	}
	return problems
}

func problemOfField(e *supabase.FieldError) CheckProblem {
	p := CheckProblem{Field: e.Field, Problem: e.Problem, Remedy: e.Remedy}
	if e.Err != nil {
		p.Cause = e.Err.Error()
	}
	return p
}

// fieldOfText finds the field that an error of a config begins with, perhaps
// behind the file, line and column of a lint.
var fieldOfText = regexp.MustCompile(`^(.*?\([0-9]+,[0-9]+\) )?((?:project_ref|region|credentials|source_path|endpoint|tls|` +
	`include_patterns|exclude_patterns|modified_since|min_age|max_object_size|skip_empty|` +
	`sync_mode|polling_interval|schedule|state|change_detection|emit_deletes|max_delete_ratio|` +
	`scanner|auto_replay_nacks|delete_objects|user_metadata|timeouts|retry|concurrency)` +
	`(?:\.[a-z_]+|\[[0-9]+\])*): (.+)$`)

// problemOfText reads "field: problem; remedy", the form of this package's own
// errors. What has another form is a problem as a whole.
func problemOfText(text string) CheckProblem {
	m := fieldOfText.FindStringSubmatch(text)
	if m == nil {
		return CheckProblem{Problem: text}
	}
	p := CheckProblem{Field: m[2], Problem: m[3]}
	if problem, remedy, ok := strings.Cut(p.Problem, "; "); ok {
		p.Problem, p.Remedy = problem, remedy
	}
	if m[1] != "" {
		p.Problem += " (" + strings.TrimSpace(m[1]) + ")"
	}
	return p
}

// text is the problem in one line.
func (p CheckProblem) text() string {
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
