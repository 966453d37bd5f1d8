//go:build !windows

package boltstore

import (
	"errors"
	"syscall"
)

// fullDisk are further errors that say so.
var fullDisk []error

// notForFolders says that the file system can't make a folder durable.
func notForFolders(err error) bool { return errors.Is(err, syscall.EINVAL) }
