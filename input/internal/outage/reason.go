package outage

import "sync/atomic"

// Reason is an error that lasts at the moment; none if it is empty. It is safe for
// concurrent use.
type Reason struct{ err atomic.Pointer[error] }

// Set notes the error.
func (r *Reason) Set(err error) { r.err.Store(&err) }

// Clear notes that it is over.
func (r *Reason) Clear() { r.err.Store(nil) }

// Get is the error; nil if there is none.
func (r *Reason) Get() error {
	if err := r.err.Load(); err != nil {
		return *err
	}
	return nil
}
