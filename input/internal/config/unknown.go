package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

// lintUnknown names the field that was probably meant, for each field that there is
// none of: one that is misspelt, or one that belongs below another. That there is no
// such field, Benthos says too, and no more.
func lintUnknown(conf map[string]any) (lints supabase.Problems) {
	var walk func(fields map[string]any, parent string)
	walk = func(fields map[string]any, parent string) {
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			full := parent + name
			siblings := fieldNames[strings.TrimSuffix(parent, ".")]
			switch child, isObject := fields[name].(map[string]any); {
			case !slices.Contains(siblings, name):
				if near := meant(name, siblings); near != "" {
					lints = append(lints, problemsAt(full, Wrong("there is no such field", "did you mean "+near+"?"))...)
				}
			case isObject && len(fieldNames[full]) > 0:
				walk(child, full+".")
			}
		}
	}
	walk(conf, "")
	return lints
}

// meant is the field that was probably meant: the nearest of the siblings, or the
// only one elsewhere that has the name. It is "" where none is.
func meant(name string, siblings []string) string {
	if near := nearest(name, siblings); near != "" {
		return near
	}
	var elsewhere []string
	for parent, children := range fieldNames {
		if parent != "" && slices.Contains(children, name) {
			elsewhere = append(elsewhere, parent+"."+name)
		}
	}
	if len(elsewhere) == 1 {
		return elsewhere[0]
	}
	return ""
}

// fieldNames are the names of the fields below each field, and below "" for the input
// itself. They stand here, and not only in the spec, because to ask Benthos for those
// takes 40 ms of every start; a test keeps the two in step.
var fieldNames = map[string][]string{
	"": {
		"project_ref", "region", "credentials", "source_path", "include_patterns",
		"exclude_patterns", "content_types", "modified_since", "modified_before",
		"sync_mode", "polling_interval", "state", "scanner", "auto_replay_nacks",
		"projects", "targets_input", "on_missing", "schedule", "full_sweep_interval", "change_detection", "emit_deletes",
		"max_delete_ratio", "emit", "reference_url_expiry", "emit_failures", "delete_objects", "skip_empty", "max_object_size", "min_age",
		"verify_content", "user_metadata", "endpoint", "tls", "timeouts", "retry",
		"concurrency",
	},
	"concurrency": {"max_downloads", "max_listers", "buffer_bytes"},
	"credentials": {
		"type", "access_key_id", "secret_access_key", "secret_key", "publishable_key",
		"anon_key", "service_role_key", "user_token", "email", "password",
		"access_token", "access_key_id_file", "secret_access_key_file",
		"secret_key_file", "publishable_key_file", "anon_key_file",
		"service_role_key_file", "user_token_file", "password_file", "access_token_file",
		"auth_url", "api_url",
	},
	"projects": {
		"organization", "refs", "include", "exclude", "branches", "refresh_interval", "max_active", "label_metrics",
	},
	"retry":    {"max_attempts", "initial_interval", "max_interval"},
	"state":    {"path", "cache", "namespace"},
	"timeouts": {"connect", "response", "idle"},
	"tls": {
		"enabled", "skip_cert_verify", "enable_renegotiation", "root_cas",
		"root_cas_file", "client_certs",
	},
	"tls.client_certs[]": {"cert", "key", "cert_file", "key_file", "password"},
}
