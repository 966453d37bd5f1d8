package input

import (
	"context"
	"errors"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/discover"
	"github.com/seed75cbcda6/supabase-storage/input/internal/fleet"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/keys"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/management"
)

// source is one project of several, or the only one of which several buckets are read.
// It implements fleet.Source.
type source struct {
	*endpoint
	in *several
	of fleet.Project
	// client is of the project; it has no bucket.
	client *config.Plane
	turn   *fleet.Turn
	// reached are the buckets that were reached; it is guarded by the lock of in.
	reached map[string]bool
}

// open implements the Open of fleet.Options.
func (s *several) open(of fleet.Project) (fleet.Source, error) {
	conf, from := s.conf, s.conf.Keys
	if of.Ref != "" {
		var err error
		if conf, err = s.conf.ForProject(of.Ref); err != nil {
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
	made.endpoint = newEndpoint(s.hub, conf, from, made.logger(), s.meters.Part("", of.Ref))
	made.endpoint.turn = made.turn
	if of.Ref != "" {
		made.outages.What = nameOf(of, "").Sentence()
	}
	opts := conf.PlaneOptions(made.endpoint.source)
	opts.AllBuckets = true
	opts.Retry, opts.Gate, opts.Hold = retry.Once, made.gate, made.limiter.Hold
	opts.OnRetry = func(_ string, err error) { made.meters.Retried(err) }
	client, err := conf.Plane(made.endpoint.source, opts)
	if err != nil {
		return nil, err
	}
	made.client = client
	made.probe = func(ctx context.Context) error {
		_, err := client.Buckets(ctx)
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sources[of.Ref] = made
	s.teller.stir()
	return made, nil
}

// logger is for lines about the project.
func (s *source) logger() *service.Logger {
	if s.of.Ref == "" {
		return s.in.log
	}
	return s.in.log.With("project_ref", s.of.Ref)
}

// Ready implements fleet.Source.
func (s *source) Ready(ctx context.Context) error {
	_, err := s.endpoint.source.Credentials(ctx)
	return err
}

// Buckets implements fleet.Source.
func (s *source) Buckets(ctx context.Context) ([]string, error) {
	if names, ok := s.in.named(); ok {
		return s.present(ctx, names)
	}
	opts := discover.Options{Client: s.client, Pattern: s.endpoint.of.Buckets, Identity: s.endpoint.source.Project().Identity}
	if s.in.management != nil {
		opts.Management = s.endpoint.of.ManagedBuckets(s.in.management)
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
	policy := s.conf.Retry
	if s.conf.Plan.Repeats() {
		policy = retry.Once // it is asked again with the next pass, or earlier
	}
	err := policy.Do(ctx, ask, object.Transient, func(err error) {
		s.meters.Retried(err)
		s.outages.Failed(err)
	})
	s.rests(fleet.NoBuckets, err != nil)
	if err != nil && ctx.Err() == nil {
		return nil, s.endpoint.source.Project().Explain(err, "")
	}
	if err == nil {
		s.in.teller.cannotRead(s.of, odd)
	}
	return names, err
}

// Gone implements fleet.Source.
func (s *source) Gone(ctx context.Context, bucket string) (bool, error) {
	if r := s.in.scope(s.of.Ref, bucket); r != nil {
		if _, named := s.in.named(); named {
			if err := retry.Sleep(ctx, askedAgainAfter); err != nil {
				return false, err
			}
		}
		_, _, err := r.client.Probe(ctx, "", retry.Once)
		return errors.Is(err, object.ErrNoBucket), nil
	}
	return false, nil
}

// Close implements fleet.Source.
func (s *source) Close() {
	s.client.Close()
	s.endpoint.close()
	s.meters.Leave()
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	delete(s.in.sources, s.of.Ref)
	s.in.teller.stir()
}
