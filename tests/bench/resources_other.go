//go:build !unix

package main

import (
	"os"
	"time"
)

// resources leaves out the memory, which is not known here.
func resources(s *os.ProcessState) (cpu time.Duration, memory int64) {
	return s.UserTime() + s.SystemTime(), 0
}
