package input

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
)

// State is what an input remembers of one bucket, for tools that look at it or change
// it while the input does not run.
type State struct {
	of     *States
	scope  StateScope
	conf   config.Config // for the bucket
	ledger *ledger.Ledger
	// alone says that nobody else closes the store.
	alone          bool
	listed, marked atomic.Int64
}

// StateSummary says what a state is of, and how much is in it.
type StateSummary struct {
	// Endpoint, Bucket and Namespace are the scope: two inputs share what they
	// remember if all three are the same. Where is the field that names the
	// store, with its value.
	Endpoint, Bucket, Namespace, Where string
	// Tracked is the number of keys of which some version was delivered, Parked
	// of those that wait for another attempt.
	Tracked, Parked int64
	// LastCompletePass is when the bucket was last listed from end to end; zero
	// if never.
	LastCompletePass time.Time
}

// ParkedObject is an object that could not be delivered so far.
type ParkedObject struct {
	Key, Reason string
	// Attempts is how many passes have parked it, Next when it is tried again,
	// FirstSeen when it was parked first.
	Attempts        int
	Next, FirstSeen time.Time
}

// OpenState opens the state that an input's config names, of a config that reads one
// bucket; for others see [OpenStates]. It fails where the config has none, and while
// another process uses it.
func OpenState(ctx context.Context, parsed *service.ParsedConfig, res *service.Resources) (*State, error) {
	all, err := OpenStates(ctx, parsed, res)
	if err != nil {
		return nil, err
	}
	if all.Several() {
		return nil, errors.Join(errors.New("state: this input reads several buckets, each with a state of its own: use OpenStates"), all.Close(ctx))
	}
	s, err := all.Open(ctx, all.Scopes()[0])
	if err != nil {
		return nil, errors.Join(err, all.Close(ctx))
	}
	s.alone = true
	return s, nil
}

// Summary makes no request.
func (s *State) Summary() StateSummary {
	stats := s.ledger.Stats()
	return StateSummary{
		Endpoint: s.scope.Endpoint, Bucket: s.scope.Bucket, Namespace: s.of.Namespace(), Where: s.of.Where(),
		Tracked: stats.Tracked, Parked: stats.Parked, LastCompletePass: stats.LastCompletePass,
	}
}

// Parked lists the objects that wait for another attempt, in byte order.
func (s *State) Parked(ctx context.Context) iter.Seq2[ParkedObject, error] {
	return func(yield func(ParkedObject, error) bool) {
		for item, err := range s.ledger.Parked(ctx) {
			p := ParkedObject{Key: item.Key, Reason: item.Reason, Attempts: item.Attempts, Next: item.Next, FirstSeen: item.FirstSeen}
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// Forget makes the input deliver a key again, as created; it reports whether
// the key was known.
func (s *State) Forget(ctx context.Context, key string) (bool, error) {
	return s.ledger.Forget(ctx, key)
}

// ForgetPrefix is Forget for all keys that begin with prefix, and returns how
// many were known.
func (s *State) ForgetPrefix(ctx context.Context, prefix string) (int64, error) {
	return s.ledger.ForgetPrefix(ctx, prefix)
}

// MarkDelivered lists the bucket as the input would, and records every object
// that is due as delivered without delivering it: to start from now. It returns
// how many there were.
func (s *State) MarkDelivered(ctx context.Context) (int64, error) {
	s.listed.Store(0)
	s.marked.Store(0)
	conf, err := s.of.online(s.scope)
	if err != nil {
		return 0, err
	}
	r, err := s.of.reader(conf, s.scope.ProjectRef)
	if err != nil {
		return 0, err
	}
	defer r.Discard()
	marked := int64(0)
	prefix := conf.Filter.ListPrefix()
	opts := r.Listing(prefix)
	opts.Bounds = s.ledger.Bounds(prefix)
	for stretch, err := range listing.List(ctx, opts) {
		switch err = r.Explain(ctx, err); {
		case err != nil && marked > 0:
			return marked, fmt.Errorf("after %s marked: %w", object.Count(marked), err)
		case err != nil:
			return 0, err
		}
		if err := s.of.note(ctx, s.scope); err != nil { // it is there
			return marked, err
		}
		n, err := s.ledger.MarkDelivered(ctx, pass.Complete(stretch, prefix, func(obj object.Object) bool {
			return conf.Filter.Match(obj, time.Now()).Rule == filter.Pass
		}))
		if err != nil {
			return marked, err
		}
		marked += n
		s.listed.Add(int64(len(stretch.Objects) + len(stretch.Unplaced)))
		s.marked.Add(n)
	}
	return marked, s.ledger.CompletePass(ctx)
}

// Marked tells, while MarkDelivered works, how many objects were listed and how many
// of these were marked so far.
func (s *State) Marked() (listed, marked int64) { return s.listed.Load(), s.marked.Load() }

// Close writes what was changed, and gives free what was opened with it.
func (s *State) Close(ctx context.Context) error {
	err := s.ledger.Close(ctx)
	if err != nil {
		err = fmt.Errorf("%s: %w; what was changed last may not be kept", s.conf.State.Field(), err)
	}
	if s.alone {
		err = errors.Join(err, s.of.Close(ctx))
	}
	return err
}
