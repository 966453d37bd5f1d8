package versitygw_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input"
	"github.com/seed75cbcda6/supabase-storage/tests/corpus"
)

// Another server has other words for the same faults.
func TestACheckFindsWhatIsWrongOnAnyS3Server(t *testing.T) {
	g := startGateway(t)
	g.createBucket(t, "docs")
	g.upload(t, "docs", map[string]corpus.Object{"a.txt": {Content: []byte("content")}})
	for name, c := range map[string]struct {
		bucket, region, secret string
		failed, field          string
	}{
		"nothing":      {"docs", gatewayRegion, gatewaySecret, "", ""},
		"the bucket":   {"nope", gatewayRegion, gatewaySecret, "bucket", "source_path"},
		"the secret":   {"docs", gatewayRegion, "another-secret-key", "credentials", "credentials.secret_access_key"},
		"the region":   {"docs", "us-west-2", gatewaySecret, "region", "region"},
		"the endpoint": {"docs", gatewayRegion, gatewaySecret, "host", "endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			endpoint := g.endpoint
			if c.field == "endpoint" {
				endpoint = strings.Replace(endpoint, "http:", "https:", 1)
			}
			parsed, err := input.Spec().ParseYAML(fmt.Sprintf(
				"endpoint: %s\nregion: %s\nsource_path: %s\ncredentials: {access_key_id: %s, secret_access_key: %s}\nretry: {max_attempts: 1}\n",
				endpoint, c.region, c.bucket, gatewayKeyID, c.secret), nil)
			require.NoError(t, err)
			report := input.Check(t.Context(), parsed, service.MockResources(), input.CheckOptions{Explain: []string{"a.txt"}})
			if c.failed == "" {
				require.Empty(t, report.Failed(), "%+v", report.Steps)
				require.EqualValues(t, 1, report.Sample.Due)
				require.Equal(t, input.CheckDue, report.Explained[0].Verdict)
				return
			}
			require.Equal(t, []string{c.failed}, report.Failed(), "%+v", report.Steps)
			for _, s := range report.Steps {
				if s.Name == c.failed {
					require.Equal(t, c.field, s.Problems[0].Field, "%+v", s)
				}
			}
		})
	}
}
