package input

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"testing"

	_ "github.com/redpanda-data/benthos/v4/public/components/io"
	"github.com/redpanda-data/benthos/v4/public/service"
	_ "github.com/redpanda-data/connect/v4/public/components/redis"
	"github.com/stretchr/testify/require"

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
