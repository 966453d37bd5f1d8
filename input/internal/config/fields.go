package config

import (
	"errors"
	"strings"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

// fields reads fields up to the first one that is wrong. What is read afterwards
// is zero.
type fields struct {
	parsed *service.ParsedConfig
	err    error
}

// check notes an error that is the first one.
func (f *fields) check(err error) {
	if f.err == nil {
		f.err = err
	}
}

// read reads the field at path.
func read[T any](f *fields, parse func(any) (T, error), path ...string) (value T) {
	if f.err != nil {
		return value
	}
	v, err := f.parsed.FieldAny(path...)
	if err == nil {
		value, err = parse(v)
	}
	f.check(At(strings.Join(path, "."), err))
	return value
}

// text reads a string that need not be written, "" if it is not.
func (f *fields) text(path ...string) string {
	if f.err != nil || !f.parsed.Contains(path...) {
		return ""
	}
	text, err := f.parsed.FieldString(path...)
	f.check(At(strings.Join(path, "."), err))
	return text
}

// Wrong is an error about a value, a [*supabase.FieldError]. Its field is added by
// [At].
func Wrong(problem, remedy string) error {
	return &supabase.FieldError{Problem: problem, Remedy: remedy}
}

// At adds the field to an error about its value, which may name a place in it
// already, such as "[1]".
func At(field string, err error) error {
	if err == nil {
		return nil
	}
	problems := problemsOf(err)
	for i, p := range problems {
		located := *p
		located.Field = field + p.Field
		problems[i] = &located
	}
	if len(problems) == 1 {
		return problems[0]
	}
	return problems
}

// problemsOf is an error as data. One that Benthos makes is a problem as a whole.
func problemsOf(err error) supabase.Problems {
	if all, ok := errors.AsType[supabase.Problems](err); ok {
		return append(supabase.Problems{}, all...)
	}
	if one, ok := errors.AsType[*supabase.FieldError](err); ok {
		return supabase.Problems{one}
	}
	return supabase.Problems{{Problem: err.Error()}}
}
