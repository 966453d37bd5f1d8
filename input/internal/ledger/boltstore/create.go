package boltstore

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.etcd.io/bbolt"
)

// create makes a file where there is none: under another name, and only once it is
// whole and on the disk does it get its own. A process that is killed on the way,
// or a full disk, leaves nothing at path. Another process may do the same: one of
// the two files stays, and which one does not matter.
func create(path string) error {
	aside := asideName(path)
	defer func() { _ = os.Remove(aside) }() // it has its name by now, or is useless
	if err := createAt(aside); err != nil {
		return fmt.Errorf("creating it: %w", err)
	}
	if err := publish(aside, path); err != nil {
		if _, there := os.Lstat(path); there == nil {
			return nil // another process was faster
		}
		return fmt.Errorf("creating it: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

func createAt(path string) error {
	db, err := bbolt.Open(path, 0o600, options(false))
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(bucketName)
		return err
	})
	return errors.Join(err, db.Close())
}

// publish gives a file its name, unless there is one of that name.
func publish(aside, path string) error {
	err := os.Link(aside, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	// Not every file system has links. A file that appears between these two calls
	// was created by another process.
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fs.ErrExist
	}
	return os.Rename(aside, path)
}

// syncDir makes a new name durable, where the system can do that to a folder.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return nil //nolint:nilerr // a folder that may be written to and not read
	}
	err = d.Sync()
	_ = d.Close()
	if err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrPermission) && !notForFolders(err) {
		return fmt.Errorf("creating it: %w", err)
	}
	return nil
}

// asidePrefix begins the names of files that are being created at path.
func asidePrefix(path string) string { return "." + filepath.Base(path) + ".being-created-" }

func asideName(path string) string {
	return filepath.Join(filepath.Dir(path), asidePrefix(path)+rand.Text())
}

// sweep removes what killed creations have left. Only the process that has the file
// open may call it: then nobody needs a file that is being created.
func sweep(path string) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return
	}
	for _, e := range entries {
		random, ok := strings.CutPrefix(e.Name(), asidePrefix(path))
		if ok && len(random) == len(rand.Text()) && e.Type().IsRegular() {
			_ = os.Remove(filepath.Join(filepath.Dir(path), e.Name())) // what stays does no harm
		}
	}
}
