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

// pipeline is the process that is killed.
type pipeline struct {
	binary, config, log, state string
	env                        []string

	process *os.Process
	// ended is closed when the process is gone, whatever the reason.
	ended chan struct{}
}

// start runs the pipeline as the given run.
func (p *pipeline) start(run int) error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	// No context: it is to die by a kill, and close waits for that.
	cmd := exec.Command(p.binary, "run", p.config) //nolint:noctx // see above
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
	}()
	return nil
}

// live waits while the pipeline runs. A pipeline that ends by itself is an
// error.
func (p *pipeline) live(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.ended:
		return fmt.Errorf("the pipeline ended by itself; its last words:\n%s", p.lastWords())
	}
}

func (p *pipeline) lastWords() string {
	log, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
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

// markDelivered has the binary itself record everything as delivered.
func (p *pipeline) markDelivered(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, p.binary, "state", p.config, "--mark-delivered")
	cmd.Env = append(append(os.Environ(), p.env...), "DRILL_RUN=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return errors.Join(fmt.Errorf("marking as delivered: %w", err), errors.New(string(out)))
	}
	return nil
}
