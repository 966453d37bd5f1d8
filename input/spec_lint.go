package input

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/redpanda-data/benthos/v4/public/bloblang"

	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

// lintMethod is a Bloblang method of our own. Lint rules are Bloblang, which
// cannot compile a glob or read a JWT; with it, lint and the constructor check
// with the same code and say the same words.
const lintMethod = "supabase_storage_lint"

// lintWhole names the rule for what several fields decide together.
const lintWhole = "*"

// lintRule is the Bloblang of the rule called name.
func lintRule(name string) string {
	return fmt.Sprintf("root = this.%s(%q)", lintMethod, name)
}

// registerLintMethod makes lintMethod known. Rules are parsed as the spec is
// built, so it comes first.
var registerLintMethod = sync.OnceFunc(func() {
	spec := bloblang.NewPluginSpec().
		Category("Plugin").
		Deprecated(). // Hides it from the documentation.
		Description("Lints one field of the `supabase_storage` input. It serves that input's own lint rules.").
		Param(bloblang.NewStringParam("field").Description("The field to lint."))
	bloblang.MustRegisterMethodV2(lintMethod, spec, func(args *bloblang.ParsedParams) (bloblang.Method, error) {
		name, err := args.GetString("field")
		if err != nil {
			return nil, err
		}
		rule, ok := lintRules[name]
		if !ok {
			return nil, fmt.Errorf("no lint rule for field %q", name)
		}
		return func(v any) (any, error) {
			lints := []any{}
			for _, err := range rule(v) {
				lints = append(lints, err.Error())
			}
			return lints, nil
		}, nil
	})
})

// lintRules are the rules by name: the dotted name of a field, or lintWhole.
var lintRules = map[string]func(any) []error{
	lintWhole:                lintTogether,
	ssFieldSourcePath:        lintValue(ssFieldSourcePath, parseSourcePath),
	ssFieldIncludePatterns:   lintPattern(ssFieldIncludePatterns),
	ssFieldExcludePatterns:   lintPattern(ssFieldExcludePatterns),
	ssFieldModifiedSince:     lintValue(ssFieldModifiedSince, parseTime),
	ssFieldMinAge:            lintValue(ssFieldMinAge, parseOptionalDuration),
	ssFieldMaxObjectSize:     lintValue(ssFieldMaxObjectSize, parseSize),
	ssFieldPollingInterval:   lintValue(ssFieldPollingInterval, parsePollingInterval),
	ssFieldState:             lintState,
	ssFieldSchedule:          lintValue(ssFieldSchedule, parseSchedule),
	ssFieldFullSweepInterval: lintValue(ssFieldFullSweepInterval, parseDuration),
	ssFieldEmitDeletes:       lintValue(ssFieldEmitDeletes, parseBool),
	ssFieldMaxDeleteRatio:    lintValue(ssFieldMaxDeleteRatio, parseRatio),
	ssFieldAutoReplayNacks:   lintValue(ssFieldAutoReplayNacks, parseBool),
	ssFieldDeleteObjects:     lintValue(ssFieldDeleteObjects, parseBool),
	ssFieldSkipEmpty:         lintValue(ssFieldSkipEmpty, parseBool),
	ssFieldVerifyContent:     lintValue(ssFieldVerifyContent, parseVerify),
	ssFieldUserMetadata:      lintValue(ssFieldUserMetadata, parseBool),

	"timeouts.connect":          lintValue("timeouts.connect", parseDuration),
	"timeouts.response":         lintValue("timeouts.response", parseDuration),
	"timeouts.idle":             lintValue("timeouts.idle", parseDuration),
	ssFieldRetry:                lintRetry,
	"retry.max_attempts":        lintValue("retry.max_attempts", parseAttempts),
	"retry.initial_interval":    lintValue("retry.initial_interval", parseDuration),
	"retry.max_interval":        lintValue("retry.max_interval", parseDuration),
	"concurrency.max_downloads": lintValue("concurrency.max_downloads", parseDownloads),
	"concurrency.max_listers":   lintValue("concurrency.max_listers", parseListers),
	"concurrency.buffer_bytes":  lintValue("concurrency.buffer_bytes", parseBufferBytes),
}

// lintValue is the rule of a field that parse reads. An empty value is what an
// environment variable that is not set leaves behind, which Benthos reports
// itself; it is left to the constructor.
func lintValue[T any](field string, parse func(any) (T, error)) func(any) []error {
	return func(v any) []error {
		if valueText(v) == "" {
			return nil
		}
		if _, err := parse(v); err != nil {
			return []error{fmt.Errorf("%s: %w", field, err)}
		}
		return nil
	}
}

// lintPattern is the rule of a list of patterns. Benthos calls it for the list
// and for each of its elements.
func lintPattern(field string) func(any) []error {
	return func(v any) []error {
		text, ok := v.(string)
		if !ok {
			return nil
		}
		if err := filter.Check(text); err != nil {
			return []error{fmt.Errorf("%s: %w", field, err)}
		}
		return nil
	}
}

// lintRetry compares the two pauses, where both can be read.
func lintRetry(v any) []error {
	conf, _ := v.(map[string]any)
	initial, err1 := parseDuration(conf[ssFieldRetryInitialInterval])
	longest, err2 := parseDuration(conf[ssFieldRetryMaxInterval])
	if err1 != nil || err2 != nil {
		return nil // Its own rule says so.
	}
	if err := checkIntervals(initial, longest); err != nil {
		return []error{err}
	}
	return nil
}

// lintTogether checks what several fields decide together.
func lintTogether(v any) []error {
	conf, _ := v.(map[string]any)
	return append(lintConnection(conf), lintSync(conf)...)
}

// lintConnection checks what says where the project is and how to sign in: the
// constructor's check, without the problems that an environment variable may
// still solve.
func lintConnection(conf map[string]any) []error {
	creds, _ := conf[ssFieldCredentials].(map[string]any)
	fields := maps.Clone(conf)
	for name, value := range creds {
		fields[ssFieldCredentials+"."+name] = value
	}
	settings := settingsFrom(func(path ...string) string { return valueText(fields[strings.Join(path, ".")]) })
	settings.Bucket = "bucket" // It has a rule of its own.
	if !slices.Contains(supabase.Types, settings.Credentials.Type) {
		return nil // Benthos lints the options of an enumeration.
	}
	project, err := supabase.Resolve(settings)
	problems, _ := errors.AsType[supabase.Problems](err)
	var lints []error
	for _, p := range project.LeaksSecrets() {
		lints = append(lints, p)
	}
	for _, p := range problems {
		if !mayBeSet(fields, p.Field) {
			lints = append(lints, p)
		}
	}
	return lints
}

// standIns are the fields that can take the place of another.
var standIns = map[string][]string{
	"project_ref":                  {"endpoint", "credentials.anon_key"},
	"credentials.service_role_key": {"credentials.user_token", "credentials.user_token" + supabase.FileSuffix},
	"credentials.auth_url":         {"endpoint"},
}

// mayBeSet reports whether a problem with field may be due to an environment
// variable that is not set: the field has no value, and it or one that can
// stand in for it is written, but empty.
func mayBeSet(fields map[string]any, field string) bool {
	if valueText(fields[field]) != "" {
		return false
	}
	return slices.ContainsFunc(append([]string{field, field + supabase.FileSuffix}, standIns[field]...), func(name string) bool {
		v, written := fields[name]
		return written && valueText(v) == ""
	})
}
