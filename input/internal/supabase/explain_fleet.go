package supabase

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

const (
	fieldOrganization = "projects.organization"
	fieldProjects     = "projects"
)

// ExplainOrganization is [Project.ExplainAPI] for the list of an organization's
// projects.
func (p Project) ExplainOrganization(err error, slug string) error {
	e, ok := errors.AsType[*object.Error](err)
	if !ok || object.Transient(e) {
		return p.ExplainAPI(err)
	}
	const where = "compare it with the last part of https://supabase.com/dashboard/org/<slug>"
	switch {
	case errors.Is(e, object.ErrForeign):
	case e.Status == http.StatusNotFound, e.Status == http.StatusBadRequest:
		return &FieldError{
			Field: fieldOrganization, Problem: fmt.Sprintf("the Management API knows no organization %s, or the token may not see it", slug),
			Remedy: where + ", and the account of the token with its members", Err: err,
		}
	case e.Status == http.StatusForbidden:
		return p.forbidden(err, "list the projects of the organization "+slug)
	}
	return p.ExplainAPI(err)
}

// ExplainAccount is [Project.ExplainAPI] for the list of all projects of a token.
func (p Project) ExplainAccount(err error) error {
	e, ok := errors.AsType[*object.Error](err)
	if ok && e.Status == http.StatusForbidden && !errors.Is(e, object.ErrForeign) {
		return p.forbidden(err, "list its projects")
	}
	return p.ExplainAPI(err)
}

// ExplainProject is [Project.ExplainAPI] for one of many projects.
func (p Project) ExplainProject(err error, ref string) error {
	p.Ref, p.fleet = ref, true
	return p.ExplainAPI(err)
}

// forbidden says what a token may not do.
func (p Project) forbidden(err error, what string) error {
	e := &FieldError{
		Field: p.auth.name(fieldAccessToken), Problem: "the token may not " + what,
		Remedy: "give it the permission, or its owner the role in the organization: " + whereTokens, Err: err,
	}
	if missing, ok := errors.AsType[foreign.MissingPermissions](err); ok {
		e.Problem += ": it lacks " + strings.Join(missing, ", ")
		e.Remedy = "make a token with these permissions, since those of a token can't be changed later; " + whereTokens
	}
	return e
}

// HiddenBuckets says that the buckets which a pattern stands for can't be found,
// because the role may not list them. The cause is what the server answered, nil where
// it showed none.
func HiddenBuckets(who Identity, pattern string, cause error) error {
	problem := fmt.Sprintf("the buckets that %q stands for can't be found: %s may not list buckets", pattern, who)
	if cause == nil {
		problem = fmt.Sprintf("the buckets that %q stands for can't be found: %s is shown no bucket", pattern, who)
	}
	return &FieldError{
		Field: "source_path", Problem: problem,
		Remedy: `name the buckets, as in "{avatars,docs}/"; or allow SELECT on storage.buckets in a policy; or use keys that bypass row level security`,
		Err:    cause,
	}
}
