package state

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	_ "github.com/redpanda-data/benthos/v4/public/components/io"
	"github.com/redpanda-data/benthos/v4/public/service"
	_ "github.com/redpanda-data/connect/v4/public/components/redis"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/ledgertest"
)

// redisURL names a Redis for the tests that need a real one.
const redisURL = "TEST_REDIS_URL"

func TestCachesOfBenthosKeepALedger(t *testing.T) {
	for name, conf := range map[string]func(t *testing.T) string{
		"memory": func(*testing.T) string { return "memory: {default_ttl: 10h}" },
		"file":   func(t *testing.T) string { return fmt.Sprintf("file: {directory: %q}", t.TempDir()) },
		"redis": func(t *testing.T) string {
			url := os.Getenv(redisURL)
			if url == "" {
				t.Skip(redisURL + " names no Redis, such as redis://127.0.0.1:6379")
			}
			return fmt.Sprintf("redis: {url: %q, prefix: %q}", url, rand.Text())
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := service.NewResourceBuilder()
			require.NoError(t, b.AddCacheYAML("label: c\n"+conf(t)))
			res, closeAll, err := b.Build()
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, closeAll(context.Background())) })
			ledgertest.TestStore(t, func(t *testing.T) ledger.Store { return &cacheStore{res: res, name: "c"} })
		})
	}
}

// A cache that loses values by its nature is named before it has lost any. The
// names are those of Benthos' Go types: if they change, this fails.
func TestACacheThatLosesValuesIsRefusedOrWarnedOf(t *testing.T) {
	for kind, tc := range map[string]struct{ conf, refused, warned string }{
		"noop":       {"noop: {}", "is of type noop, which keeps nothing", ""},
		"lru":        {"lru: {}", "is of type lru", ""},
		"ttlru":      {"ttlru: {}", "is of type ttlru", ""},
		"memory":     {"memory: {default_ttl: 10h}", "", "is of type memory"},
		"multilevel": {"multilevel: [other, another]", "", "is of type multilevel"},
		"file":       {fmt.Sprintf("file: {directory: %q}", t.TempDir()), "", ""},
	} {
		t.Run(kind, func(t *testing.T) {
			var logs bytes.Buffer
			b := service.NewResourceBuilder()
			b.SetLogger(slog.New(slog.NewTextHandler(&logs, nil)))
			require.NoError(t, b.AddCacheYAML("label: c\n"+tc.conf))
			for _, other := range []string{"other", "another"} {
				require.NoError(t, b.AddCacheYAML(fmt.Sprintf("label: %s\nfile: {directory: %q}", other, t.TempDir())))
			}
			res, closeAll, err := b.Build()
			require.NoError(t, err)
			defer func() { require.NoError(t, closeAll(context.Background())) }()
			var conf config.Config
			conf.State.Cache = "c"
			_, err = OpenStore(t.Context(), conf, res)
			if tc.refused == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, tc.refused)
				require.ErrorContains(t, err, `state.cache: the cache resource "c"`)
				require.ErrorContains(t, err, "use state.path")
			}
			if tc.warned == "" {
				require.NotContains(t, logs.String(), "of type")
			} else {
				require.Contains(t, logs.String(), tc.warned)
			}
		})
	}
}

// ttlless is a cache that fails the test when a value is to end.
type ttlless struct{ t *testing.T }

func (c ttlless) Get(context.Context, string) ([]byte, error) { return nil, service.ErrKeyNotFound }

func (c ttlless) Set(_ context.Context, _ string, _ []byte, ttl *time.Duration) error {
	require.Nil(c.t, ttl)
	return nil
}

func (c ttlless) Add(ctx context.Context, key string, value []byte, ttl *time.Duration) error {
	return c.Set(ctx, key, value, ttl)
}

func (c ttlless) Delete(context.Context, string) error { return nil }
func (c ttlless) Close(context.Context) error          { return nil }

func TestACacheIsNotAskedToForget(t *testing.T) {
	env := service.NewEnvironment()
	require.NoError(t, env.RegisterCache("strict", service.NewConfigSpec(), func(*service.ParsedConfig, *service.Resources) (service.Cache, error) {
		return ttlless{t}, nil
	}))
	b := env.NewResourceBuilder()
	require.NoError(t, b.AddCacheYAML("label: c\nstrict: {}"))
	res, closeAll, err := b.Build()
	require.NoError(t, err)
	defer func() { require.NoError(t, closeAll(context.Background())) }()
	require.NoError(t, (&cacheStore{res: res, name: "c"}).Put(t.Context(), ledger.Entry{Key: "k", Value: []byte("v")}))
}
