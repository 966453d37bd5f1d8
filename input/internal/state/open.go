package state

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/boltstore"
	"github.com/seed75cbcda6/supabase-storage/input/internal/poll"
)

// OpenLedger opens the ledger that the config asks for, in a store that is open already,
// or in one of its own if store is nil. It is nil where nothing is to be remembered. An
// error closes the store, and names the field.
func OpenLedger(ctx context.Context, store ledger.Store, conf config.Config, res *service.Resources) (*ledger.Ledger, error) {
	if !conf.Remembers() {
		return nil, nil
	}
	if store == nil {
		var err error
		if store, err = OpenStore(ctx, conf, res); err != nil {
			return nil, err
		}
	}
	l, err := ledger.Open(ctx, ledger.Options{
		Store: store, Scope: conf.Scope(res.Label()), ChangeDetection: conf.ChangeDetection, LongestPause: poll.LongestPause,
		StaysOut: func(contentType string) bool { return !conf.Filter.MatchType(contentType) },
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", conf.State.Field(), err), store.Close())
	}
	return l, nil
}

// OpenStore opens where the config has its state: a file, a cache or memory. An error
// names the field.
func OpenStore(ctx context.Context, conf config.Config, res *service.Resources) (ledger.Store, error) {
	switch {
	case conf.State.Path != "":
		store, err := boltstore.Open(conf.State.Path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", conf.State.Field(), err)
		}
		return store, nil
	case conf.State.Cache != "":
		return OpenCache(ctx, conf, res)
	default:
		return ledger.NewMemStore(), nil
	}
}

// Lasts reports whether the error of a state says that it can't be opened until somebody acts. It may
// open later if another process uses it, if the disk is full, or if a cache is
// down.
func Lasts(conf config.Config, err error) bool {
	if errors.Is(err, ledger.ErrDamaged) || errors.Is(err, errLossyCache) {
		return true
	}
	return conf.State.Path != "" && !errors.Is(err, boltstore.ErrInUse) && !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, context.Canceled)
}
