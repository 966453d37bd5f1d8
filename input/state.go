package input

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/boltstore"
)

// openLedger opens the ledger that the config asks for; nil where nothing is to
// be remembered.
func openLedger(ctx context.Context, conf config.Config, res *service.Resources) (*ledger.Ledger, error) {
	if !conf.State.Set() && !conf.Plan.Repeats() {
		return nil, nil
	}
	store, err := openStore(ctx, conf, res)
	if err != nil {
		return nil, err
	}
	l, err := ledger.Open(ctx, ledger.Options{
		Store: store, Scope: conf.Scope(res.Label()), Identity: conf.Identity, LongestPause: parkedMost,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", conf.State.Field(), err), store.Close())
	}
	return l, nil
}

func openStore(ctx context.Context, conf config.Config, res *service.Resources) (ledger.Store, error) {
	switch {
	case conf.State.Path != "":
		store, err := boltstore.Open(conf.State.Path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", conf.State.Field(), err)
		}
		return store, nil
	case conf.State.Cache != "":
		if err := checkCacheKind(ctx, conf, res); err != nil {
			return nil, err
		}
		return &cacheStore{res: res, name: conf.State.Cache}, nil
	default:
		return ledger.NewMemStore(), nil
	}
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
		return fmt.Errorf("accessing the cache resource %q: %w", s.name, err)
	}
	if failed != nil && !errors.Is(failed, ledger.ErrNotFound) {
		return fmt.Errorf("using the cache resource %q: %w", s.name, failed)
	}
	return failed
}
