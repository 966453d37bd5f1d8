package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// ticks is how many clock ticks a second has: Linux reports CPU times in these, and 100 is
// what it shows to programs on every architecture that Go supports.
const ticks = 100

// usage is how much CPU time a process has used, how much memory it holds, in bytes, and
// how many files it has open. What can't be told is 0.
func usage(pid int) (cpu time.Duration, rss int64, files int) {
	if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil {
		_, rest, _ := strings.Cut(string(stat), ") ") // the name may hold anything
		if f := strings.Fields(rest); len(f) > 21 {
			user, _ := strconv.ParseInt(f[11], 10, 64)
			system, _ := strconv.ParseInt(f[12], 10, 64)
			pages, _ := strconv.ParseInt(f[21], 10, 64)
			cpu, rss = time.Duration(user+system)*time.Second/ticks, pages*int64(os.Getpagesize())
		}
	}
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err == nil {
		files = len(open)
	}
	return cpu, rss, files
}
