package plane

import (
	"crypto/tls"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTLSConfigurationIsNotShared(t *testing.T) {
	conf := &tls.Config{MinVersion: tls.VersionTLS13}
	tr := newTransport(Options{TLS: conf})
	require.NotSame(t, conf, tr.TLSClientConfig)
	require.Equal(t, uint16(tls.VersionTLS13), tr.TLSClientConfig.MinVersion)
	require.True(t, tr.DisableCompression)
	require.Equal(t, minIdleConns, tr.MaxIdleConnsPerHost)
}

// A proxy that touches a response weakens its ETag.
func TestWeakAndQuotedETagsAreTheSame(t *testing.T) {
	for in, want := range map[string]string{`"abc"`: "abc", `W/"abc"`: "abc", "abc": "abc", "": "", `"abc-2"`: "abc-2"} {
		require.Equal(t, want, TrimETag(in))
	}
}
