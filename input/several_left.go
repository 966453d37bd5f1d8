package input

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// left is what is left of scopes, for the same reason. The error is that of the first.
type left struct {
	scopes []ScopeReport
	err    error
}

// Error names the scopes, and says what is left of each.
func (l left) Error() string {
	if len(l.scopes) == 1 {
		return l.scopes[0].Name().Sentence() + ": " + l.err.Error()
	}
	var names []string
	for _, s := range l.scopes[:min(len(l.scopes), scopesNamed)] {
		names = append(names, s.Name().String())
	}
	text := strings.Join(names, ", ")
	if more := len(l.scopes) - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("%s (%s): %s", countScopes(l.scopes), text, l.scopes[0].Name().General(l.err.Error()))
}

func (l left) Unwrap() error { return l.err }

// whatIsLeft says what is left of the scopes, each reason once.
func whatIsLeft(scopes []ScopeReport) (all []left) {
	at := map[string]int{}
	for _, s := range scopes {
		err := leftIn(s)
		if err == nil {
			continue
		}
		reason := s.Name().General(err.Error())
		i, known := at[reason]
		if !known {
			i = len(all)
			at[reason], all = i, append(all, left{err: err})
		}
		all[i].scopes = append(all[i].scopes, s)
	}
	return all
}

// leftIn says what is left of a scope; nil if nothing is.
func leftIn(s ScopeReport) error {
	switch left := s.Left(); {
	case s.Err != nil:
		return s.Err
	case left > 0:
		text := object.Count(left) + " left"
		if len(s.Parked) > 0 {
			text += " (" + object.CountsByName(s.Parked) + ")"
		}
		return errors.New(text)
	case s.NotRemoved > 0:
		return fmt.Errorf("%s delivered and not removed", object.Count(s.NotRemoved))
	}
	return nil
}

// countScopes counts buckets, and the projects of which none is known.
func countScopes(scopes []ScopeReport) string {
	projects := 0
	for _, s := range scopes {
		if s.Bucket == "" {
			projects++
		}
	}
	switch buckets := len(scopes) - projects; {
	case projects == 0:
		return countOf(buckets, "bucket")
	case buckets == 0:
		return countOf(projects, "project")
	default:
		return countOf(projects, "project") + " and " + countOf(buckets, "bucket")
	}
}

// scopesOf counts the scopes of a report.
func scopesOf(all []ScopeReport) (s Scopes) {
	for _, one := range all {
		switch {
		case one.Bucket == "":
			s.ProjectsFailing++
		case one.Err != nil:
			s.Failing++
		case one.Gone:
			s.Gone++
		default:
			s.Waiting++ // which is not told
		}
	}
	return s
}

// incomplete says in a line why a run is not complete.
func incomplete(r Report) string {
	var parts []string
	if r.Interrupted() {
		parts = append(parts, "it was "+errInterrupted.Error())
	}
	var failed, left []ScopeReport
	objects := int64(0)
	for _, s := range r.Scopes {
		switch {
		case s.Err != nil:
			failed = append(failed, s)
		case s.Left() > 0:
			objects += s.Left()
			left = append(left, s)
		}
	}
	if len(failed) > 0 {
		parts = append(parts, countScopes(failed)+" could not be read to the end")
	}
	if objects > 0 {
		parts = append(parts, fmt.Sprintf("%s left in %s", object.Count(objects), countScopes(left)))
	}
	if r.NotRemoved > 0 {
		parts = append(parts, object.Count(r.NotRemoved)+" delivered and not removed")
	}
	for _, problem := range r.Problems {
		parts = append(parts, problem.Error())
	}
	return strings.Join(parts, "; ")
}
