package input

import (
	"context"
	"fmt"
	"reflect"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
)

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
	text := fmt.Sprintf("%s: the cache resource %q is of type %s, which %s; %s", conf.State.Field(), conf.State.Cache, l.kind, l.why, keeps)
	if l.refused {
		return fmt.Errorf("%s", text)
	}
	res.Logger().Warn(text)
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
