package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/tests/bench/endpoint"
)

// trial is one run of one contestant.
type trial struct {
	Wall     time.Duration  `json:"wall_ns"`
	CPU      time.Duration  `json:"cpu_ns"`
	Memory   int64          `json:"memory_bytes"`
	Endpoint endpoint.Stats `json:"endpoint"`
	// Startup is how long it took until the first request came.
	Startup time.Duration `json:"startup_ns"`
	// Fault is what is wrong with it; "" if it did all the work.
	Fault   string   `json:"fault,omitempty"`
	Samples []sample `json:"samples,omitempty"`
}

// sample is what was measured at one moment.
type sample struct {
	At       time.Time `json:"at"`
	Memory   int64     `json:"memory_bytes"`
	Requests int       `json:"requests"`
	Messages int       `json:"messages"`
}

// player runs workloads.
type player struct {
	// paths are the paths of the binaries that were found.
	paths map[string]string
	// dir is where everything is written, in memory if possible.
	dir      string
	rounds   int // 0 is as many as the workload wants
	deadline time.Duration
	progress func(string)
}

// errTimeout ends a run that takes too long.
var errTimeout = errors.New("it took too long")

// play runs a workload: every contestant once, then every contestant again, so that
// other work of the machine slows all of them alike.
func (p *player) play(ctx context.Context, w workload) (*result, error) {
	r := &result{workload: w, Date: time.Now().UTC(), LoadBefore: load()}
	for _, c := range w.contestants {
		if p.paths[binaries[c.tool]] != "" {
			r.Scores = append(r.Scores, &score{Name: c.name, contestant: c})
		}
	}
	remote, err := w.begin(ctx, p.progress)
	if err != nil {
		return nil, err
	}
	defer remote.close()
	rounds := p.rounds
	if rounds == 0 {
		rounds = w.rounds
	}
	if rounds == 0 {
		rounds = defaultRounds
	}
	for round := range rounds {
		for _, s := range r.Scores {
			t, err := p.try(ctx, w, s.contestant, remote)
			if err != nil {
				return nil, fmt.Errorf("running %s on %s: %w", s.Name, w.name, err)
			}
			s.Trials = append(s.Trials, t)
			p.progress(fmt.Sprintf("%s, round %d of %d: %s in %.2f s%s",
				w.name, round+1, rounds, s.Name, t.Wall.Seconds(), because(t.Fault)))
		}
	}
	return r, nil
}

func because(fault string) string {
	if fault == "" {
		return ""
	}
	return " (" + fault + ")"
}

// try runs a contestant once, in a folder of its own.
func (p *player) try(ctx context.Context, w workload, c contestant, remote target) (t trial, err error) {
	dir, err := os.MkdirTemp(p.dir, "run-")
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	objects := filepath.Join(dir, "objects")
	if err := os.Mkdir(objects, 0o700); err != nil {
		return t, err
	}
	commands := make([][]string, max(c.processes, 1))
	for i := range commands {
		of := strings.NewReplacer("{{PROCESS}}", strconv.Itoa(i), "{{SHARE}}", strconv.Itoa((w.objects()+len(commands)-1-i)/len(commands)))
		if commands[i], err = c.command(dir, fmt.Sprintf("config-%d.yaml", i), remote.account(), objects, of); err != nil {
			return t, err
		}
	}
	if err := remote.reset(ctx); err != nil {
		return t, err
	}
	var watch func(int)
	if w.watched {
		watch = func(pid int) {
			if s, err := remote.stats(ctx); err == nil {
				t.Samples = append(t.Samples, sample{time.Now(), residentMemory(pid), s.Requests(), s.Messages})
			}
		}
	}
	bounded, cancel := context.WithTimeoutCause(ctx, p.deadline, errTimeout)
	defer cancel()
	used, err := runProcesses(bounded, p.paths[binaries[c.tool]], commands, remote.account().environment(dir), filepath.Join(dir, "log"), watch)
	if errors.Is(err, errTimeout) {
		t.Wall, t.Fault = p.deadline, "it was still running after "+p.deadline.String()
		return t, nil
	}
	if err != nil {
		return t, err
	}
	if t.Endpoint, err = remote.stats(ctx); err != nil {
		return t, err
	}
	t.Wall, t.CPU, t.Memory = used.wall, used.cpu, used.memory
	if !t.Endpoint.First.IsZero() {
		t.Startup = t.Endpoint.First.Sub(used.began)
	}
	t.Fault = remote.account().hide(used.fault)
	if t.Fault == "" {
		t.Fault, err = w.fault(c, t.Endpoint, objects)
	}
	return t, err
}

// target is an endpoint that the contestants work on.
type target interface {
	account() account
	// stats are what it saw since the last reset; zero where it does not say.
	stats(ctx context.Context) (endpoint.Stats, error)
	reset(ctx context.Context) error
	close()
}

// begin starts the synthetic endpoint, or fills the bucket of a real one.
func (w *workload) begin(ctx context.Context, progress func(string)) (target, error) {
	if w.real != nil {
		return w.real.begin(ctx, w.bucket, progress)
	}
	return startEndpoint(ctx, w.bucket)
}

// command returns the arguments, and writes the files that they name.
func (c contestant) command(dir, config string, a account, objects string, of *strings.Replacer) ([]string, error) {
	script := filepath.Join(dir, "script")
	fill := a.fill(objects, script, c.each)
	if c.config != "" {
		path := filepath.Join(dir, config)
		return []string{"run", path}, os.WriteFile(path, []byte(of.Replace(fill(c.config))), 0o600)
	}
	args := make([]string, 0, len(c.args))
	for _, arg := range c.args {
		args = append(args, fill(arg))
	}
	if c.script == "" {
		return args, nil
	}
	return args, os.WriteFile(script, []byte(fill(c.script)), 0o600)
}

// fault says what a run that ended without an error did not do, or "".
func (w *workload) fault(c contestant, s endpoint.Stats, dir string) (string, error) {
	n := w.objects()
	switch {
	case w.real != nil && !c.files:
		return "", nil // its exit code says it
	case w.real != nil:
	case w.demand == listed && s.Listed < n:
		return fmt.Sprintf("%d of %d keys were listed", s.Listed, n), nil
	case w.demand == listed && s.Gets > 0:
		return fmt.Sprintf("%d objects were read, and only a listing was asked for", s.Gets), nil
	case w.demand != listed && s.Served < n:
		return fmt.Sprintf("%d of %d objects were read", s.Served, n), nil
	case w.demand == received && (s.Distinct < n || s.Received < w.bytes()):
		return fmt.Sprintf("%d of %d objects arrived", s.Distinct, n), nil
	case !c.files:
		return "", nil
	}
	files, bytes, err := measure(dir)
	if err == nil && (files != n || bytes != w.bytes()) {
		return fmt.Sprintf("%d of %d files and %d of %d bytes were written", files, n, bytes, w.bytes()), nil
	}
	return "", err
}

// measure counts the files in a folder, and their bytes.
func measure(dir string) (files int, bytes int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		files++
		bytes += info.Size()
		return nil
	})
	return files, bytes, err
}
