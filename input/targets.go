package input

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/outage"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
	"github.com/seed75cbcda6/supabase-storage/input/internal/poll"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/target"
)

// targets is what a run has that reads targets_input.
type targets struct {
	child *service.OwnedInput // nil where the scope is listed instead
	// named are the targets under way; nil until the run has begun.
	named atomic.Pointer[pass.Targets]
	// ended says that the child has come to its end, not this input.
	ended     atomic.Bool
	malformed atomic.Int64
}

// openTargets makes the input of targets_input, where there is one.
func (r *reader) openTargets() (err error) {
	if r.conf.Targets != nil {
		r.targets.child, err = r.conf.Targets.Open()
	}
	return err
}

// runTargets delivers what the messages of targets_input name, until its end or that
// of ctx. In between it may list everything.
func (r *reader) runTargets(ctx context.Context, scope *pass.Scope, deleted func(context.Context, string, pass.Ack) error) {
	t := pass.NewTargets(pass.TargetOptions{
		Scope:      scope,
		ProjectRef: r.conf.Project.Ref, Bucket: r.conf.Project.Bucket, Prefix: r.conf.Prefix,
		NackMissing: r.conf.Targets.NackMissing, Deleted: deleted, Remembers: r.conf.State.Set(),
		Watcher: targetWatcher{r},
	})
	r.targets.named.Store(t)
	go r.watchTargets(t)
	reading, stopReading := context.WithCancel(ctx)
	defer stopReading()
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() { r.readTargets(reading, t) })
	endSweeps := func() {}
	if r.conf.Targets.Sweeps {
		endSweeps = r.beginSweeps(ctx, scope)
	}
	r.deliverTargets(ctx, t)
	endSweeps()
}

// readTargets takes in what the messages name, until there are no more.
func (r *reader) readTargets(ctx context.Context, t *pass.Targets) {
	defer t.End()
	for {
		batch, ack, err := r.targets.child.ReadBatch(ctx)
		switch {
		case err == nil:
			r.takeIn(ctx, t, batch, ack)
		case errors.Is(err, service.ErrEndOfInput) && ctx.Err() == nil:
			r.targets.ended.Store(true)
			r.log.Info("targets_input has come to its end: this input ends when everything that it named is handed on")
			return
		default:
			return
		}
	}
}

// takeIn takes in what a batch of messages names. It is acknowledged once all of that
// is done with.
func (r *reader) takeIn(ctx context.Context, t *pass.Targets, batch service.MessageBatch, ack service.AckFunc) {
	b := &taken{log: r.log, ack: ack, left: 1}
	for _, msg := range batch {
		named, err := namedBy(msg)
		if err != nil {
			r.sayMalformed(err)
			r.emitMalformed(ctx, msg, err, b)
		}
		for _, one := range named {
			b.more()
			t.Add(ctx, one, b.done)
		}
	}
	b.done(nil) //nolint:contextcheck // an ack has a context of its own: what was read is answered at the end, too
}

// emitMalformed sends a message on that names nothing, with the error, where failures
// are sent.
func (r *reader) emitMalformed(ctx context.Context, msg *service.Message, why error, b *taken) {
	if !r.conf.EmitFailures {
		return
	}
	msg = msg.Copy()
	msg.SetError(why)
	msg.MetaSetMut(emit.MetaFailure, reasonMalformed)
	b.more()
	ack := func(_ context.Context, err error) error {
		b.done(err) //nolint:contextcheck // as above
		return nil
	}
	select {
	case r.out <- emit.Handover{Batch: service.MessageBatch{msg}, Ack: ack}:
	case <-ctx.Done():
		b.done(pass.ErrStopped) //nolint:contextcheck // as above
	}
}

// reasonMalformed is the reason of a message that names nothing.
const reasonMalformed = "malformed"

// namedBy is what a message names. Both are returned where it names something, and is
// wrong otherwise.
func namedBy(msg *service.Message) ([]target.Target, error) {
	if err := msg.GetError(); err != nil {
		return nil, fmt.Errorf("a processor below targets_input failed: %w", foreign.Cause(err))
	}
	doc, err := msg.AsBytes()
	if err != nil {
		return nil, foreign.Cause(err)
	}
	return target.Parse(doc)
}

// taken is a batch of targets_input that is not acknowledged.
type taken struct {
	log *service.Logger
	ack service.AckFunc

	mu   sync.Mutex
	left int // targets that are not done with
	err  error
}

func (m *taken) more() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left++
}

// done hears of one target that it is done with. The last one acknowledges the batch,
// or refuses it with the first error.
func (m *taken) done(err error) {
	m.mu.Lock()
	m.left--
	if m.err == nil {
		m.err = err
	}
	last, err := m.left == 0, m.err
	m.mu.Unlock()
	if !last {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeStep)
	defer cancel()
	if err := m.ack(ctx, err); err != nil {
		m.log.Warnf("Messages of targets_input could not be acknowledged, and may come again: %v", foreign.Cause(err))
	}
}

// deliverTargets has the targets delivered, and goes on after what ends all downloads:
// keys that are refused, an endpoint that stays down. The messages wait meanwhile.
func (r *reader) deliverTargets(ctx context.Context, t *pass.Targets) {
	var failing outage.Lines
	before := int64(-1)
	for {
		err := t.Run(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		if now := t.Report().Counts[pass.TargetDelivered]; now != before {
			before, failing = now, outage.Lines{}
		}
		// Always the first pause: nothing is asked for meanwhile, and what uploads bring
		// is waited for.
		pause := poll.Pause(1)
		if failing.Failed() {
			r.log.Errorf("Reading what targets_input names in %s ended early, and goes on in %v: %v", r.where(), pause, r.explain(ctx, err))
		}
		if retry.Sleep(ctx, pause) != nil {
			return
		}
	}
}

// closeTargets refuses the messages that are not done with, and closes their input.
func (r *reader) closeTargets(ctx context.Context) error {
	if r.targets.child == nil {
		return nil
	}
	t := r.targets.named.Load()
	if t == nil { // it never began: there is nothing to wait for
		ended, cancel := context.WithCancel(ctx)
		cancel()
		_ = r.targets.child.Close(ended)
		return nil
	}
	t.Close()
	if err := r.targets.child.Close(ctx); err != nil {
		return fmt.Errorf("closing targets_input: %w", err)
	}
	return nil
}

// beginSweeps lists everything now and at each interval, and delivers what no target
// named. Its result ends that after the pass under way, of which there is one at least.
func (r *reader) beginSweeps(ctx context.Context, scope *pass.Scope) (end func()) {
	s := &sweeps{passes: &passes{reader: r, scope: scope}, run: ctx, began: make(chan struct{})}
	between, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = r.poll(between, s, scope) // each of its passes has told how it ended
	}()
	return func() {
		select {
		case <-s.began:
		case <-ended:
		}
		stop()
		<-ended
		for _, p := range s.left {
			select {
			case <-p.Done():
			case <-ctx.Done():
			}
		}
	}
}

// sweeps are the passes next to targets. Their loop may be ended without ending the
// pass under way.
type sweeps struct {
	*passes
	run   context.Context //nolint:containedctx // that of the run, which ends passes
	once  sync.Once
	began chan struct{}
	// left are the passes whose downloads were under way when they ended.
	left []*pass.Pass
}

// List implements poll.Passes.
func (s *sweeps) List(_ context.Context, due poll.Due, remember bool) (left bool, _ error) {
	s.once.Do(func() { close(s.began) })
	s.left = slices.DeleteFunc(s.left, func(p *pass.Pass) bool {
		select {
		case <-p.Done():
			return true
		default:
			return false
		}
	})
	left, err := s.passes.List(s.run, due, remember) //nolint:contextcheck // that of the loop ends earlier
	if left {
		s.left = append(s.left, s.pass.Load())
	}
	return left, err
}

// Parked implements poll.Passes.
func (s *sweeps) Parked(_ context.Context, due poll.Due) {
	s.passes.Parked(s.run, due) //nolint:contextcheck // as above
}

// targetWatcher counts targets for the metrics, and logs what a user has to know of
// single ones. It implements pass.TargetWatcher.
type targetWatcher struct{ *reader }

// Target implements pass.TargetWatcher.
func (w targetWatcher) Target(e pass.TargetEvent) { w.meters.Target(e) }

// Missing implements pass.TargetWatcher.
func (w targetWatcher) Missing(key string) {
	what := "the target is done with"
	if w.conf.Targets.NackMissing {
		what = "the target is rejected"
	}
	w.watcher.say(w.log.Warnf, kindMissing, "Object %q, which a message of targets_input names, is not listed: %s (on_missing)", key, what)
}

// Refused implements pass.TargetWatcher.
func (w targetWatcher) Refused(key string, err error) {
	w.watcher.say(w.log.Errorf, kindRefused, "Object %q was not delivered, and its target is rejected: %v", key, err)
}

// sayMalformed tells of a message that names nothing, or not only objects.
func (r *reader) sayMalformed(err error) {
	r.targets.malformed.Add(1)
	r.meters.TargetsMalformed.Incr(1)
	r.watcher.say(r.log.Errorf, kindMalformed, "A message of targets_input is skipped, or a part of it: %v", err)
}

// linesEvery is how often the lines of a kind are counted anew where there are no passes
// that do so.
const linesEvery = 10 * time.Minute

// measureEvery is how often the age of the oldest target is measured: the precision of
// the metric.
const measureEvery = time.Second

// watchTargets measures the age of the oldest target, and logs a line now and then, as
// long as there is something under way.
func (r *reader) watchTargets(t *pass.Targets) {
	tick := time.NewTicker(measureEvery)
	defer tick.Stop()
	now := time.Now()
	told, lines := now, now
	var last pass.TargetReport
	for {
		select {
		case now = <-tick.C:
		case <-r.shut.begun.Done():
			r.meters.OldestTarget(0)
			return
		}
		age := time.Duration(0)
		if oldest := t.Oldest(); !oldest.IsZero() {
			age = now.Sub(oldest)
		}
		r.meters.OldestTarget(age)
		if now.Sub(lines) >= linesEvery {
			lines = now
			r.watcher.sayRest()
		}
		if now.Sub(told) < progressEvery {
			continue
		}
		told = now
		report := t.Report()
		if report.UnderWay > 0 || report.Counts != last.Counts {
			r.log.Infof("Reading what targets_input names in %s: %s", r.where(), r.targetCounts(report))
		}
		last = report
	}
}

// targetCounts says what happened to targets.
func (r *reader) targetCounts(t pass.TargetReport) string {
	var line strings.Builder
	fmt.Fprintf(&line, "targets received: %d, delivered: %d (%s)", t.Counts[pass.TargetReceived], t.Counts[pass.TargetDelivered], object.Bytes(t.Objects.Bytes))
	for _, part := range []struct {
		what string
		n    int64
	}{
		{"joined", t.Counts[pass.TargetJoined]},
		{"unchanged", t.Objects.Unchanged},
		{"filtered", t.Counts[pass.TargetFiltered]},
		{"missing", t.Counts[pass.TargetMissing]},
		{"failed attempts", t.Counts[pass.TargetFailed]},
		{"messages that name nothing", r.targets.malformed.Load()},
		{"under way", int64(t.UnderWay)},
		{"of these tried again later", int64(t.Waiting)},
	} {
		if part.n > 0 {
			fmt.Fprintf(&line, ", %s: %d", part.what, part.n)
		}
	}
	return line.String()
}
