package input

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestDownloadsKeepToTheRate counts from the YAML to the acks: so many bytes take so
// long, nothing is tried again because it was waited for, and each byte comes once.
func TestDownloadsKeepToTheRate(t *testing.T) {
	for name, c := range map[string]struct {
		fields  string
		rate    float64
		n, size int64
	}{
		"small objects":                   {"max_bytes_per_second: 500kB", 500e3, 300, 20_000},
		"large objects":                   {"max_bytes_per_second: 4MiB", 4 << 20, 4, 12 << 20},
		"large objects that are streamed": {"max_bytes_per_second: 4MiB\nscanner: {chunker: {size: 1048576}}", 4 << 20, 4, 12 << 20},
		"one after the other":             {"max_bytes_per_second: 1MB\nconcurrency: {max_downloads: 1}", 1e6, 20, 500_000},
		"over the REST API":               {"max_bytes_per_second: 1MB", 1e6, 20, 500_000},
		"no quicker than timeouts.idle":   {"max_bytes_per_second: 20kB\ntimeouts: {idle: 1s}", 20e3, 10, 50_000},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, c.fields)
				if name == "over the REST API" {
					r.fields += "\n" + withSecretKey(r.server.Settings())
				}
				for i := range c.n {
					r.server.Put("docs", fmt.Sprint(i), make([]byte, c.size))
				}
				began := time.Now()
				report := r.run()
				require.NoError(t, report.Err)
				require.Equal(t, c.n*c.size, report.Bytes)
				require.InEpsilon(t, float64(c.n*c.size)/c.rate, time.Since(began).Seconds(), 0.1)
				require.NotContains(t, r.logs.String(), "timeouts.idle")
				require.NotContains(t, r.logs.String(), "level=WARN")
			})
		})
	}
}

func TestListingsAndReferencesDoNotWaitForTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "max_bytes_per_second: 1\nemit: reference")
		for i := range 2000 {
			r.server.Put("docs", fmt.Sprint(i), make([]byte, 100))
		}
		began := time.Now()
		report := r.run()
		require.NoError(t, report.Err)
		require.Equal(t, int64(2000), report.Delivered)
		require.Less(t, time.Since(began), time.Second)
	})
}
