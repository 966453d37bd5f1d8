//go:build !windows

package live

import "os"

// obeys reports whether a terminal obeys escape sequences. All do.
func obeys(*os.File) bool { return true }
