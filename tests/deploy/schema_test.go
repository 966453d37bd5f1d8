package deploy_test

import (
	"encoding/json"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Kubernetes publishes the schemas of its API in its own module, which the Go
// module proxy has. No package of it is needed, so it is no requirement in go.mod,
// and its checksum stands here.
const (
	kubernetesModule = "k8s.io/kubernetes@v1.37.2"
	kubernetesSum    = "h1:A2VDEiObzkYqFTKhSsn0ZEb0RlLEXpHWj93gi2HqEwE="
)

// schemas are the kinds that the manifests use, with where each is in the module.
var schemas = map[string]struct{ file, name string }{
	"configmap":             {"api__v1", "io.k8s.api.core.v1.ConfigMap"},
	"persistentvolumeclaim": {"api__v1", "io.k8s.api.core.v1.PersistentVolumeClaim"},
	"service":               {"api__v1", "io.k8s.api.core.v1.Service"},
	"deployment":            {"apis__apps__v1", "io.k8s.api.apps.v1.Deployment"},
	"statefulset":           {"apis__apps__v1", "io.k8s.api.apps.v1.StatefulSet"},
	"cronjob":               {"apis__batch__v1", "io.k8s.api.batch.v1.CronJob"},
	"job":                   {"apis__batch__v1", "io.k8s.api.batch.v1.Job"},
}

// writeSchemas writes a JSON schema for each kind, as kubeconform reads them, and
// returns the pattern of their names.
func writeSchemas(t *testing.T) string {
	t.Helper()
	download := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", kubernetesModule)
	download.Dir = t.TempDir() // no module, whose go.mod would change
	out, err := download.Output()
	require.NoError(t, err, string(out))
	var module struct{ Dir, Sum string }
	require.NoError(t, json.Unmarshal(out, &module))
	require.Equal(t, kubernetesSum, module.Sum)

	dir := t.TempDir()
	for kind, at := range schemas {
		var api struct {
			Components struct {
				Schemas map[string]map[string]any `json:"schemas"`
			} `json:"components"`
		}
		text := read(t, filepath.Join(module.Dir, "api/openapi-spec/v3", at.file+"_openapi.json"))
		require.NoError(t, json.Unmarshal([]byte(text), &api))
		require.Contains(t, slices.Collect(maps.Keys(api.Components.Schemas)), at.name)
		for _, schema := range api.Components.Schemas {
			if _, object := schema["properties"]; object {
				schema["additionalProperties"] = false // a field that is misspelt
			}
		}
		text = `{"$ref": "#/components/schemas/` + at.name + `", "components": {"schemas": `
		all, err := json.Marshal(api.Components.Schemas)
		require.NoError(t, err)
		write(t, filepath.Join(dir, kind+".json"), text+string(all)+"}}")
	}
	return strings.ReplaceAll(dir, `\`, "/") + "/{{ .ResourceKind }}.json"
}
