package boltstore

import "syscall"

// fullDisk are further errors that say so: ERROR_DISK_FULL and
// ERROR_HANDLE_DISK_FULL.
var fullDisk = []error{syscall.Errno(112), syscall.Errno(39)}

// notForFolders says that the file system can't make a folder durable: Windows has
// no call for it.
func notForFolders(error) bool { return true }
