package ledger

import "errors"

// Lasting reports whether an error of a ledger is one that no later attempt can
// change: another process has written to it, a part of it is damaged or gone, or
// its store is. Anything else may pass.
func Lasting(err error) bool {
	return errors.Is(err, ErrTaken) || errors.Is(err, ErrDamaged) || errors.Is(err, ErrLost)
}

// Failed is closed once any method has met an error that is [Lasting]. Nothing
// can be recorded from then on, so whoever uses the ledger should end.
func (l *Ledger) Failed() <-chan struct{} { return l.failed }

// Err is the first error that is [Lasting], nil while there was none.
func (l *Ledger) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failure
}

// noted takes note of how a method ends, and returns it.
func (l *Ledger) noted(err error) error {
	if !Lasting(err) {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failure == nil {
		l.failure = err
		close(l.failed)
	}
	return err
}
