package main

import (
	"bufio"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// machine is a line about the machine that this runs on.
func machine() string {
	facts := []string{}
	if model := fact("/proc/cpuinfo", "model name"); model != "" {
		facts = append(facts, model)
	}
	facts = append(facts, fmt.Sprintf("%d cores", runtime.NumCPU()))
	if kb, err := strconv.ParseInt(strings.TrimSuffix(fact("/proc/meminfo", "MemTotal"), " kB"), 10, 64); err == nil {
		facts = append(facts, fmt.Sprintf("%.0f GB of memory", float64(kb*1024)/1e9))
	}
	return strings.Join(append(facts, runtime.GOOS+"/"+runtime.GOARCH, runtime.Version()), ", ")
}

// load is how busy the machine was in the last minute: how many processes
// wanted a core, on average.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(b), " ")
	return first
}

// fact is the value of a line "name: value" in a file of the system, or "".
func fact(file, name string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// residentMemory is how much memory a process uses now, in bytes; 0 if that is not
// known.
func residentMemory(pid int) int64 {
	kb, err := strconv.ParseInt(strings.TrimSuffix(fact(fmt.Sprintf("/proc/%d/status", pid), "VmRSS"), " kB"), 10, 64)
	if err != nil {
		return 0
	}
	return kb * 1024
}

// find looks for a program on the PATH, and where go install puts it.
func find(program string) (string, bool) {
	if program == obstore {
		return obstorePython(), obstoreVersion() != ""
	}
	if path, err := exec.LookPath(program); err == nil {
		return path, true
	}
	home, _ := os.UserHomeDir() // "" finds nothing
	for _, dir := range []string{os.Getenv("GOBIN"), filepath.Join(os.Getenv("GOPATH"), "bin"), filepath.Join(home, "go", "bin")} {
		if path, err := exec.LookPath(filepath.Join(dir, program)); err == nil && dir != "" {
			return path, true
		}
	}
	return "", false
}

// version is the version of a program written in Go, as the compiler recorded it.
func version(path string) string {
	if path == obstorePython() {
		return obstoreVersion()
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return "of unknown version"
	}
	facts := []string{info.Main.Version, info.GoVersion}
	for _, dep := range info.Deps {
		if dep.Path == "github.com/redpanda-data/connect/v4" {
			facts = append(facts, "Redpanda Connect "+dep.Version)
		}
	}
	return strings.Join(facts, ", ")
}
