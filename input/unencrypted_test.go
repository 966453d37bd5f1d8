package input

import (
	"testing"
	"testing/synctest"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

func TestACheckAndARunWarnOfWhatTravelsUnencrypted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const says = "endpoint: is not encrypted: everybody on the way to supabase.example.com can read the objects; "
		server, logs := emulator.New(emulator.Options{}), &logLines{}
		res := service.MockResources(service.MockResourcesOptUseLogger(logs.logger()))
		parsed, err := config.Spec().ParseYAML(`
endpoint: http://supabase.example.com/storage/v1/s3
credentials: {access_key_id: 0123456789abcdef0123456789abcdef, secret_access_key: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef}
source_path: uploads/photos/`, nil)
		require.NoError(t, err)
		step := Check(t.Context(), parsed, res, CheckOptions{transport: server.Transport()}).Steps[0]
		require.Equal(t, CheckWarning, step.Status)
		require.Equal(t, "endpoint", step.Problems[0].Field)
		require.Contains(t, step.Problems[0].Problem, "is not encrypted: everybody on the way to supabase.example.com can read the objects")

		conf, err := config.Parse(parsed)
		require.NoError(t, err)
		conf.Transport = server.Transport()
		r, err := newSingle(conf, res)
		require.NoError(t, err)
		require.Error(t, r.Connect(t.Context()))
		require.NoError(t, r.Close(t.Context()))
		require.Contains(t, logs.String(), "level=WARN msg=\""+says)
	})
}
