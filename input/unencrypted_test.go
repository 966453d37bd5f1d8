package input

import (
	"testing"
	"testing/synctest"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

func TestSecretsThatTravelUnencryptedAreLinted(t *testing.T) {
	jwts := "\ncredentials: {type: session_token, anon_key: " + testJWT("anon", testRef) + ", service_role_key: " + testJWT("service_role", testRef) + "}"
	for fields, want := range map[string]string{
		"endpoint: http://supabase.example.com/storage/v1/s3" + jwts:         "endpoint: is not encrypted: everybody on the way to supabase.example.com can read the objects, and the token that opens them; write an https:// address",
		"endpoint: http://192.168.1.20:8000/storage/v1/s3" + jwts:            "",
		"endpoint: http://localhost:54321/storage/v1/s3" + jwts:              "",
		"endpoint: https://supabase.example.com/storage/v1/s3" + jwts:        "",
		"endpoint: http://supabase.example.com/storage/v1/s3":                "",
		"endpoint: http://kong:8000/storage/v1/s3\nproject_ref: stub" + jwts: "credentials.anon_key: is a key of the project",
	} {
		lints := lintFields(t, withFields(fields), noEnv)
		if want == "" {
			require.Empty(t, lints, fields)
			continue
		}
		require.NotEmpty(t, lints, fields)
		require.Contains(t, lints[0].What, want)
	}
}

func TestACheckAndARunWarnOfWhatTravelsUnencrypted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const says = "endpoint: is not encrypted: everybody on the way to supabase.example.com can read the objects; "
		server, logs := emulator.New(emulator.Options{}), &logLines{}
		res := service.MockResources(service.MockResourcesOptUseLogger(logs.logger()))
		parsed, err := Spec().ParseYAML(withFields("endpoint: http://supabase.example.com/storage/v1/s3"), nil)
		require.NoError(t, err)
		step := Check(t.Context(), parsed, res, CheckOptions{transport: server.Transport()}).Steps[0]
		require.Equal(t, CheckWarning, step.Status)
		require.Equal(t, "endpoint", step.Problems[0].Field)
		require.Contains(t, step.Problems[0].Problem, "is not encrypted: everybody on the way to supabase.example.com can read the objects")

		conf, err := configFromParsed(parsed)
		require.NoError(t, err)
		conf.transport = server.Transport()
		r, err := newReader(conf, res)
		require.NoError(t, err)
		require.Error(t, r.Connect(t.Context()))
		require.NoError(t, r.Close(t.Context()))
		require.Contains(t, logs.String(), "level=WARN msg=\""+says)
	})
}
