package fetch

import (
	"context"
	"errors"
)

// Namer is the claim of an object of which only the key is known: see [Item].
type Namer interface {
	Claim
	// Unlisted says that the listing shows no object with the key. The claim is
	// settled if it returns nil. Its error ends the attempt as any other does.
	Unlisted(ctx context.Context) error
}

// errResolved is the end of an attempt that found out what is listed under a key: the
// object needs more room than its name did, and begins under the right charge.
var errResolved = errors.New("the key is resolved")

// attempt makes one attempt at an object. Of one that is named, the listing says what
// there is under the key by now, and its claim whether that is wanted.
func (r *Run) attempt(ctx context.Context, a *attempt) error {
	if !a.Named {
		return r.try(ctx, a)
	}
	now, listed, err := r.opts.Source.Listed(ctx, a.Key)
	switch {
	case err != nil:
		return r.clarify(ctx, a, err)
	case !listed:
		if err := a.Claim.(Namer).Unlisted(ctx); err != nil { //nolint:forcetypeassert // which Item asks for
			return err
		}
		return errSettled
	case !a.Claim.Changed(now):
		return errSettled
	}
	a.Object, a.Named = now, false
	if r.room.budget.chargeFor(now.Size) > a.charge {
		return errResolved
	}
	a.place.Again()
	return r.try(ctx, a)
}
