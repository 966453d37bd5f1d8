package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

//go:embed pipeline.yaml
var pipelineConfig string

// configWith is the pipeline with further fields of the input.
func configWith(fields ...string) string { return withFields(pipelineConfig, fields...) }

func withFields(config string, fields ...string) string {
	const place = "# The fields of the drill come here."
	return strings.Replace(config, place, strings.Join(fields, "\n    "), 1)
}

// pipeline is the process that is killed.
type pipeline struct {
	binary, config, log, state string
	env                        []string
	set                        []string // fields of the config, as field=value

	process *os.Process
	// ended is closed when the process is gone, whatever the reason; code is its
	// exit code then, -1 after a kill.
	ended chan struct{}
	code  int
	// peak is the most memory that any of the processes held, in bytes.
	peak int64
	// cpu is what all of the processes used.
	cpu time.Duration
}

// start runs the pipeline as the given run.
func (p *pipeline) start(run int) error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	// No context: a kill ends the process, and close waits for that.
	args := []string{"run"}
	for _, field := range p.set {
		args = append(args, "--set", field)
	}
	cmd := exec.Command(p.binary, append(args, p.config)...) //nolint:noctx // see above
	cmd.Env = append(append(os.Environ(), p.env...), fmt.Sprintf("DRILL_RUN=%d", run))
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", p.binary, err)
	}
	ended := make(chan struct{})
	p.process, p.ended = cmd.Process, ended
	go func() {
		defer close(ended)
		_ = cmd.Wait() // killed, most likely
		p.code = cmd.ProcessState.ExitCode()
		p.peak = max(p.peak, peakMemory(cmd.ProcessState))
		p.cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}()
	return nil
}

// errEnded means that a pipeline ended by itself.
var errEnded = errors.New("the pipeline ended by itself")

// command runs the binary with a subcommand on the config, and returns what it printed and
// its exit code.
func (p *pipeline) command(ctx context.Context, subcommand string, flags ...string) (out string, code int) {
	cmd := exec.CommandContext(ctx, p.binary, append([]string{subcommand, p.config}, flags...)...)
	cmd.Env = append(append(os.Environ(), p.env...), "DRILL_RUN=0")
	text, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		return err.Error(), -1
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// liveFor is live until something happens, at most for a while.
func (p *pipeline) liveFor(ctx context.Context, something <-chan struct{}, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-something:
		return nil
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.ended:
		return fmt.Errorf("%w; its last words:\n%s", errEnded, p.lastWords())
	}
}

// live waits while the pipeline runs. A pipeline that ends by itself is an
// error.
func (p *pipeline) live(ctx context.Context, d time.Duration) error { return p.liveFor(ctx, nil, d) }

// liveUntil is live until a state is reached.
func (p *pipeline) liveUntil(ctx context.Context, reached func() bool) error {
	for !reached() {
		if err := p.live(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// logged is how many bytes the processes have logged so far.
func (p *pipeline) logged() int64 {
	info, err := os.Stat(p.log)
	if err != nil {
		return 0 // not started yet
	}
	return info.Size()
}

// loggedSince is the log from that byte on.
func (p *pipeline) loggedSince(from int64) string {
	log, err := os.ReadFile(p.log)
	if err != nil || from > int64(len(log)) {
		return ""
	}
	return string(log[from:])
}

// lastWords are the last lines of the log, each shortened if it is long.
func (p *pipeline) lastWords() string {
	const most, width = 4, 400
	lines := strings.Split(strings.TrimSpace(p.loggedSince(0)), "\n")
	lines = lines[max(0, len(lines)-most):]
	for i, line := range lines {
		if len(line) > width {
			lines[i] = strings.ToValidUTF8(line[:width], "") + " …"
		}
	}
	return strings.Join(lines, "\n")
}

// kill ends the process without a warning, if it runs, and waits until it is
// gone.
func (p *pipeline) kill() {
	if p.process == nil {
		return
	}
	_ = p.process.Kill() // it may be gone
	<-p.ended
	p.process = nil
}

// markDelivered lets the binary itself record everything as delivered.
func (p *pipeline) markDelivered(ctx context.Context) error {
	if out, code := p.command(ctx, "state", "--mark-delivered"); code != 0 {
		return fmt.Errorf("marking as delivered ended with %d: %s", code, out)
	}
	return nil
}
