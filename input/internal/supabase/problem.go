package supabase

import (
	"slices"
	"strings"
)

// FieldError says what is wrong with one field of the configuration, and what
// to do about it. It never holds the value of a secret field.
type FieldError struct {
	// Field is the path of the field, such as "credentials.anon_key".
	Field string
	// Problem and Remedy are sentences without a capital and a full stop.
	Problem string
	Remedy  string
	// Err is what the server answered, nil where no request was made.
	Err error
}

// Error gives field, problem, remedy and cause, in this order.
func (e *FieldError) Error() string {
	var b strings.Builder
	b.WriteString(e.Field + ": " + e.Problem)
	if e.Remedy != "" {
		b.WriteString("; " + e.Remedy)
	}
	if e.Err != nil {
		b.WriteString(" (" + e.Err.Error() + ")")
	}
	return b.String()
}

// Unwrap returns the cause, if there is one.
func (e *FieldError) Unwrap() error { return e.Err }

// Problems are all that is wrong with a configuration. As an error it is never
// empty.
type Problems []*FieldError

// Error joins the problems.
func (p Problems) Error() string {
	texts := make([]string, len(p))
	for i, e := range p {
		texts[i] = e.Error()
	}
	return strings.Join(texts, "\n")
}

// Unwrap lets errors.As find the single problems.
func (p Problems) Unwrap() []error {
	errs := make([]error, len(p))
	for i, e := range p {
		errs[i] = e
	}
	return errs
}

// Without returns the problems that are not in known.
func (p Problems) Without(known Problems) Problems {
	return slices.DeleteFunc(slices.Clone(p), func(e *FieldError) bool {
		return slices.ContainsFunc(known, func(k *FieldError) bool { return k.Error() == e.Error() })
	})
}

// add notes a problem.
func (p *Problems) add(field, problem, remedy string) {
	*p = append(*p, &FieldError{Field: field, Problem: problem, Remedy: remedy})
}
