package s3

import (
	"fmt"

	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/wire"
)

// noAnswer makes an error of a request that brought no answer. A caller who
// cancelled gets the context's own error.
func (r request) noAnswer(err error, w *watch) error {
	if ctxErr := w.caller.Err(); ctxErr != nil {
		return ctxErr
	}
	e := &object.Error{Op: r.op, Key: r.key, Kind: object.ErrUnavailable, Err: detached(err)}
	switch why := wire.Unreachable(err); {
	case w.stalled():
		e.Err = fmt.Errorf("no answer came within %s", w.limit)
	case why != "":
		e.Kind = object.ErrUnreachable
		e.Err = fmt.Errorf("%s: %w", why, detached(err))
	case wire.HeadTooLarge(err):
		e.Err = fmt.Errorf("%w: the headers of the answer exceed %d bytes", object.ErrOversized, wire.MaxHead)
		if r.key != "" {
			e.Kind = object.ErrInvalid
			e.Err = fmt.Errorf("%w: the metadata of the object exceeds %d bytes", object.ErrOversized, wire.MaxHead)
		}
	}
	return e
}

// detached is err with a text that may be shown, and without what would make it
// pass for the end of the caller's context.
func detached(err error) error { return foreign.Cause(err) }
