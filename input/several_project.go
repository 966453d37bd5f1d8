package input

import (
	"context"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"golang.org/x/sync/singleflight"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/discover"
	"github.com/seed75cbcda6/supabase-storage/input/internal/fleet"
	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/scope"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/keys"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/management"
)

// source is one project of several, or the only one of which several buckets are read.
// It implements fleet.Source.
type source struct {
	*scope.Endpoint
	in *several
	of fleet.Project
	// client is of the project; it has no bucket.
	client *config.Plane
	turn   *fleet.Turn
	// reached are the named buckets that were reached; it is guarded by the lock of in.
	reached map[string]bool
	// asked is the request that shows whether the project works.
	asked singleflight.Group
}

// open implements the Open of fleet.Options.
func (s *several) open(of fleet.Project) (fleet.Source, error) {
	conf, from := s.Conf, scope.KeysFrom(s.Conf.Keys)
	if of.Ref != "" {
		var err error
		if conf, err = s.Conf.ForProject(of.Ref); err != nil {
			return nil, err
		}
		facts := func(ctx context.Context) (management.Project, error) { return s.facts(ctx, of.Ref) }
		own := conf // the Management API has connections of its own
		from = func(patience time.Duration, watcher keys.Watcher) *keys.Source {
			return own.KeysOf(s.management, facts, patience, watcher)
		}
	}
	if s.transport != nil {
		conf.Transport = s.transport
	}
	s.teller.warn(conf.Project.Warnings)
	made := &source{in: s, of: of, turn: s.turns.Project(), reached: map[string]bool{}}
	turn := scope.EndpointOptions{Enter: made.turn.Enter, Begin: made.begin, NoAnswer: made.down(fleet.NoAnswer), NoKeys: made.down(fleet.NoKeys)}
	if of.Ref != "" {
		turn.Name = nameOf(of, "").Sentence()
	}
	made.Endpoint = scope.NewEndpoint(s.Shared, conf, from, made.logger(), s.Meters.Part("", of.Ref), turn)
	opts := conf.PlaneOptions(made.Keys)
	opts.AllBuckets = true
	opts.Retry, opts.Gate, opts.Hold = retry.Once, made.Gate, made.Limiter.Hold
	opts.OnRetry = func(_ string, err error) { made.Meters.Retried(err) }
	client, err := conf.Plane(made.Keys, opts)
	if err != nil {
		return nil, err
	}
	made.client = client
	made.Probe = func(ctx context.Context) error {
		_, err := client.Buckets(ctx)
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sources[of.Ref] = made
	s.teller.stir()
	return made, nil
}

// begin waits until a pass may hold something of a list.
func (s *source) begin(ctx context.Context) (listing.Room, func(), error) {
	room, err := s.turn.Begin(ctx)
	if err != nil {
		return nil, nil, err
	}
	return room, room.Leave, nil
}

// down tells the turn of the project whether it can't be read for now.
func (s *source) down(why fleet.Why) func(now bool) {
	return func(now bool) {
		if now {
			s.turn.Down(why)
		} else {
			s.turn.Up(why)
		}
	}
}

// logger is for lines about the project.
func (s *source) logger() *service.Logger {
	if s.of.Ref == "" {
		return s.in.Log
	}
	return s.in.Log.With("project_ref", s.of.Ref)
}

// Ready implements fleet.Source.
func (s *source) Ready(ctx context.Context) error {
	_, err := s.Keys.Credentials(ctx)
	return err
}

// Buckets implements fleet.Source.
func (s *source) Buckets(ctx context.Context) ([]string, error) {
	if names, ok := s.in.named(); ok {
		return s.present(ctx, names)
	}
	opts := discover.Options{Client: s.client, Pattern: s.Endpoint.Conf.Buckets, Identity: s.Keys.Project().Identity}
	if s.in.management != nil {
		opts.Management = s.Endpoint.Conf.ManagedBuckets(s.in.management)
	}
	var names, odd []string
	opts.Odd = func(name string) { odd = append(odd, name) }
	ask := func(ctx context.Context) error {
		leave, err := s.turn.Enter(ctx)
		if err != nil {
			return err
		}
		defer leave()
		odd = nil
		names, err = discover.Buckets(ctx, opts)
		return err
	}
	policy := s.in.Conf.Retry
	if s.in.Conf.Plan.Repeats() {
		policy = retry.Once // it is asked again with the next pass, or earlier
	}
	err := policy.Do(ctx, ask, object.Transient, func(err error) {
		s.Endpoint.Meters.Retried(err)
		s.Outages.Failed(err)
	})
	s.down(fleet.NoBuckets)(err != nil)
	if err != nil && ctx.Err() == nil {
		return nil, s.Keys.Project().Explain(err, "")
	}
	if err == nil {
		s.in.teller.cannotRead(s.of, odd)
	}
	return names, err
}

// Gone implements fleet.Source.
func (s *source) Gone(ctx context.Context, bucket string) (bool, error) {
	if r := s.in.scope(s.of.Ref, bucket); r != nil {
		if !s.finds() {
			if err := retry.Sleep(ctx, askedAgainAfter); err != nil {
				return false, err
			}
		}
		return r.BucketGone(ctx), nil
	}
	return false, nil
}

// Close implements fleet.Source.
func (s *source) Close() {
	s.client.Close()
	s.Endpoint.Close()
	s.Endpoint.Meters.Leave()
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	if s.in.sources[s.of.Ref] == s { // else the project is there again
		delete(s.in.sources, s.of.Ref)
	}
	s.in.teller.stir()
}
