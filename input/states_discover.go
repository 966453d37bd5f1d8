package input

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/discover"
	"github.com/seed75cbcda6/supabase-storage/input/internal/meter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/scope"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/keys"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/management"
)

const (
	// toolPatience is how long a tool waits for keys, such as those of a project that
	// comes up, and for the list of its buckets: somebody waits for the tool.
	toolPatience = 15 * time.Second
	// projectsAsked is how many projects are asked for their buckets at the same time.
	projectsAsked = 16
)

// DiscoveredScope is a bucket that a config reads, or a project whose buckets could not
// be found: then Bucket is "", and Err says why.
type DiscoveredScope struct {
	StateScope
	Err error
}

// Discover asks which buckets the config reads now, as a run does: all of them, or those
// that project and bucket leave, as in [States.Find]. Where all are named it makes no
// request to Storage. A project that can't be asked hides no other; it fails where the
// projects can't be listed.
func (s *States) Discover(ctx context.Context, project, bucket string) ([]DiscoveredScope, error) {
	if s.book == nil {
		return discovered(s.Find(project, bucket)), nil
	}
	members, err := s.members(ctx)
	if err != nil {
		return nil, err
	}
	found := make([][]DiscoveredScope, len(members))
	var all errgroup.Group
	all.SetLimit(projectsAsked)
	for i, m := range members {
		all.Go(func() error {
			found[i] = s.bucketsOf(ctx, m, project, bucket)
			return nil
		})
	}
	_ = all.Wait() // f returns no error
	return slices.Concat(found...), nil
}

func discovered(scopes []StateScope) (all []DiscoveredScope) {
	for _, scope := range scopes {
		all = append(all, DiscoveredScope{StateScope: scope})
	}
	return all
}

// memberOf is one of the projects of a config, or its only one.
type memberOf struct {
	name ScopeName // without a bucket
	conf config.Config
	err  error
}

// members are the projects that the config reads.
func (s *States) members(ctx context.Context) (all []memberOf, err error) {
	if s.conf.Projects == nil {
		s.keysOf("", func() *keys.Source { return s.conf.Keys(toolPatience, nil) })
		return []memberOf{{conf: s.conf}}, nil
	}
	s.management = s.conf.Management()
	found, err := s.conf.Directory(s.management).Projects(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range found {
		m := memberOf{name: ScopeName{Ref: p.Ref, Project: p.Name}, err: p.Err}
		if m.err == nil {
			m.conf, m.err = s.conf.ForProject(p.Ref)
		}
		if m.err == nil {
			s.keysOf(p.Ref, func() *keys.Source {
				return m.conf.KeysOf(s.management, func(context.Context) (management.Project, error) { return p.Facts() }, toolPatience, nil)
			})
		}
		all = append(all, m)
	}
	return all, nil
}

// bucketsOf are those of one project that are asked for.
func (s *States) bucketsOf(ctx context.Context, m memberOf, project, bucket string) []DiscoveredScope {
	if project != "" && !s.known(m.name).IsProject(project) {
		return nil
	}
	one := ""
	if bucket != "" {
		var ok bool
		if one, ok = s.known(m.name).BucketIn(bucket); !ok || !reads(m.conf, one) {
			return nil
		}
	}
	of := StateScope{ProjectRef: m.name.Ref, ProjectName: m.name.Project, Endpoint: m.conf.Project.Endpoint}
	if m.err != nil {
		of.Bucket = one
		return []DiscoveredScope{{of, m.err}}
	}
	names, odd, err := s.listed(ctx, m)
	switch {
	case err != nil && (one == "" || !errors.As(err, new(unlisted))):
		return []DiscoveredScope{{of, err}}
	case err != nil: // a role that may not list may read what it was told
		names = []string{one}
	}
	var all []DiscoveredScope
	for _, name := range names {
		if one == "" || name == one {
			of.Bucket = name
			all = append(all, DiscoveredScope{StateScope: of})
		}
	}
	for _, name := range odd {
		if one == "" || name == one {
			of.Bucket = name
			all = append(all, DiscoveredScope{of, discover.ErrOdd})
		}
	}
	return all
}

// reads reports whether a config reads a bucket, where it exists.
func reads(conf config.Config, bucket string) bool {
	if conf.Buckets == nil {
		return conf.Project.Bucket == bucket || conf.Project.Bucket == "" // the zero config of a project that can't be read
	}
	return conf.Buckets.Match(bucket)
}

// listed are the buckets of one project that the config names, and odd those that can't
// be read because of their names.
func (s *States) listed(ctx context.Context, m memberOf) (names, odd []string, err error) {
	if m.conf.Buckets == nil {
		return []string{m.conf.Project.Bucket}, nil, nil
	}
	if names, ok := m.conf.Buckets.Names(); ok {
		return names, nil, nil
	}
	source := s.keysOf(m.name.Ref, nil)
	if _, err := source.Credentials(ctx); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, toolPatience)
	defer cancel()
	opts := m.conf.PlaneOptions(source)
	opts.AllBuckets = true
	client, err := m.conf.Plane(source, opts)
	if err != nil {
		return nil, nil, err
	}
	defer client.Close()
	names, err = discover.Buckets(ctx, discover.Options{
		Client: client, Pattern: m.conf.Buckets, Identity: source.Project().Identity, Management: m.conf.ManagedBuckets(s.management),
		Odd: func(name string) { odd = append(odd, name) },
	})
	if err != nil {
		return nil, nil, unlisted{source.Project().Explain(err, "")}
	}
	return names, odd, nil
}

// unlisted is the error of a list of buckets, of a project whose keys are good.
type unlisted struct{ error }

func (e unlisted) Unwrap() error { return e.error }

// keysOf are the keys of a project, which all its buckets share: those that are there,
// or what made makes; nil where that is nil, too.
func (s *States) keysOf(ref string, made func() *keys.Source) *keys.Source {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sources[ref] == nil && made != nil {
		s.sources[ref] = made()
	}
	return s.sources[ref]
}

// reader is what lists a scope.
func (s *States) reader(conf config.Config, ref string) (*scope.Scope, error) {
	source := s.keysOf(ref, func() *keys.Source { return conf.Keys(toolPatience, nil) })
	h := newHub(conf, s.res, meter.New(s.res.Metrics()), scope.Alone)
	from := func(time.Duration, keys.Watcher) *keys.Source { return source }
	endpoint := scope.NewEndpoint(h.Shared, conf, from, h.Log, h.Meters, scope.EndpointOptions{})
	return scope.New(endpoint, conf, h.Log, h.Meters, scope.Options{})
}

// signOut ends the sessions of all keys.
func (s *States) signOut(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, source := range s.sources {
		scope.SignOut(ctx, source, s.res.Logger())
	}
}
