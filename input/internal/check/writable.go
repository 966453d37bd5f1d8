//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package check

import "syscall"

// writable asks the system whether this process may write to a file or folder,
// without doing it.
func writable(path string) error {
	const write = 2 // W_OK
	return syscall.Access(path, write)
}
