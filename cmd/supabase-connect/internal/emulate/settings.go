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

For the Management API, and as a user who may read all objects:

  export SUPABASE_API_URL={{.URL}}
  export SUPABASE_ACCESS_TOKEN={{.AccessToken}}
  export SUPABASE_USER_EMAIL={{.User.Email}}
  export SUPABASE_USER_PASSWORD={{.User.Password}}

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

func printSettings(w io.Writer, s emulator.Settings, l *emulator.Listener, buckets []string) error {
	return settingsText.Execute(w, struct {
		emulator.Settings
		Endpoint, URL string
		User          emulator.User
		Buckets       []string
	}{s, l.Endpoint(), l.URL(), demoUser, buckets})
}

// demoUser can be signed in as. It protects nothing either.
var demoUser = emulator.User{Email: "user@example.com", Password: "emulator"}

// addDemoUser lets those who have signed in see every object, and nobody else.
func addDemoUser(storage *emulator.Server, buckets []string) {
	storage.SetUser(demoUser)
	for _, bucket := range buckets {
		storage.AllowRead(bucket, func(claims map[string]any, _ string) bool { return claims["role"] == "authenticated" })
	}
}
