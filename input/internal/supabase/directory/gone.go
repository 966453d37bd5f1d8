package directory

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/management"
)

// Standing is what is known of a project that is not listed, or not wanted.
type Standing int

// The standings.
const (
	// Unclear is that of a project that is there, or may be: a token may lose sight of one.
	Unclear Standing = iota
	// Deleted is that of a project that is there no longer.
	Deleted
	// Unwanted is that of a project that is there, and is not one of those that are read:
	// its name is another, or it belongs to another organization.
	Unwanted
)

// Standing asks for a project that [Directory.Projects] did not return, unless it was
// listed there and not wanted. An error says that nothing is known.
func (d *Directory) Standing(ctx context.Context, ref string) (Standing, error) {
	d.mu.Lock()
	unwanted := d.unwanted[ref]
	d.mu.Unlock()
	if unwanted {
		return Unwanted, nil
	}
	token, err := d.o.Token(ctx)
	if err != nil {
		return Unclear, err
	}
	p, err := d.ask(ctx, token, ref)
	if err == nil {
		switch {
		case p.Status.Phase() == management.Removed:
			return Deleted, nil
		case p.Organization != "" && d.o.Organization != "" && !strings.EqualFold(p.Organization, d.o.Organization):
			return Unwanted, nil
		}
		return Unclear, nil
	}
	e, refused := errors.AsType[*object.Error](err)
	if refused && !errors.Is(err, object.ErrForeign) {
		removed := e.Status == http.StatusBadRequest && strings.Contains(strings.ToLower(e.Message), "removed")
		if e.Status == http.StatusNotFound || e.Status == http.StatusGone || removed {
			return Deleted, nil
		}
	}
	return Unclear, d.o.Account.ExplainProject(err, ref)
}
