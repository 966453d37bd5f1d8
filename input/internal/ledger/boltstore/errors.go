package boltstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

// ErrInUse means that another process, or another input of this process, has the
// file open: it can be opened when the other ends.
var ErrInUse = errors.New("it is in use by another process or another input; stop that one, or give each input a state of its own")

// passing are the errors of the system after which a later attempt may succeed:
// space or memory is freed, a network drive is back.
var passing = []error{
	syscall.ENOSPC, syscall.EDQUOT, syscall.ENOMEM, syscall.EAGAIN, syscall.EINTR, syscall.ETIMEDOUT,
	context.Canceled, context.DeadlineExceeded,
}

// lasting marks errors that no later attempt changes: all except those known to
// pass, since a run that waits for the wrong thing waits forever.
func lasting(err error) error {
	if err == nil || slices.ContainsFunc(append(passing, fullDisk...), func(p error) bool { return errors.Is(err, p) }) {
		return err
	}
	return fmt.Errorf("%w: %w", ledger.ErrLost, err)
}

// stillThere makes sure that the file still has its name: what is written to a
// file that was removed or replaced is lost with the process.
func (s *Store) stillThere() error {
	now, err := os.Stat(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("the file was removed while it was in use; start again, and everything that the bucket holds is delivered again")
	case err != nil:
		return err
	case !os.SameFile(now, s.info):
		return errors.New("another file was put in its place while it was in use; start again to go on with that one")
	}
	return nil
}
