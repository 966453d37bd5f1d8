package boltstore

import (
	"bytes"
	"os"

	"go.etcd.io/bbolt"
)

// Lasting marks what no later attempt changes.
var Lasting = lasting

// Verify looks through the file at path.
func Verify(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return VerifyBytes(b)
}

// VerifyBytes looks through what a file holds.
func VerifyBytes(b []byte) error { return verify(bytes.NewReader(b), int64(len(b))) }

// HoldWrites keeps all transactions from beginning until release is called.
func (s *Store) HoldWrites() (release func() error, err error) {
	tx, err := s.db.Begin(true)
	if err != nil {
		return nil, err
	}
	return tx.Rollback, nil
}

// Waiting is how many callers wait for a transaction that has not begun.
func (s *Store) Waiting() int {
	s.writes.mu.Lock()
	defer s.writes.mu.Unlock()
	return len(s.writes.waiting)
}

// Taken reports whether a caller is at its transaction, and no other waits.
func (s *Store) Taken() bool {
	if s.writes.turn.TryLock() {
		s.writes.turn.Unlock()
		return false
	}
	return s.Waiting() == 0
}

// Transactions is how many were written so far.
func (s *Store) Transactions() (n int, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		n = tx.ID()
		return nil
	})
	return n, err
}
