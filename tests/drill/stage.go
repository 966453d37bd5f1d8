package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// stage is everything in a drill: a bucket that is written to, the pipeline that
// reads it, the recorder of what arrives, and the book that notes it all.
type stage struct {
	book     *book
	bucket   *bucketTraffic
	recorder *recorder
	output   *site
	pipeline *pipeline
}

const (
	// inFlight is how many messages the output may have under way.
	inFlight = 10
	// checkpoint is how many acks a checkpoint may hold.
	checkpoint = 500
	// After restPasses idle passes in a row, everything is delivered and recorded:
	// the first may end before the last ack is noted, the second makes it durable.
	restPasses = 3
	// After lostPasses idle passes in a row, everything missing counts as lost.
	lostPasses = 10
	// hangsAfter bounds every wait for a state, in case the pipeline hangs. It is far
	// more than the busiest machine needs.
	hangsAfter = 15 * time.Minute
)

// openStage makes the stage in a folder of its own, for a pipeline with the given
// fields, with or without a state.
func openStage(ctx context.Context, dir string, o options, seed uint64, withState bool, fields ...string) (s *stage, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s = &stage{book: newBook(), pipeline: &pipeline{
		binary: o.binary, config: filepath.Join(dir, "pipeline.yaml"), log: filepath.Join(dir, "pipeline.log"),
		state: filepath.Join(dir, "state", "drill.db"),
	}}
	s.recorder = &recorder{book: s.book}
	if withState {
		s.recorder.gate = &gate{file: s.pipeline.state}
		fields = append(fields, `state: {path: "${DRILL_STATE}"}`)
	}
	if s.bucket, err = openBucket(ctx, s.book, seed); err != nil {
		return nil, err
	}
	s.bucket.plain = o.plane.rest
	s.bucket.logged = s.pipeline.logged
	if s.output, err = openSite(ctx, s.recorder); err != nil {
		return nil, errors.Join(err, s.bucket.close())
	}
	s.bucket.quiet = func() bool { return s.output.active.Load() == 0 }
	s.pipeline.env = append(s.bucket.environment(),
		"DRILL_STATE="+s.pipeline.state, "DRILL_RECORDER="+s.output.url(), fmt.Sprintf("DRILL_IN_FLIGHT=%d", inFlight))
	return s, os.WriteFile(s.pipeline.config, []byte(configWith(append(o.plane.fields(), fields...)...)), 0o600)
}

func (s *stage) close() {
	s.pipeline.kill()
	_ = s.output.close()
	_ = s.bucket.close()
}

// start starts the pipeline, and returns the number of the run.
func (s *stage) start() (run int, err error) {
	s.recorder.gate.reset()
	run = s.book.started()
	return run, s.pipeline.start(run)
}

// kill kills the pipeline, and returns when nothing that it sent is under way.
func (s *stage) kill(ctx context.Context, resting bool) error {
	s.book.killed(resting)
	s.pipeline.kill()
	return s.drain(ctx)
}

// drain waits for the requests of a pipeline that has ended.
func (s *stage) drain(ctx context.Context) error {
	ctx, cancel := hanging(ctx, "a connection of a process that is gone stayed open")
	defer cancel()
	return errors.Join(s.bucket.site.drain(ctx), s.output.drain(ctx))
}

// rest waits until the pipeline has nothing to do in a bucket that no longer
// changes: everything is delivered, or the pipeline will never deliver the
// remainder.
func (s *stage) rest(ctx context.Context) error {
	ctx, cancel := hanging(ctx, "the pipeline did not come to rest")
	defer cancel()
	s.book.stir()
	return s.pipeline.liveUntil(ctx, func() bool {
		return s.book.rested(lostPasses) || s.book.rested(restPasses) && len(s.book.undelivered()) == 0
	})
}

// hanging bounds a wait by hangsAfter.
func hanging(ctx context.Context, what string) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, hangsAfter, fmt.Errorf("%s within %s", what, hangsAfter))
}
