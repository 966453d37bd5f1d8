package fleet

import (
	"context"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// scope is one bucket of a project.
type scope struct {
	bucket string
	run    Scope
	stop   context.CancelFunc // nil until it has begun
	ended  chan struct{}
	ending bool // it is gone; it belongs to the project
}

// start begins to read, once.
func (s *scope) start(ctx context.Context) {
	if s.stop != nil {
		return
	}
	ctx, s.stop = context.WithCancel(ctx)
	s.ended = make(chan struct{})
	go func() {
		defer close(s.ended)
		defer s.stop()
		_ = s.run.Run(ctx) // it tells of its end by itself
	}()
}

// end returns when the bucket is not being read any more.
func (s *scope) end() {
	if s.stop != nil {
		s.stop()
		s.wait()
	}
}

func (s *scope) wait() {
	if s.ended != nil {
		<-s.ended
	}
}

// idleEvery is how often a bucket that is gone is looked at, whether it can be closed.
const idleEvery = time.Second

// closeIdle closes a bucket that is gone, once everything that was handed on is
// acknowledged, or ctx ends.
func (s *scope) closeIdle(ctx context.Context) {
	for !s.run.Idle() && retry.Sleep(ctx, idleEvery) == nil {
		continue
	}
	_ = s.run.Close(context.WithoutCancel(ctx)) // it tells of its end by itself
}
