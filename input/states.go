package input

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/state"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/keys"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/management"
)

// States are what an input remembers of all buckets that it reads or has read, for
// tools that look at it or change it while the input does not run. Only
// [State.MarkDelivered] makes requests.
type States struct {
	conf  config.Config // as it is written
	res   *service.Resources
	store ledger.Store
	book  *ledger.Book // nil where the config reads one bucket

	// management is shared by all projects; nil until they were listed.
	management *management.Client
	mu         sync.Mutex
	sources    map[string]*keys.Source // by the reference of the project
}

// StateScope is one bucket of one project.
type StateScope struct {
	// ProjectRef and ProjectName are "" where the config names the project.
	ProjectRef, ProjectName string
	Endpoint, Bucket        string
	// Gone is since when the bucket or its project is no longer there; zero while it
	// is.
	Gone time.Time
}

// OpenStates opens the state that an input's config names. It fails where the config
// has none, and while another process uses it. What is remembered of a bucket is not
// read yet.
func OpenStates(ctx context.Context, parsed *service.ParsedConfig, res *service.Resources) (*States, error) {
	conf, err := config.Parse(parsed)
	if err != nil {
		return nil, err
	}
	return openStates(ctx, conf, res)
}

func openStates(ctx context.Context, conf config.Config, res *service.Resources) (_ *States, err error) {
	if !conf.State.Set() {
		return nil, errors.New("state: this input has none, so nothing is remembered: write state.path or state.cache")
	}
	if err := conf.CheckResources(res); err != nil {
		return nil, err
	}
	s := &States{conf: conf, res: res, sources: map[string]*keys.Source{}}
	if s.store, err = state.OpenStore(ctx, conf, res); err != nil {
		return nil, err
	}
	if conf.Several() {
		if s.book, err = ledger.OpenBook(ctx, s.store, s.Namespace()); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", conf.State.Field(), err), s.store.Close())
		}
	}
	return s, nil
}

// Several reports whether the config may read more than one bucket.
func (s *States) Several() bool { return s.conf.Several() }

// Projects reports whether the config may read more than one project.
func (s *States) Projects() bool { return s.conf.Projects != nil }

// Reads says what the config reads, in a few words.
func (s *States) Reads() string { return s.conf.Where() }

// Namespace is the name under which deliveries are remembered.
func (s *States) Namespace() string { return s.conf.Scope(s.res.Label()).Namespace }

// Where is the field that names the store, with its value.
func (s *States) Where() string {
	return s.conf.State.Field() + " " + cmp.Or(s.conf.State.Cache, s.conf.State.Path)
}

// Scopes are the buckets of which something is remembered, and those that the config
// names, in the order of their endpoints and names. It makes no request: where the
// config has a pattern, buckets that no run has read yet are not among them.
func (s *States) Scopes() []StateScope {
	if s.book == nil {
		return []StateScope{{Endpoint: s.conf.Project.Endpoint, Bucket: s.conf.Project.Bucket}}
	}
	var all []StateScope
	for _, e := range s.book.Entries() {
		all = append(all, StateScope(e))
	}
	named, _ := s.Named()
	for _, scope := range named {
		if !slices.ContainsFunc(all, scope.is) {
			all = append(all, scope)
		}
	}
	slices.SortFunc(all, func(a, b StateScope) int { return ledger.BookEntry(a).Compare(ledger.BookEntry(b)) })
	return all
}

func (s StateScope) is(other StateScope) bool {
	return ledger.BookEntry(s).Compare(ledger.BookEntry(other)) == 0
}

// Named are the buckets that the config reads, whether they exist or not; ok is false
// where only the server knows them.
func (s *States) Named() (named []StateScope, ok bool) {
	if s.book == nil {
		return s.Scopes(), true
	}
	if s.conf.Projects != nil {
		return nil, false // their names may exclude some of them
	}
	buckets, ok := s.conf.Buckets.Names()
	for _, bucket := range buckets {
		named = append(named, StateScope{Endpoint: s.conf.Project.Endpoint, Bucket: bucket})
	}
	return named, ok
}

// Find returns the scopes of a bucket and of a project as they are typed, see
// [ScopeName.IsProject] and [ScopeName.BucketIn]; "" stands for all of them. A bucket that
// the config reads is found even if nothing is remembered of it yet, where it is given,
// and its project if there are several.
func (s *States) Find(project, bucket string) []StateScope {
	found := slices.DeleteFunc(s.Scopes(), func(scope StateScope) bool {
		n := s.known(scope.Name())
		name, ok := n.BucketIn(bucket)
		return bucket != "" && (!ok || name != scope.Bucket) || project != "" && !n.IsProject(project)
	})
	if len(found) > 0 || bucket == "" {
		return found
	}
	typed := bucket
	if i := strings.LastIndexByte(bucket, '/'); i >= 0 && project == "" {
		project, bucket = bucket[:i], bucket[i+1:]
	}
	of := StateScope{Bucket: bucket}
	conf := s.conf
	if conf.Projects != nil {
		if of.ProjectRef, of.ProjectName = s.project(project); of.ProjectRef == "" {
			return nil
		}
		var err error
		if conf, err = conf.ForProject(of.ProjectRef); err != nil {
			return nil
		}
	} else if project != "" && project != conf.Project.Ref {
		return nil
	}
	if name, ok := s.known(of.Name()).BucketIn(typed); ok {
		bucket, of.Bucket = name, name
	}
	if !reads(conf, bucket) {
		return nil
	}
	of.Endpoint = conf.Project.Endpoint
	return []StateScope{of}
}

// known is a name with the reference of the project where that is the only one, which is
// not shown and may be typed.
func (s *States) known(n ScopeName) ScopeName {
	if s.conf.Projects == nil {
		n.Ref = s.conf.Project.Ref
	}
	return n
}

// project is the one that a text means, of those that are remembered or named, or the
// one with that reference; "" if there is none.
func (s *States) project(text string) (ref, name string) {
	for _, e := range s.book.Entries() {
		if StateScope(e).Name().IsProject(text) {
			return e.ProjectRef, e.ProjectName
		}
	}
	refs := s.conf.Projects.Refs
	if slices.Contains(refs, text) || len(refs) == 0 && supabase.IsRef(text, false) {
		return text, ""
	}
	return "", ""
}

// Open reads what is remembered of one scope, and fails if that is damaged; others can be
// opened even so. Close it before the States.
func (s *States) Open(ctx context.Context, scope StateScope) (*State, error) {
	conf := s.offline(scope)
	l, err := state.OpenLedger(ctx, ledger.Shared(s.store), conf, s.res)
	if err != nil {
		return nil, err
	}
	return &State{of: s, scope: scope, conf: conf, ledger: l}, nil
}

// offline is the config for one scope, for what needs no request. The scope may be one
// that the config does not read any more.
func (s *States) offline(scope StateScope) config.Config {
	if s.book == nil {
		return s.conf
	}
	conf := s.conf.ForBucket(scope.Bucket)
	conf.Project.Endpoint, conf.Projects = scope.Endpoint, nil
	return conf
}

// online is the config for one scope, with which it can be asked for.
func (s *States) online(scope StateScope) (config.Config, error) {
	conf := s.conf
	if s.book == nil {
		return conf, nil
	}
	if conf.Projects != nil {
		var err error
		if conf, err = conf.ForProject(scope.ProjectRef); err != nil {
			return conf, err
		}
	}
	if conf = conf.ForBucket(scope.Bucket); conf.Project.Endpoint != scope.Endpoint {
		return conf, fmt.Errorf("%s is remembered of %s, and the config reads %s", scope.Name().Sentence(), scope.Endpoint, conf.Project.Endpoint)
	}
	return conf, nil
}

// note puts a scope into the book.
func (s *States) note(ctx context.Context, scope StateScope) error {
	if s.book == nil || slices.ContainsFunc(s.book.Entries(), func(e ledger.BookEntry) bool { return scope.is(StateScope(e)) }) {
		return nil
	}
	if err := s.book.Put(ctx, ledger.BookEntry(scope)); err != nil {
		return fmt.Errorf("%s: %w", s.conf.State.Field(), err)
	}
	return nil
}

// Drop forgets a scope: everything is delivered again if the input still reads it, or
// when it comes back. The scope must not be open, and may be damaged. It returns of how
// many keys some version was delivered, or 0 where that can't be read any more.
func (s *States) Drop(ctx context.Context, scope StateScope) (tracked int64, err error) {
	if l, err := state.OpenLedger(ctx, ledger.Shared(s.store), s.offline(scope), s.res); err == nil {
		tracked = l.Stats().Tracked
		if err := l.Discard(); err != nil {
			return 0, err
		}
	}
	of := s.offline(scope).Scope(s.res.Label())
	if err := ledger.Drop(ctx, ledger.Shared(s.store), of); err != nil {
		return 0, fmt.Errorf("%s: %w", s.conf.State.Field(), err)
	}
	if s.book != nil {
		if err := s.book.Remove(ctx, ledger.BookEntry(scope)); err != nil {
			return 0, fmt.Errorf("%s: %w", s.conf.State.Field(), err)
		}
	}
	return tracked, nil
}

// Close gives the state free.
func (s *States) Close(ctx context.Context) error {
	s.signOut(ctx)
	return errors.Join(s.store.Close(), s.conf.Scanner.Close(ctx))
}
