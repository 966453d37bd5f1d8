package input

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
)

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
			logs := &logLines{}
			b := service.NewResourceBuilder()
			b.SetLogger(logs.slog())
			require.NoError(t, b.AddCacheYAML("label: c\n"+tc.conf))
			for _, other := range []string{"other", "another"} {
				require.NoError(t, b.AddCacheYAML(fmt.Sprintf("label: %s\nfile: {directory: %q}", other, t.TempDir())))
			}
			res, closeAll, err := b.Build()
			require.NoError(t, err)
			defer func() { require.NoError(t, closeAll(context.Background())) }()
			var conf config.Config
			conf.State.Cache = "c"
			_, err = openStore(t.Context(), conf, res)
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

func TestACacheThatKeepsNothingEndsEveryRunAtItsStart(t *testing.T) {
	r := newRig(t, "sync_mode: continuous\nstate: {cache: c}\n")
	b := service.NewResourceBuilder()
	b.SetLogger(r.logs.slog())
	require.NoError(t, b.AddCacheYAML("label: c\nlru: {}"))
	res, closeAll, err := b.Build()
	require.NoError(t, err)
	defer func() { require.NoError(t, closeAll(context.Background())) }()
	r.res = res
	require.NoError(t, r.build())
	require.ErrorIs(t, r.input.Connect(t.Context()), service.ErrEndOfInput, "no later attempt meets another cache")
	require.NoError(t, r.input.Close(t.Context()))
	require.ErrorContains(t, Reports()[len(Reports())-1].Err, "is of type lru")
}
