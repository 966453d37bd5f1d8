package ledger

import "errors"

// Lasting reports whether an error of a ledger is one that no later attempt can
// change: another process has written to it, a part of it is damaged or gone, or
// its store is. Anything else may pass.
func Lasting(err error) bool {
	return errors.Is(err, ErrTaken) || errors.Is(err, ErrDamaged) || errors.Is(err, ErrLost) || errors.Is(err, errClosed)
}
