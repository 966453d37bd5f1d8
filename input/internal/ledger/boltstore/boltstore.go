// Package boltstore keeps a ledger's values in one bbolt file: batches are
// atomic, every write is on the disk when it returns, and a second process is
// locked out.
package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

// lockWait is how long another process may take to let go of the file.
const lockWait = time.Second

// bucketName is that of the one bbolt bucket. A database that has others but
// not this one is not ours.
var bucketName = []byte("supabase_storage_ledger")

const remedy = "restore it from a backup, or move it away to begin with an empty state: then everything is delivered again"

var errDamaged = errors.New("it is damaged")

// Store is a file of values.
type Store struct {
	path string
	db   *bbolt.DB
}

var _ ledger.Store = (*Store)(nil)

// Open opens the file at path, or creates it along with its folder; only the
// owner can read either. It fails within a second or so when another process,
// or another store of this one, has the file open, and when the file is
// anything but a sound database of this package.
func Open(path string) (*Store, error) {
	s, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the state file %q: %w", path, err)
	}
	return s, nil
}

func open(path string) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("creating its folder: %w", err)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		if err := checkFile(info); err != nil {
			return nil, err
		}
		// Looked at before it is opened for writing, since bbolt does not let go of
		// a file that it finds damaged only then.
		if err := inspect(path); err != nil {
			return nil, err
		}
	}
	db, err := openDB(path, false)
	if err != nil {
		return nil, err
	}
	if err := prepare(db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Store{path: path, db: db}, nil
}

// checkFile finds what can't be a database at a glance.
func checkFile(info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return errors.New("it is a folder; name a file")
	case info.Size() == 0:
		return errors.New("it is empty: it was cut off, or its creation was; " + remedy)
	}
	return nil
}

func inspect(path string) error {
	db, err := openDB(path, true)
	if err != nil {
		return err
	}
	return errors.Join(check(db), db.Close())
}

// prepare makes the bucket; a file that has it is not written to.
func prepare(db *bbolt.DB) error {
	there := false
	err := db.View(func(tx *bbolt.Tx) error {
		there = tx.Bucket(bucketName) != nil
		return nil
	})
	if err != nil || there {
		return err
	}
	return db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(bucketName)
		return err
	})
}

// guarded runs f so that damage to the file, about which bbolt panics or which
// makes it read memory that is not there, is an error.
func guarded(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w (%v); %s", errDamaged, p, remedy)
		}
	}()
	return f()
}

// openDB opens a bbolt database, whatever is in it.
func openDB(path string, readOnly bool) (db *bbolt.DB, err error) {
	err = guarded(func() (err error) {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout: lockWait, FreelistType: bbolt.FreelistMapType, ReadOnly: readOnly,
		})
		return err
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, ErrInUse
	case err == nil, errors.Is(err, fs.ErrPermission), errors.Is(err, errDamaged):
		return db, err
	default:
		return nil, fmt.Errorf("it is no state file, or damaged (%w); %s", err, remedy)
	}
}

// check makes sure that the whole file is there, that its pages make sense, and
// that no other program keeps its data in it.
func check(db *bbolt.DB) error {
	return guarded(func() error {
		return db.View(func(tx *bbolt.Tx) error {
			info, err := os.Stat(db.Path())
			if err != nil {
				return err
			}
			if info.Size() < tx.Size() {
				return fmt.Errorf("it is cut off (%d of %d bytes are there); %s", info.Size(), tx.Size(), remedy)
			}
			if err := checkOwner(tx); err != nil {
				return err
			}
			if b := tx.Bucket(bucketName); b != nil {
				err = walk(b)
			}
			if err != nil {
				return fmt.Errorf("it is damaged (%w); %s", err, remedy)
			}
			return nil
		})
	})
}

// walk visits every key and value, once along the pages and once from the root.
// bbolt has a check of its own, but it runs in another goroutine, where a page
// that points nowhere ends the process.
func walk(b *bbolt.Bucket) error {
	var keys [][]byte
	ends := make([]byte, 0, 2) // reading the ends of a value shows that it is there
	err := b.ForEach(func(key, value []byte) error {
		if n := len(keys); n > 0 && bytes.Compare(keys[n-1], key) >= 0 {
			return errors.New("its keys are out of order")
		}
		keys = append(keys, bytes.Clone(key))
		if n := len(value); n > 0 {
			ends = append(ends[:0], value[0], value[n-1])
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, key := range keys {
		if b.Get(key) == nil {
			return fmt.Errorf("its key %q can't be found", key)
		}
	}
	return nil
}

func checkOwner(tx *bbolt.Tx) error {
	var foreign []byte
	err := tx.ForEach(func(name []byte, _ *bbolt.Bucket) error {
		foreign = bytes.Clone(name)
		return nil
	})
	if err == nil && foreign != nil && tx.Bucket(bucketName) == nil {
		err = fmt.Errorf("it is the database of another program (it holds %q); name another file", foreign)
	}
	return err
}

// Get implements [ledger.Store].
func (s *Store) Get(ctx context.Context, key string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var value []byte
	err := guarded(func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			value = bytes.Clone(tx.Bucket(bucketName).Get([]byte(key)))
			return nil
		})
	})
	if err == nil && value == nil {
		err = ledger.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("reading %q from %q: %w", key, s.path, err)
	}
	return value, nil
}

// Put implements [ledger.Store]; all entries are on the disk, or none.
func (s *Store) Put(ctx context.Context, entries ...ledger.Entry) error {
	return s.update(ctx, "writing", func(b *bbolt.Bucket) error {
		for _, e := range entries {
			if err := b.Put([]byte(e.Key), e.Value); err != nil {
				return err
			}
		}
		return nil
	})
}

// Delete implements [ledger.Store]; all keys are gone, or none.
func (s *Store) Delete(ctx context.Context, keys ...string) error {
	return s.update(ctx, "deleting", func(b *bbolt.Bucket) error {
		for _, k := range keys {
			if err := b.Delete([]byte(k)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) update(ctx context.Context, what string, f func(*bbolt.Bucket) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := guarded(func() error {
		return s.db.Update(func(tx *bbolt.Tx) error { return f(tx.Bucket(bucketName)) })
	})
	if err != nil {
		return fmt.Errorf("%s values in %q: %w", what, s.path, err)
	}
	return nil
}

// Close implements [ledger.Store] and lets go of the file. It may be called
// again.
func (s *Store) Close() error { return s.db.Close() }
