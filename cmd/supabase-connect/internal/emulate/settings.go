package emulate

import (
	"io"
	"regexp"
	"strings"
	"text/template"
	"time"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// tokenLifetime is that of the user's token. In production it is an hour; here it
// outlasts the work on a config.
const tokenLifetime = 7 * 24 * time.Hour

// demo is what the settings are about.
type demo struct {
	emulator.Settings
	Endpoint, URL string
	User          emulator.User
	UserToken     string
	Buckets       []string
	Policy        string
	Gateway       emulator.Gateway
}

// export is one environment variable.
type export struct{ name, value string }

// Line sets the variable in a POSIX shell.
func (e export) Line() string { return "export " + e.name + "=" + shellQuote(e.value) }

// Keys are for the configs that read with keys.
func (d demo) Keys() []export {
	return []export{
		{"SUPABASE_SECRET_KEY", d.SecretKey},
		{"SUPABASE_PUBLISHABLE_KEY", d.PublishableKey},
		{"SUPABASE_S3_ENDPOINT", d.Endpoint},
		{"SUPABASE_PROJECT_REF", d.ProjectRef},
		{"SUPABASE_REGION", d.Region},
		{"SUPABASE_S3_ACCESS_KEY_ID", d.AccessKeyID},
		{"SUPABASE_S3_SECRET_ACCESS_KEY", d.SecretAccessKey},
		{"SUPABASE_ANON_KEY", d.AnonKey},
		{"SUPABASE_SERVICE_ROLE_KEY", d.ServiceRoleKey},
		{"SUPABASE_SOURCE_PATH", d.Buckets[0]},
	}
}

// Identities are for the Management API, and for the user.
func (d demo) Identities() []export {
	return []export{
		{"SUPABASE_API_URL", d.URL},
		{"SUPABASE_ACCESS_TOKEN", d.AccessToken},
		{"SUPABASE_USER_EMAIL", d.User.Email},
		{"SUPABASE_USER_PASSWORD", d.User.Password},
		{"SUPABASE_USER_ID", d.User.ID},
		{"SUPABASE_USER_TOKEN", d.UserToken},
	}
}

// plain matches what a shell reads as one word, as it is.
var plain = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// shellQuote writes a value so that a POSIX shell reads it back, whatever is in it.
func shellQuote(value string) string {
	if plain.MatchString(value) {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}

const introText = `An emulated Supabase Storage with {{len .Buckets}} bucket{{if gt (len .Buckets) 1}}s{{end}} ({{join .Buckets ", "}}) listens on
  {{.Endpoint}}
{{- if eq .Gateway "none"}}
without a gateway: it takes no secret and no publishable keys
{{- else if eq .Gateway "envoy"}}
behind what Envoy does: keys with "//" are other keys, and an answer ends after 30 s
{{- end}}
`

// texts are what the command prints about one kind of thing: intro says what is
// served, settings is all that a client needs, env the same for a shell. The keys may
// be shown: they are the same in every emulator, and open nothing else.
type texts struct{ intro, settings, env *template.Template }

var project = texts{
	intro: parse(introText),
	settings: parse(introText + `
For the configs in config/ (run one in another terminal):

{{range .Keys}}  {{.Line}}
{{end}}
For the Management API, and as a user who may read {{.Policy}}:

{{range .Identities}}  {{.Line}}
{{end}}
Or as a config of your own:

  input:
    supabase_storage:
      endpoint: {{.Endpoint}}
      region: {{.Region}}
      credentials:
        access_key_id: {{.AccessKeyID}}
        secret_access_key: {{.SecretAccessKey}}
      source_path: {{index .Buckets 0}}
`),
	env: parse(`{{range .Keys}}{{.Line}}
{{end}}{{range .Identities}}{{.Line}}
{{end}}`),
}

func parse(text string) *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{"join": strings.Join}).Parse(text))
}

// print writes the settings to out, and what is meant for a person alone to notes.
// As lines for a shell they are all that is written to out, which is closed then:
// a shell that reads them goes on while the emulator serves.
func (t texts) print(out, notes io.Writer, asEnv bool, d any) error {
	if !asEnv {
		if err := t.settings.Execute(out, d); err != nil {
			return err
		}
	} else {
		if err := t.intro.Execute(notes, d); err != nil {
			return err
		}
		if err := t.env.Execute(out, d); err != nil {
			return err
		}
		if file, ok := out.(io.Closer); ok {
			if err := file.Close(); err != nil {
				return err
			}
		}
	}
	_, err := io.WriteString(notes, "\nCtrl-C ends it.\n")
	return err
}
