package deploy_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// compose-go is what docker compose reads files with.
func TestComposeAcceptsTheFileAndMountsOnlyWhatExists(t *testing.T) {
	_, secrets := emulate(t)
	load := func(env ...string) (problem error) {
		options, err := cli.NewProjectOptions([]string{deploy + "/compose.yaml"}, cli.WithEnv(env))
		require.NoError(t, err)
		project, err := options.LoadProject(t.Context())
		if err != nil {
			return err
		}
		require.Len(t, project.Services, 3)
		for _, s := range project.Services {
			for _, v := range s.Volumes {
				// The files of config/monitoring belong to the dashboard's own tests.
				if v.Type == "bind" && !strings.Contains(v.Source, "/config/monitoring/") {
					_, err := filepath.EvalSymlinks(v.Source)
					require.NoError(t, err, s.Name)
				}
			}
		}
		pipeline := project.Services["pipeline"]
		require.FileExists(t, filepath.Join(pipeline.Build.Context, pipeline.Build.Dockerfile))
		require.True(t, pipeline.ReadOnly)
		return nil
	}
	require.NoError(t, load("SECRETS_DIR="+secrets, "SUPABASE_SOURCE_PATH=user-uploads"))
	require.ErrorContains(t, load("SUPABASE_SOURCE_PATH=user-uploads"), "SECRETS_DIR")
	require.ErrorContains(t, load("SECRETS_DIR="+secrets), "SUPABASE_SOURCE_PATH")
}

func TestPrometheusAndGrafanaOfTheComposeFileAreWired(t *testing.T) {
	var prometheus struct {
		ScrapeConfigs []struct {
			StaticConfigs []struct{ Targets []string } `json:"static_configs"`
		} `json:"scrape_configs"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, deploy+"/compose/prometheus.yml")), &prometheus))
	require.Equal(t, []string{"pipeline:4195"}, prometheus.ScrapeConfigs[0].StaticConfigs[0].Targets)

	var sources struct{ Datasources []struct{ URL, Type string } }
	require.NoError(t, yaml.Unmarshal([]byte(read(t, deploy+"/compose/grafana-datasources.yaml")), &sources))
	require.Equal(t, "http://prometheus:9090", sources.Datasources[0].URL)

	var dashboards struct {
		Providers []struct{ Options struct{ Path string } }
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, deploy+"/compose/grafana-dashboards.yaml")), &dashboards))
	require.Contains(t, read(t, deploy+"/compose.yaml"), ":"+dashboards.Providers[0].Options.Path+"/")
}
