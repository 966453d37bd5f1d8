package emulate

import (
	"io"
	"strings"
	"text/template"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// settingsText is what the command prints. The keys are no secrets: they are the
// same for everyone.
var settingsText = template.Must(template.New("settings").Funcs(template.FuncMap{"join": strings.Join}).Parse(
	`An emulated Supabase Storage with {{len .Buckets}} bucket{{if gt (len .Buckets) 1}}s{{end}} ({{join .Buckets ", "}}) listens on
  {{.Endpoint}}

For the configs in config/ (run one in another terminal):

  export SUPABASE_S3_ENDPOINT={{.Endpoint}}
  export SUPABASE_PROJECT_REF={{.ProjectRef}}
  export SUPABASE_REGION={{.Region}}
  export SUPABASE_S3_ACCESS_KEY_ID={{.AccessKeyID}}
  export SUPABASE_S3_SECRET_ACCESS_KEY={{.SecretAccessKey}}
  export SUPABASE_ANON_KEY={{.AnonKey}}
  export SUPABASE_SERVICE_ROLE_KEY={{.ServiceRoleKey}}
  export SUPABASE_SOURCE_PATH={{index .Buckets 0}}

Or as a config of your own:

  input:
    supabase_storage:
      endpoint: {{.Endpoint}}
      region: {{.Region}}
      credentials:
        access_key_id: {{.AccessKeyID}}
        secret_access_key: {{.SecretAccessKey}}
      source_path: {{index .Buckets 0}}

Ctrl-C ends it.
`))

func printSettings(w io.Writer, s emulator.Settings, endpoint string, buckets []string) error {
	return settingsText.Execute(w, struct {
		emulator.Settings
		Endpoint string
		Buckets  []string
	}{s, endpoint, buckets})
}
