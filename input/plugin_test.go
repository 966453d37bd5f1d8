package input

import (
	"testing"

	"github.com/redpanda-data/benthos/v4/public/bloblang"
	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"
)

// A host may have an environment that shares nothing with the global one.
func TestTheInputFitsIntoAnyEnvironment(t *testing.T) {
	for name, env := range map[string]*service.Environment{
		"a copy of the global one": service.NewEnvironment(),
		"without inputs":           service.NewEnvironment().WithInputs(),
		"empty":                    service.NewEmptyEnvironment(),
	} {
		if name == "empty" {
			env.UseBloblangEnvironment(bloblang.NewEmptyEnvironment())
		}
		require.NoError(t, Register(env), name)
		require.NoError(t, Register(env), "%s: a second time", name)
		_, found := env.GetInputConfig("supabase_storage")
		require.True(t, found, name)

		lints, err := env.NewComponentConfigLinter().LintInputYAML([]byte("supabase_storage: {project_ref: my-project, source_path: a, sync_mode: continous, credentials: {access_key_id: a, secret_access_key: b}}"))
		require.NoError(t, err, name)
		var whats []string
		for _, lint := range lints {
			whats = append(whats, lint.What)
		}
		require.Contains(t, whats, `sync_mode: "continous" is not a mode; write one_time, continuous or scheduled: did you mean continuous?`, name)
	}
}
