package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

const (
	// snapshotTries is how often copying is tried while the file is written to.
	snapshotTries = 10
	snapshotPause = 20 * time.Millisecond
)

// Snapshot is a copy of a state file as it was at one moment. It cannot be
// written to.
type Snapshot struct {
	*Store
	copied string
	inUse  bool
}

// OpenSnapshot copies the file at path to the folder for temporary files and
// opens the copy, so that the file itself is neither written to nor kept from
// another process. It fails as [Open] does when the file is not a sound database
// of this package; the error is [fs.ErrNotExist] where there is no file.
func OpenSnapshot(ctx context.Context, path string) (*Snapshot, error) {
	s, err := openSnapshot(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("looking at the state file %q: %w", path, err)
	}
	return s, nil
}

func openSnapshot(ctx context.Context, path string) (*Snapshot, error) {
	if err := checkFile(path); err != nil {
		return nil, err
	}
	twin, err := copyOf(ctx, path)
	if err != nil {
		return nil, err
	}
	db, err := openDB(twin, true)
	if err == nil {
		if err = check(twin); err != nil {
			_ = db.Close()
		}
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(twin))
	}
	s := &Snapshot{Store: &Store{path: path, db: db}, copied: twin}
	if s.inUse, err = locked(path); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// InUse reports whether some process had the file open.
func (s *Snapshot) InUse() bool { return s.inUse }

// Close removes the copy. It must be called once.
func (s *Snapshot) Close() error { return errors.Join(s.Store.Close(), os.Remove(s.copied)) }

// locked reports whether a process has the file open, with a lock that lasts only
// for the question: a process that opens the file in this instant tries again.
func locked(path string) (bool, error) {
	held := false
	err := guarded(func() error {
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Nanosecond, ReadOnly: true})
		if errors.Is(err, bolterrors.ErrTimeout) {
			held = true
			return nil
		}
		if err != nil {
			return err
		}
		return db.Close()
	})
	return held, err
}

// copyOf copies a database that may be written to meanwhile. A transaction writes
// to pages that no committed transaction needs, and then to one of the two pages
// at the beginning: if these are the same before and after, everything that they
// refer to was copied as it was committed.
func copyOf(ctx context.Context, path string) (string, error) {
	from, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer from.Close()
	for try := 1; ; try++ {
		twin, steady, err := copyOnce(from)
		switch {
		case err != nil:
			return "", fmt.Errorf("copying it: %w", err)
		case steady:
			return twin, nil
		}
		if err := os.Remove(twin); err != nil {
			return "", fmt.Errorf("removing a copy of it: %w", err)
		}
		if try == snapshotTries {
			return "", errors.New("it is written to faster than it can be copied; try again when the pipeline that uses it has less to do")
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(snapshotPause):
		}
	}
}

func copyOnce(from *os.File) (twin string, steady bool, err error) {
	before, err := metaPages(from)
	if err != nil {
		return "", false, err
	}
	to, err := os.CreateTemp("", "supabase-connect-state-*.db")
	if err != nil {
		return "", false, err
	}
	defer func() {
		if err = errors.Join(err, to.Close()); err != nil {
			err = errors.Join(err, os.Remove(to.Name()))
		}
	}()
	info, err := from.Stat()
	if err != nil {
		return "", false, err
	}
	if _, err := io.Copy(to, io.NewSectionReader(from, 0, info.Size())); err != nil {
		return "", false, err
	}
	after, err := metaPages(from)
	return to.Name(), bytes.Equal(before, after), err
}

// metaPages reads the first two pages, as far as they are there.
func metaPages(f *os.File) ([]byte, error) {
	const (
		offset = 16 + 8 // of the page's size: behind the page header, magic and version
		most   = 64 << 10
	)
	var size [4]byte
	if _, err := f.ReadAt(size[:], offset); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	pages := make([]byte, 2*min(binary.NativeEndian.Uint32(size[:]), most))
	n, err := f.ReadAt(pages, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return pages[:n], nil
}
