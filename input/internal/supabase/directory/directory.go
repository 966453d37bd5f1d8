package directory

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/management"
)

// Options say which projects are meant.
type Options struct {
	// Client is shared with all others who ask the Management API.
	Client *management.Client
	// Token gives the personal access token. Its error ends a listing.
	Token func(context.Context) (string, error)
	// Account names the fields of errors: what [supabase.ResolveFleet] returns.
	Account supabase.Project
	// Organization is the slug of the organization; Refs are the references of the
	// projects where it is "".
	Organization string
	Refs         []string
	// Wanted chooses projects by their name; nil wants all.
	Wanted func(name string, branch bool) bool
}

// Project is one of the projects.
type Project struct {
	// Ref is the reference. It is "" for a project of an organization whose reference
	// is none, which has an Err.
	Ref    string
	Name   string
	Region string
	Status management.Status
	Branch bool
	// Err says why nothing is known of this project: it does not exist, or the token
	// may not see it, for example. It is explained, and one that [object.Transient]
	// knows may pass.
	Err error
}

// Facts are what keys.Options.Facts gives of the project.
func (p Project) Facts() (management.Project, error) {
	return management.Project{Ref: p.Ref, Name: p.Name, Region: p.Region, Status: p.Status, Branch: p.Branch}, p.Err
}

// Directory lists projects. It is safe for concurrent use.
type Directory struct {
	o Options

	mu       sync.Mutex
	unwanted map[string]bool // by reference, in the last list
}

// New returns a directory; no request is made.
func New(o Options) *Directory {
	if o.Wanted == nil {
		o.Wanted = func(string, bool) bool { return true }
	}
	return &Directory{o: o}
}

// attempts bounds how often a request is made that fails in a way that may pass. The
// pauses are those of the client where the API asks for one.
var attempts = retry.Policy{MaxAttempts: 3, InitialInterval: time.Second, MaxInterval: 10 * time.Second}

// Projects lists the projects that are wanted, in whatever status: those of an
// organization from the oldest on, those that were named in that order. A project that
// is missing may be there nonetheless: see [Directory.Standing]. An error that
// [object.Transient] knows may pass; it and all others come with their remedy.
func (d *Directory) Projects(ctx context.Context) ([]Project, error) {
	token, err := d.o.Token(ctx)
	if err != nil {
		return nil, err
	}
	var all []Project
	if d.o.Organization != "" {
		all, err = d.organization(ctx, token)
	} else {
		all, err = d.named(ctx, token)
	}
	if err != nil {
		return nil, err
	}
	wanted, unwanted := all[:0], map[string]bool{}
	for _, p := range all {
		switch {
		case d.o.Organization != "" && p.Status.Phase() == management.Removed:
			// It is as good as not listed.
		case p.Err != nil && p.Name == "" || d.o.Wanted(p.Name, p.Branch):
			wanted = append(wanted, p)
		default:
			unwanted[p.Ref] = true
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unwanted = unwanted
	return wanted, nil
}

// mostProjects bounds a list that does not end: 50 times the largest organization that
// is tested, and more than the quota of four minutes lists.
const mostProjects = 50_000

// relistings is how often the list is read again from its start, because a project went
// while it was read.
const relistings = 5

var errMoved = errors.New("the list changed each time while it was read")

// organization lists an organization.
func (d *Directory) organization(ctx context.Context, token string) (projects []Project, err error) {
	for range relistings {
		if projects, err = d.pages(ctx, token); !errors.Is(err, errMoved) {
			break
		}
	}
	return projects, err
}

// pages lists an organization once. Pages go by the place in the list, and a project
// that goes in the meantime moves the others: so each page begins with the last project
// of the page before, and where it does not, the list is no list.
func (d *Directory) pages(ctx context.Context, token string) ([]Project, error) {
	list := newList()
	last := ""
	for end := 0; ; {
		overlap := min(end, 1)
		page, err := again(ctx, func(ctx context.Context) (management.Page, error) {
			return d.o.Client.Organization(ctx, token, d.o.Organization, end-overlap)
		})
		if err != nil {
			return nil, d.o.Account.ExplainOrganization(err, d.o.Organization)
		}
		news, got := list.add(page.Projects), len(page.Projects)
		switch {
		case got <= overlap && page.Count > end:
			return nil, d.wrong(fmt.Errorf("a page of the list is empty, after %d of %d projects", end, page.Count))
		case got == management.PageSize && news == 0, end > mostProjects:
			return nil, d.wrong(fmt.Errorf("the list does not end: it goes on after %d projects, and only %d of them are different", end, len(list.projects)))
		case overlap == 1 && (got == 0 || page.Projects[0].Ref != last):
			return nil, d.wrong(errMoved)
		}
		end += got - overlap
		if got < management.PageSize && end >= page.Count {
			return list.projects, nil
		}
		last = page.Projects[got-1].Ref
	}
}

// wrong is an error about a list that makes no sense, and may do so the next time.
func (d *Directory) wrong(err error) error {
	return d.o.Account.ExplainOrganization(&object.Error{
		Op: "asking the Management API for the projects of the organization", Kind: object.ErrUnavailable, Err: err,
	}, d.o.Organization)
}

// list collects projects, each once.
type list struct {
	projects []Project
	known    map[string]bool
}

func newList() *list { return &list{known: map[string]bool{}} }

// add takes in a page, and returns how many of its projects are new.
func (l *list) add(page []management.Project) (news int) {
	for _, p := range page {
		if l.known[p.Ref] {
			continue
		}
		l.known[p.Ref] = true
		news++
		l.projects = append(l.projects, toProject(p))
	}
	return news
}

func toProject(p management.Project) Project {
	out := Project{Ref: p.Ref, Name: p.Name, Region: p.Region, Status: p.Status, Branch: p.Branch}
	if !supabase.IsRef(p.Ref, true) {
		out.Ref = ""
		out.Err = fmt.Errorf("the Management API lists a project %q without a reference that is one; it is left out", p.Name)
	}
	return out
}

// named finds the projects by their references: with one request where the token may
// list its projects, and one more for each that the list does not have.
func (d *Directory) named(ctx context.Context, token string) ([]Project, error) {
	listed, err := again(ctx, func(ctx context.Context) ([]management.Project, error) { return d.o.Client.Projects(ctx, token) })
	if err != nil && !mayAskEach(err) {
		return nil, d.o.Account.ExplainAccount(err)
	}
	byRef := map[string]management.Project{}
	for _, p := range listed {
		if _, twice := byRef[p.Ref]; !twice {
			byRef[p.Ref] = p
		}
	}
	projects := make([]Project, 0, len(d.o.Refs))
	for _, ref := range d.o.Refs {
		p, ok := byRef[ref]
		if ok {
			projects = append(projects, toProject(p))
			continue
		}
		p, err := d.ask(ctx, token, ref)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if e, refused := errors.AsType[*object.Error](err); refused && e.Status == http.StatusUnauthorized {
			return nil, d.o.Account.ExplainAccount(err) // it is the token, and the same for all
		}
		one := toProject(p)
		one.Ref, one.Err = ref, d.o.Account.ExplainProject(err, ref)
		projects = append(projects, one)
	}
	return projects, nil
}

// mayAskEach reports whether a token that may not list projects may still see single
// ones: those of one with limited permissions.
func mayAskEach(err error) bool {
	e, ok := errors.AsType[*object.Error](err)
	return ok && !errors.Is(err, object.ErrForeign) && (e.Status == http.StatusForbidden || e.Status == http.StatusNotFound)
}

// ask asks for one project.
func (d *Directory) ask(ctx context.Context, token, ref string) (management.Project, error) {
	p, err := again(ctx, func(ctx context.Context) (management.Project, error) { return d.o.Client.Project(ctx, token, ref) })
	if err == nil && p.Ref != ref {
		return management.Project{}, &object.Error{
			Op: "asking the Management API for the project", Kind: object.ErrUnavailable, Err: errors.New("the answer is about another project"),
		}
	}
	return p, err
}

// again makes a request, and makes it again where what came in the way may pass.
func again[T any](ctx context.Context, ask func(context.Context) (T, error)) (answer T, err error) {
	err = attempts.Do(ctx, func(ctx context.Context) (err error) {
		answer, err = ask(ctx)
		return err
	}, object.Transient, func(error) {})
	return answer, err
}
