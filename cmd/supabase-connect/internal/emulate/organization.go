package emulate

import (
	"context"
	"fmt"
	"io"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// maxProjects bounds --organization: a project takes about 10 kB of memory.
const maxProjects = 10_000

// samples are the buckets of each project, and their keys.
var samples = []struct {
	bucket string
	keys   []string
}{
	{"avatars", []string{"ada.txt", "eve.txt"}},
	{"documents", []string{"2026/report.txt", "2026/plans/offer.txt", "readme.txt"}},
}

// fleet is what the settings of an organization are about.
type fleet struct {
	Slug, AccessToken string
	// Endpoint has "{project_ref}" in place of the reference of a project.
	Endpoint, APIURL string
	Projects         int
	Buckets          []string
}

// Keys are for a config that reads the organization.
func (f fleet) Keys() []export {
	return []export{
		{"SUPABASE_ORGANIZATION", f.Slug},
		{"SUPABASE_ACCESS_TOKEN", f.AccessToken},
		{"SUPABASE_API_URL", f.APIURL},
		{"SUPABASE_S3_ENDPOINT", f.Endpoint},
		{"SUPABASE_SOURCE_PATH", "*/"},
	}
}

const fleetIntro = `An emulated organization of {{.Projects}} project{{if gt .Projects 1}}s{{end}}, each with the buckets {{join .Buckets ", "}}, listens on
  {{.Endpoint}}
and its Management API on
  {{.APIURL}}
`

var organization = texts{
	intro: parse(fleetIntro),
	settings: parse(fleetIntro + `
For the configs in config/ that read several projects (run one in another terminal):

{{range .Keys}}  {{.Line}}
{{end}}
Or as a config of your own:

  input:
    supabase_storage:
      projects:
        organization: {{.Slug}}
      endpoint: "{{.Endpoint}}"
      credentials:
        type: access_token
        access_token: {{.AccessToken}}
        api_url: {{.APIURL}}
      source_path: "*/"
`),
	env: parse(`{{range .Keys}}{{.Line}}
{{end}}`),
}

// runOrganization serves an organization until ctx ends.
func runOrganization(ctx context.Context, out, notes io.Writer, o Options, gateway emulator.Gateway) error {
	if o.Dir != "" {
		return fmt.Errorf("--%s serves sample buckets, and --%s a directory; leave one of them out", flagOrganization, flagDir)
	}
	org := emulator.NewOrganization(emulator.OrganizationOptions{})
	var slow func(emulator.Request) emulator.Fault
	if o.Latency > 0 {
		slow = func(emulator.Request) emulator.Fault { return emulator.Fault{Delay: o.Latency} }
	}
	org.SetAPIFaults(slow)
	f := fleet{Slug: org.Slug(), AccessToken: org.AccessToken(), Projects: o.Organization}
	for range o.Organization {
		p := org.AddProject(emulator.Options{Gateway: gateway, ReadOnly: o.ReadOnly})
		p.SetFaults(slow)
		for _, sample := range samples {
			for _, key := range sample.keys {
				p.Put(sample.bucket, key, []byte(sample.bucket+"/"+key+" of "+p.Project().Name+"\n"))
			}
		}
	}
	for _, sample := range samples {
		f.Buckets = append(f.Buckets, sample.bucket)
	}
	listener, err := org.Start(o.Addr) //nolint:contextcheck // listening does not wait
	if err != nil {
		return explain(err, o.Addr)
	}
	// Its error says that a connection was cut, which is what was wanted.
	defer func() { _ = listener.Close() }()
	f.Endpoint, f.APIURL = listener.EndpointTemplate(), listener.APIURL()
	if err := organization.print(out, notes, o.Env, f); err != nil {
		return fmt.Errorf("writing the settings: %w", err)
	}
	<-ctx.Done()
	return nil
}
