package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// usage is what a process used.
type usage struct {
	began time.Time
	wall  time.Duration
	cpu   time.Duration
	// memory is the most memory that it used, in bytes.
	memory int64
	// fault is why it did not end with 0, or "".
	fault string
}

// lastWords is how much of what a tool printed goes into an error.
const lastWords = 400

// runProcess runs a program to its end. What it prints goes into the log, a
// file. While it runs, watch is called every second with its process id, unless
// it is nil.
func runProcess(ctx context.Context, path string, args, env []string, log string, watch func(pid int)) (usage, error) {
	out, err := os.Create(log)
	if err != nil {
		return usage{}, err
	}
	defer out.Close()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, out, out
	u := usage{began: time.Now()}
	if err := cmd.Start(); err != nil {
		return usage{}, fmt.Errorf("starting %s: %w", path, err)
	}
	stop := every(time.Second, func() {
		if watch != nil {
			watch(cmd.Process.Pid)
		}
	})
	err = cmd.Wait()
	u.wall = time.Since(u.began)
	stop()
	if ctx.Err() != nil {
		return usage{}, context.Cause(ctx)
	}
	if err != nil {
		u.fault = strings.TrimSpace(err.Error() + ": " + tail(log))
	}
	u.cpu, u.memory = resources(cmd.ProcessState)
	return u, nil
}

// runProcesses runs a program once for each of the arguments, all at the same time. What
// they used is that of all together: the time until the last ended, their CPU, and
// the most memory of one.
func runProcesses(ctx context.Context, path string, args [][]string, env []string, log string, watch func(pid int)) (usage, error) {
	uses, errs := make([]usage, len(args)), make([]error, len(args))
	var running sync.WaitGroup
	for i, a := range args {
		running.Go(func() {
			uses[i], errs[i] = runProcess(ctx, path, a, env, fmt.Sprintf("%s-%d", log, i), watch)
		})
	}
	running.Wait()
	all := uses[0]
	for _, u := range uses[1:] {
		all.wall, all.cpu, all.memory = max(all.wall, u.wall), all.cpu+u.cpu, max(all.memory, u.memory)
		all.fault = cmp.Or(all.fault, u.fault)
	}
	for _, err := range errs {
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

func tail(log string) string {
	b, err := os.ReadFile(log)
	if err != nil {
		return ""
	}
	b = b[max(0, len(b)-lastWords):]
	return strings.Join(strings.Fields(string(b)), " ")
}

// every calls f periodically until it is stopped; stop returns once f will not be
// called any more.
func every(d time.Duration, f func()) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(d)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				f()
			case <-quit:
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}
