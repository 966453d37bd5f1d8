package directory

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/management"
)

// Gone asks whether a project that is no longer listed is there no longer: a token may
// lose sight of one, and one may be given to another organization. An error says that
// this is not known.
func (d *Directory) Gone(ctx context.Context, ref string) (bool, error) {
	token, err := d.o.Token(ctx)
	if err != nil {
		return false, err
	}
	p, err := d.ask(ctx, token, ref)
	if err == nil {
		return p.Status.Phase() == management.Removed, nil
	}
	e, refused := errors.AsType[*object.Error](err)
	if refused && !errors.Is(err, object.ErrForeign) {
		removed := e.Status == http.StatusBadRequest && strings.Contains(strings.ToLower(e.Message), "removed")
		if e.Status == http.StatusNotFound || e.Status == http.StatusGone || removed {
			return true, nil
		}
	}
	return false, d.o.Account.ExplainProject(err, ref)
}
