package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// takeProfiles writes what the process does in a time to files of a folder: its CPU
// time, its allocations, its goroutines.
func takeProfiles(ctx context.Context, debug, dir string, during time.Duration) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	seconds := int(during.Seconds())
	for _, path := range []string{fmt.Sprintf("profile?seconds=%d", seconds), "allocs", "heap", "goroutine"} {
		name, _, _ := strings.Cut(path, "?")
		if err := download(ctx, debug+"/debug/pprof/"+path, filepath.Join(dir, name+".pprof")); err != nil {
			return fmt.Errorf("taking the profile %s: %w", name, err)
		}
	}
	return nil
}

func download(ctx context.Context, url, path string) error {
	content, err := fetchText(ctx, url)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content), 0o600)
}

// digestOf tells contents of a file apart, "" where it can't be read.
func digestOf(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return ""
	}
	return string(h.Sum(nil))
}
