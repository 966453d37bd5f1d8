package deploy_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// The chart is not where tests can get it. It makes the config of the values
// config, http, logger and metrics, and that is what is tested here.
func TestTheConfigInTheChartsValuesLints(t *testing.T) {
	var values struct {
		Metrics                         map[string]any
		Config                          map[string]any
		Telemetry                       bool
		ExtraVolumes, ExtraVolumeMounts []struct{ Name, MountPath string }
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, deploy+"/helm-values.yaml")), &values))
	values.Config["metrics"] = values.Metrics
	values.Config["http"] = map[string]any{ // the chart's own values
		"enabled": true, "address": "0.0.0.0:4195", "root_path": "/redpanda-connect", "debug_endpoints": false,
		"cors": map[string]any{"enabled": false},
	}
	config, err := yaml.Marshal(values.Config)
	require.NoError(t, err)
	lint(t, string(config))
	// lint does not know which metadata there is.
	documented := read(t, root+"/input/README.md")
	names := regexp.MustCompile(`@(supabase_storage_\w+)`).FindAllStringSubmatch(string(config), -1)
	require.NotEmpty(t, names)
	for _, name := range names {
		require.Contains(t, documented, "`"+name[1]+"`")
	}

	require.True(t, values.Telemetry, "false adds --disable-telemetry, which this binary does not know")
	volumes := map[string]bool{}
	for _, v := range values.ExtraVolumes {
		volumes[v.Name] = true
	}
	for _, m := range values.ExtraVolumeMounts {
		require.True(t, volumes[m.Name], m.Name)
	}
}
