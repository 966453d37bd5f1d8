package config

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	_ "github.com/redpanda-data/benthos/v4/public/components/io"
	_ "github.com/redpanda-data/benthos/v4/public/components/pure"
	"github.com/redpanda-data/benthos/v4/public/service"
	_ "github.com/redpanda-data/connect/v4/public/components/kafka" // examples use it
	_ "github.com/redpanda-data/connect/v4/public/components/redis" // as above
	"github.com/stretchr/testify/require"
)

// specDocs is the documentation that Benthos makes of the spec.
func specDocs(t *testing.T) (docs service.TemplateDataPlugin) {
	t.Helper()
	environment().WalkInputs(func(name string, view *service.ConfigView) {
		if name != Name {
			return
		}
		var err error
		docs, err = view.TemplateData()
		require.NoError(t, err)
	})
	require.Equal(t, Name, docs.Name, "the input is not registered")
	return docs
}

func TestEveryFieldIsDocumented(t *testing.T) {
	docs := specDocs(t)
	require.Equal(t, "stable", docs.Status)
	require.NotEmpty(t, docs.Summary)
	for _, f := range docs.Fields {
		require.NotContains(t, f.Description, "Sorry! This field is missing documentation", f.FullName)
		require.Regexp(t, `[.]$`, f.Description, "the description of %s is no sentence", f.FullName)
	}
}

func TestFieldsAndDefaults(t *testing.T) {
	docs := specDocs(t)
	got := map[string]string{}
	for _, f := range docs.Fields {
		got[f.FullName] = f.DefaultMarshalled
	}
	for name := range got {
		if strings.HasPrefix(name, "tls.") {
			delete(got, name) // Benthos' own.
		}
	}
	require.Equal(t, map[string]string{
		"project_ref": "", "region": "",
		"projects": "", "projects.organization": "", "projects.refs": "[]", "projects.include": "[]", "projects.exclude": "[]", "projects.branches": "false",
		"projects.refresh_interval": `"5m"`, "projects.max_active": "64", "projects.label_metrics": "false",
		"credentials": "", "credentials.type": `"access_key"`, "credentials.access_key_id": "",
		"credentials.secret_access_key": "", "credentials.secret_key": "", "credentials.publishable_key": "", "credentials.anon_key": "", "credentials.service_role_key": "",
		"credentials.user_token": "", "credentials.email": "", "credentials.password": "", "credentials.access_token": "",
		"credentials.access_key_id_file": "", "credentials.secret_access_key_file": "", "credentials.secret_key_file": "", "credentials.publishable_key_file": "", "credentials.anon_key_file": "",
		"credentials.service_role_key_file": "", "credentials.user_token_file": "", "credentials.password_file": "",
		"credentials.access_token_file": "", "credentials.auth_url": "", "credentials.api_url": "",
		"source_path": "", "include_patterns": "[]", "exclude_patterns": "[]", "content_types": "[]",
		"modified_since": `""`, "modified_before": `""`,
		"sync_mode": `"one_time"`, "polling_interval": `"5m"`,
		"state": "", "state.path": "", "state.cache": "", "state.namespace": "",
		"schedule": "", "targets_input": "", "on_missing": `"ack"`, "full_sweep_interval": "", "change_detection": `"etag"`, "emit_deletes": "false", "max_delete_ratio": "",
		"emit": `"content"`, "reference_url_expiry": `""`, "emit_failures": "false",
		"scanner": `{"to_the_end":{}}`, "auto_replay_nacks": "true",
		"delete_objects": "false", "skip_empty": "false", "max_object_size": `"0"`, "min_age": `""`,
		"user_metadata": "true", "verify_content": `"1MiB"`, "endpoint": "", "tls": "",
		"timeouts": "", "timeouts.connect": `"10s"`, "timeouts.response": `"60s"`, "timeouts.idle": `"60s"`,
		"retry": "", "retry.max_attempts": "10", "retry.initial_interval": `"300ms"`, "retry.max_interval": `"30s"`,
		"concurrency": "", "concurrency.max_downloads": "0", "concurrency.max_listers": "0",
		"concurrency.buffer_bytes": `"100MiB"`,
	}, got)
}

func TestSecretsAreMarkedAsSuch(t *testing.T) {
	docs := specDocs(t)
	var secret []string
	for _, f := range docs.Fields {
		if f.IsSecret && !strings.HasPrefix(f.FullName, "tls.") {
			secret = append(secret, f.FullName)
		}
	}
	require.Equal(t, []string{
		"credentials.access_key_id", "credentials.secret_access_key", "credentials.secret_key", "credentials.publishable_key", "credentials.anon_key",
		"credentials.service_role_key", "credentials.user_token", "credentials.password", "credentials.access_token",
	}, secret)
}

func TestSmallConfigFitsOnOneScreen(t *testing.T) {
	docs := specDocs(t)
	require.LessOrEqual(t, strings.Count(docs.CommonConfigYAML, "\n"), 40, docs.CommonConfigYAML)
	for _, name := range []string{"project_ref", "credentials", "source_path", "include_patterns", "sync_mode", "polling_interval", "state", "scanner"} {
		require.Contains(t, docs.CommonConfigYAML, name+":")
	}
	for _, name := range []string{"endpoint", "tls", "timeouts", "retry", "concurrency", "delete_objects", "schedule", "full_sweep_interval", "change_detection", "emit_deletes", "max_delete_ratio", "emit", "reference_url_expiry", "emit_failures"} {
		require.NotContains(t, docs.CommonConfigYAML, name+":")
		require.Contains(t, docs.AdvancedConfigYAML, name+":")
	}
}

// TestCreatedConfigsLintClean lints what `create` prints. It fills in
// the examples of optional fields, which may not contradict each other.
func TestCreatedConfigsLintClean(t *testing.T) {
	docs := specDocs(t)
	for _, created := range []string{docs.CommonConfigYAML, docs.AdvancedConfigYAML} {
		lints, err := streamLinter(exampleEnv).LintYAML([]byte(created))
		require.NoError(t, err)
		require.Empty(t, lints, created)
	}
}

// TestExamplesLintAndParse sets every environment variable that an example
// names, since without them only what is literal is checked.
func TestExamplesLintAndParse(t *testing.T) {
	docs := specDocs(t)
	require.GreaterOrEqual(t, len(docs.Examples), 8)
	for _, example := range docs.Examples {
		t.Run(example.Title, func(t *testing.T) {
			linter := streamLinter(exampleEnv)
			lints, err := linter.LintYAML([]byte(example.Config))
			require.NoError(t, err)
			require.Empty(t, lints)

			// Nothing but what Benthos says of the variables.
			lints, err = streamLinter(noEnv).LintYAML([]byte(example.Config))
			require.NoError(t, err)
			require.Len(t, lints, 1)
			require.Equal(t, service.LintMissingEnvVar, lints[0].Type)
		})
	}
}

func streamLinter(env func(context.Context, string) (string, bool)) *service.StreamConfigLinter {
	return environment().FullConfigSchema("", "").NewStreamConfigLinter().SetEnvVarLookupFunc(env)
}

func noEnv(context.Context, string) (string, bool) { return "", false }

// exampleEnv holds well-formed values of every variable in the examples.
func exampleEnv(_ context.Context, name string) (string, bool) {
	v, ok := map[string]string{
		"SUPABASE_PROJECT_REF":          testRef,
		"SUPABASE_S3_ACCESS_KEY_ID":     testKeyID,
		"SUPABASE_S3_SECRET_ACCESS_KEY": testSecret,
		"SUPABASE_ANON_KEY":             testJWT("anon", testRef),
		"SUPABASE_SERVICE_ROLE_KEY":     testJWT("service_role", testRef),
		"SUPABASE_USER_EMAIL":           "ada@example.com",
		"SUPABASE_USER_PASSWORD":        "correct horse battery staple",
		"SUPABASE_ACCESS_TOKEN":         "sbp_0123456789abcdef0123456789abcdef01234567",
	}[name]
	return v, ok
}

func TestEveryLintRuleIsKnown(t *testing.T) {
	var component struct {
		Config json.RawMessage `json:"config"`
	}
	environment().WalkInputs(func(name string, view *service.ConfigView) {
		if name == Name {
			text, err := view.FormatJSON()
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(text, &component))
		}
	})
	var names []string
	for name := range lintRules {
		names = append(names, name)
		rule, err := json.Marshal(lintRule(name))
		require.NoError(t, err)
		require.Contains(t, string(component.Config), string(rule), "nothing uses the rule %s", name)
	}
	require.True(t, slices.Contains(names, lintWhole))
	require.Equal(t, len(names), strings.Count(string(component.Config), lintMethod+"("), "a rule is used twice, or is not known")
}
