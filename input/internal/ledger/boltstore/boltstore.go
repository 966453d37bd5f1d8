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

// lockWait is how long another process has to release the file.
const lockWait = time.Second

// bucketName names the only bbolt bucket. A database that has other buckets but
// not this one is not ours.
var bucketName = []byte("supabase_storage_ledger")

const remedy = "restore it from a backup, or move it away to begin with an empty state: then everything is delivered again"

var errDamaged = errors.New("it is damaged")

// Store is a file of values.
type Store struct {
	path string
	db   *bbolt.DB
	// info is which file it is.
	info os.FileInfo
	// writes are those of all callers.
	writes group
}

var _ ledger.Store = (*Store)(nil)

// Open opens the file at path, or creates it along with its folder; only the
// owner can read either. It fails within about a second when another process, or
// another store of this process, has the file open, and when the file is not a
// sound database of this package.
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
	err := checkFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = create(path)
	}
	if err != nil {
		return nil, err
	}
	// Inspected before it is opened for writing, since bbolt does not release a
	// file that it finds damaged only then.
	if err := inspect(path); err != nil {
		return nil, err
	}
	db, err := openDB(path, false)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err == nil {
		err = prepare(db)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	sweep(path)
	return &Store{path: path, db: db, info: info}, nil
}

// checkFile refuses what obviously can't be a database. The error is
// [fs.ErrNotExist] where there is nothing.
func checkFile(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if target, linkErr := os.Readlink(path); linkErr == nil {
			return fmt.Errorf("it is a link to %q, which is not there; mount or create that, or remove the link", target)
		}
	}
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("it is a folder; name a file")
	case !info.Mode().IsRegular():
		return fmt.Errorf("it is no regular file (%s); name another one", info.Mode().Type())
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
	return errors.Join(check(path), db.Close())
}

// check makes sure that the file is whole, and that no other program keeps its
// data in it.
func check(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	err = verify(f, info.Size())
	if err == nil || errors.Is(err, errForeign) {
		return err
	}
	return fmt.Errorf("it is damaged (%w); %s", err, remedy)
}

// prepare makes the bucket in a file whose creation an earlier version did not
// finish. It does not write to a file that has the bucket.
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

// guarded runs f and turns damage to the file into an error: because of it bbolt
// panics or reads memory that is not there.
func guarded(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w (%v); %s", errDamaged, p, remedy)
		}
	}()
	return f()
}

func options(readOnly bool) *bbolt.Options {
	return &bbolt.Options{Timeout: lockWait, FreelistType: bbolt.FreelistMapType, ReadOnly: readOnly}
}

// openDB opens a bbolt database without looking at what is in it.
func openDB(path string, readOnly bool) (db *bbolt.DB, err error) {
	err = guarded(func() (err error) {
		db, err = bbolt.Open(path, 0o600, options(readOnly))
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
		return nil, fmt.Errorf("reading %q from %q: %w", key, s.path, ledger.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %q from %q: %w", key, s.path, lasting(err))
	}
	return value, nil
}

// Put implements [ledger.Store]; all entries are on the disk, or none.
func (s *Store) Put(ctx context.Context, entries ...ledger.Entry) error {
	size := 0
	for _, e := range entries {
		size += len(e.Key) + len(e.Value)
	}
	return s.update(ctx, "writing", size, func(b *bbolt.Bucket, keys *digest) error {
		for _, e := range entries {
			key := []byte(e.Key)
			if b.Get(key) == nil {
				keys.add(key)
			}
			if err := b.Put(key, e.Value); err != nil {
				return err
			}
		}
		return nil
	})
}

// Delete implements [ledger.Store]; all keys are gone, or none.
func (s *Store) Delete(ctx context.Context, keys ...string) error {
	return s.update(ctx, "deleting", 0, func(b *bbolt.Bucket, left *digest) error {
		for _, k := range keys {
			key := []byte(k)
			if b.Get(key) != nil {
				left.remove(key)
			}
			if err := b.Delete(key); err != nil {
				return err
			}
		}
		return nil
	})
}

// update runs f in a transaction, perhaps along with those of other callers; f also
// keeps the digest of the keys. It may run again, after a transaction that failed.
func (s *Store) update(ctx context.Context, what string, size int, f func(*bbolt.Bucket, *digest) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.writes.run(&change{do: f, size: size}, s.write); err != nil {
		return fmt.Errorf("%s values in %q: %w", what, s.path, lasting(err))
	}
	return nil
}

// write makes one transaction of all changes.
func (s *Store) write(changes ...*change) error {
	if err := s.stillThere(); err != nil {
		return err
	}
	return guarded(func() error {
		return s.db.Update(func(tx *bbolt.Tx) error {
			b := tx.Bucket(bucketName)
			keys, err := keysOf(b)
			for i := 0; err == nil && i < len(changes); i++ {
				err = changes[i].do(b, &keys)
			}
			if err == nil && keys.sequence() != b.Sequence() {
				err = b.SetSequence(keys.sequence())
			}
			return err
		})
	})
}

// keysOf is the digest of a bucket, counted where a file has none yet.
func keysOf(b *bbolt.Bucket) (d digest, err error) {
	if n := b.Sequence(); n != 0 {
		return digestOf(n), nil
	}
	err = b.ForEach(func(key, _ []byte) error {
		d.add(key)
		return nil
	})
	return d, err
}

// Close implements [ledger.Store] and releases the file. It may be called again.
func (s *Store) Close() error { return s.db.Close() }
