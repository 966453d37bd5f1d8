//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"
	"time"
)

// resources is the processor time that a process used, and the most memory that it
// held. Linux includes the memory of the parent at the start, which is little here:
// the endpoint is a process of its own.
func resources(s *os.ProcessState) (cpu time.Duration, memory int64) {
	cpu = s.UserTime() + s.SystemTime()
	u, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return cpu, 0
	}
	memory = int64(u.Maxrss) //nolint:unconvert // int32 where int is
	if runtime.GOOS != "darwin" && runtime.GOOS != "ios" {
		memory *= 1024
	}
	return cpu, memory
}
