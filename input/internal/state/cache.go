package state

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

// OpenCache opens the store of a state in a cache resource. It refuses a cache that loses
// values by its nature, and warns of one that may.
func OpenCache(ctx context.Context, conf config.Config, res *service.Resources) (ledger.Store, error) {
	if err := checkCacheKind(ctx, conf, res); err != nil {
		return nil, err
	}
	return &cacheStore{res: res, name: conf.State.Cache}, nil
}

// cacheStore keeps a ledger's values in a Benthos cache resource.
type cacheStore struct {
	res  *service.Resources
	name string
}

var _ ledger.Store = (*cacheStore)(nil)

// Get implements ledger.Store.
func (s *cacheStore) Get(ctx context.Context, key string) (value []byte, err error) {
	err = s.access(ctx, func(c service.Cache) error {
		v, err := c.Get(ctx, key)
		if errors.Is(err, service.ErrKeyNotFound) {
			return ledger.ErrNotFound
		}
		value = slices.Clone(v) // some caches give out what they keep
		return err
	})
	return value, err
}

// Put implements ledger.Store. The values are written one by one in order, with no
// time to live: no number means "never" to every cache. One of a hundred years
// overflows in memcached, which drops the values at once.
func (s *cacheStore) Put(ctx context.Context, entries ...ledger.Entry) error {
	return s.access(ctx, func(c service.Cache) error {
		for _, e := range entries {
			if err := c.Set(ctx, e.Key, slices.Clone(e.Value), nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// Delete implements ledger.Store.
func (s *cacheStore) Delete(ctx context.Context, keys ...string) error {
	return s.access(ctx, func(c service.Cache) error {
		for _, key := range keys {
			err := c.Delete(ctx, key)
			if err == nil {
				continue
			}
			// Some caches have errors of their own for a key that is not there.
			if _, getErr := c.Get(ctx, key); !errors.Is(getErr, service.ErrKeyNotFound) {
				return err
			}
		}
		return nil
	})
}

// Close implements ledger.Store. The cache is Benthos' to close.
func (s *cacheStore) Close() error { return nil }

func (s *cacheStore) access(ctx context.Context, f func(service.Cache) error) error {
	var failed error
	if err := s.res.AccessCache(ctx, s.name, func(c service.Cache) { failed = f(c) }); err != nil {
		return fmt.Errorf("accessing the cache resource %q: %w", s.name, foreign.Cause(err))
	}
	if failed != nil && !errors.Is(failed, ledger.ErrNotFound) {
		return fmt.Errorf("using the cache resource %q: %w", s.name, foreign.Cause(failed))
	}
	return failed
}

// Benthos tells an input of a cache resource that it is there, and gives access to
// its values: not of which type it is, nor how it is configured. So the type is
// recognised by the Go type behind the interface, which is good enough for advice:
// a cache that is not recognised is used as it is, and the ledger finds out by
// itself when values are gone. How a cache is configured (an expiry of redis, the
// levels of multilevel) can't be known.

// lossy are the caches that lose values by their nature, under the names of their
// Go types.
var lossy = map[string]struct {
	kind string
	// refused says that no setting makes such a cache keep what it is given.
	refused bool
	why     string
}{
	"pure.noopCacheAdapter":    {"noop", true, "keeps nothing"},
	"pure.lruCacheAdapter":     {"lru", true, "drops values when it is full, and all with the process"},
	"pure.ttlruCacheAdapter":   {"ttlru", true, "drops values when it is full or after a time, and all with the process"},
	"dgraph.ristrettoCache":    {"ristretto", true, "drops values when it likes to, and all with the process"},
	"memcached.memcachedCache": {"memcached", true, "drops values when its memory is full, and all with its process"},
	"pure.memoryCache":         {"memory", false, "forgets everything with the process, and each value after its default_ttl (5m unless it is set)"},
	"pure.multilevelCache":     {"multilevel", false, "keeps no more than its last level does, and may give out old values where its first one is shared with nobody"},
}

// errLossyCache is the kind of the error of a cache that is refused.
var errLossyCache = errors.New("the cache loses values")

// refusedCache is that error, with the text of the problem alone.
type refusedCache struct{ error }

func (e refusedCache) Unwrap() []error { return []error{errLossyCache, e.error} }

// keeps is what to use in place of a lossy cache.
const keeps = "use state.path, or a cache that is persistent, with no default_ttl: redis (appendonly yes, maxmemory-policy noeviction), aws_s3, aws_dynamodb, sql, mongodb, file"

// checkCacheKind refuses a cache that can't keep a state, and warns of one that
// may not.
func checkCacheKind(ctx context.Context, conf config.Config, res *service.Resources) error {
	var goType string
	if err := res.AccessCache(ctx, conf.State.Cache, func(c service.Cache) { goType = goTypeOf(c) }); err != nil {
		return fmt.Errorf("%s: accessing the cache resource %q: %w", conf.State.Field(), conf.State.Cache, err)
	}
	l, found := lossy[goType]
	if !found {
		return nil
	}
	problem := config.At(conf.State.Field(), config.Wrong(fmt.Sprintf("the cache resource %q is of type %s, which %s", conf.State.Cache, l.kind, l.why), keeps))
	if l.refused {
		return refusedCache{problem}
	}
	res.Logger().Warn(problem.Error())
	return nil
}

// goTypeOf names the Go type of a cache, below what Benthos has wrapped around it:
// structs whose first field is the next cache.
func goTypeOf(c service.Cache) string {
	v := reflect.ValueOf(c)
	for v.IsValid() {
		for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
			v = v.Elem()
		}
		if !v.IsValid() {
			return ""
		}
		if _, known := lossy[v.Type().String()]; known || v.Kind() != reflect.Struct || v.NumField() == 0 || v.Field(0).Kind() != reflect.Interface {
			return v.Type().String()
		}
		v = v.Field(0)
	}
	return ""
}
