package config

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

// rule finds what is wrong with a value.
type rule func(v any) supabase.Problems

// lintRules are the rules by name: the dotted name of a field, or lintWhole.
var lintRules = map[string]rule{
	lintWhole:              lintTogether,
	"credentials.type":     lintValue("credentials.type", parseCredentialType),
	FieldSourcePath:        lintValue(FieldSourcePath, parseSourcePath),
	FieldIncludePatterns:   lintValue(FieldIncludePatterns, parsePatterns),
	FieldExcludePatterns:   lintValue(FieldExcludePatterns, parsePatterns),
	fieldContentTypes:      lintValue(fieldContentTypes, parseContentTypes),
	fieldModifiedSince:     lintValue(fieldModifiedSince, parseTime),
	fieldModifiedBefore:    lintValue(fieldModifiedBefore, parseModifiedBefore),
	fieldMinAge:            lintValue(fieldMinAge, parseOptionalDuration),
	FieldMaxObjectSize:     lintValue(FieldMaxObjectSize, parseSize),
	fieldSyncMode:          lintValue(fieldSyncMode, parseSyncMode),
	fieldPollingInterval:   lintValue(fieldPollingInterval, parsePollingInterval),
	FieldState:             lintState,
	fieldSchedule:          lintValue(fieldSchedule, parseSchedule),
	fieldFullSweepInterval: lintValue(fieldFullSweepInterval, parseSweepInterval),
	fieldOnMissing:         lintValue(fieldOnMissing, parseOnMissing),
	fieldChangeDetection:   lintValue(fieldChangeDetection, parseChangeDetection),
	fieldEmitDeletes:       lintValue(fieldEmitDeletes, parseBool),
	fieldMaxDeleteRatio:    lintValue(fieldMaxDeleteRatio, parseRatio),
	fieldAutoReplayNacks:   lintValue(fieldAutoReplayNacks, parseBool),
	fieldAfterDelivery:     lintValue(fieldAfterDelivery, parseAfterDelivery),
	FieldMoveTo:            lintValue(FieldMoveTo, parseMoveTo),
	fieldDeleteObjects:     lintValue(fieldDeleteObjects, parseBool),
	FieldSkipEmpty:         lintValue(FieldSkipEmpty, parseBool),
	fieldVerifyContent:     lintValue(fieldVerifyContent, parseVerify),
	fieldUserMetadata:      lintValue(fieldUserMetadata, parseUserMetadata),
	fieldMaxBytesPerSecond: lintValue(fieldMaxBytesPerSecond, parseOptionalSize),

	FieldProjects:               lintProjects,
	"projects.refs":             lintValue("projects.refs", parseRefs),
	"projects.include":          lintValue("projects.include", parseNames),
	"projects.exclude":          lintValue("projects.exclude", parseNames),
	"projects.branches":         lintValue("projects.branches", parseBool),
	"projects.refresh_interval": lintValue("projects.refresh_interval", parseRefresh),
	"projects.max_active":       lintValue("projects.max_active", parseMaxActive),
	"projects.label_metrics":    lintValue("projects.label_metrics", parseBool),

	fieldEmit:               lintValue(fieldEmit, parseEmit),
	fieldReferenceURLExpiry: lintValue(fieldReferenceURLExpiry, parseURLExpiry),
	fieldEmitFailures:       lintValue(fieldEmitFailures, parseBool),

	"timeouts.connect":          lintValue("timeouts.connect", parseDuration),
	"timeouts.response":         lintValue("timeouts.response", parseDuration),
	"timeouts.idle":             lintValue("timeouts.idle", parseDuration),
	fieldRetry:                  lintRetry,
	"retry.max_attempts":        lintValue("retry.max_attempts", parseAttempts),
	"retry.initial_interval":    lintValue("retry.initial_interval", parseDuration),
	"retry.max_interval":        lintValue("retry.max_interval", parseDuration),
	"concurrency.max_downloads": lintValue("concurrency.max_downloads", parseDownloads),
	"concurrency.max_listers":   lintValue("concurrency.max_listers", parseListers),
	"concurrency.buffer_bytes":  lintValue("concurrency.buffer_bytes", parseBufferBytes),
}

// Lint returns what the lint rules find in the fields of an input, by field and
// rule. A lint of Benthos is the text of one of these and no more. Fields that do not
// fit the spec have lints of Benthos' own, and none here.
func Lint(fields map[string]any) supabase.Problems {
	all := map[string]any{FieldSourcePath: nil} // that it is required, Benthos says
	maps.Copy(all, fields)
	text, err := yaml.Marshal(all)
	if err != nil {
		return nil //nolint:nilerr // Benthos has lints of its own for it.
	}
	parsed, err := Spec().ParseYAML(string(text), nil)
	if err != nil {
		return nil //nolint:nilerr // As above.
	}
	var problems supabase.Problems
	for _, name := range slices.Sorted(maps.Keys(lintRules)) {
		var path []string
		if name != lintWhole {
			path = strings.Split(name, ".")
		}
		if len(path) > 0 && !parsed.Contains(path...) {
			continue
		}
		if v, err := parsed.FieldAny(path...); err == nil {
			problems = append(problems, lintRules[name](v)...)
		}
	}
	return problems
}

// lintValue is the rule of a field that parse reads. An empty value is what an
// environment variable that is not set leaves behind, which Benthos reports
// itself; it is left to the constructor.
func lintValue[T any](field string, parse func(any) (T, error)) rule {
	return func(v any) supabase.Problems {
		if valueText(v) == "" {
			return nil
		}
		_, err := parse(v)
		return problemsAt(field, err)
	}
}

// problemsAt are the problems of a field, none where err is nil.
func problemsAt(field string, err error) supabase.Problems {
	if err == nil {
		return nil
	}
	return problemsOf(At(field, err))
}

// lintRetry compares the two pauses, where both can be read.
func lintRetry(v any) supabase.Problems {
	conf, _ := v.(map[string]any)
	initial, err1 := parseDuration(conf[fieldRetryInitialInterval])
	longest, err2 := parseDuration(conf[fieldRetryMaxInterval])
	if err1 != nil || err2 != nil {
		return nil //nolint:nilerr // Its own rule says so.
	}
	return problemsAt("", checkIntervals(initial, longest))
}

// lintState checks that a state has one place, where no environment variable
// that is not set may still be one.
func lintState(v any) supabase.Problems {
	state, _ := v.(map[string]any)
	path, pathWritten := state[fieldStatePath]
	cache, cacheWritten := state[fieldStateCache]
	p, c := valueText(path), valueText(cache)
	if p == "" && c == "" && (pathWritten || cacheWritten) {
		return nil
	}
	return problemsAt("", checkPlaces(p, c))
}

// lintTogether checks what several fields decide together.
func lintTogether(v any) supabase.Problems {
	conf, _ := v.(map[string]any)
	return slices.Concat(lintUnknown(conf), lintConnection(conf), lintSync(conf), lintRefsFit(conf), lintTargets(conf), lintSeveral(conf), lintTimes(conf), lintAfter(conf), lintEmit(conf))
}

// lintSync checks that the mode has use for what is written with it.
func lintSync(conf map[string]any) supabase.Problems {
	mode, err := parseSyncMode(conf[fieldSyncMode])
	if err != nil || isWritten(conf[FieldTargetsInput]) {
		return nil //nolint:nilerr // Its own rule says so, or lintTargets.
	}
	var lints supabase.Problems
	if valueText(conf[fieldSchedule]) != "" {
		lints = append(lints, problemsAt("", checkSchedule(mode))...)
	}
	_, state := conf[FieldState]
	if emit, err := parseBool(conf[fieldEmitDeletes]); err == nil {
		lints = append(lints, problemsAt("", checkEmitDeletes(emit, mode, state))...)
	}
	return lints
}

// lintConnection checks what says where the project is and how to sign in: the
// constructor's check, without the problems that an environment variable may
// still solve.
func lintConnection(conf map[string]any) supabase.Problems {
	creds, _ := conf[fieldCredentials].(map[string]any)
	fields := maps.Clone(conf)
	for name, value := range creds {
		fields[fieldCredentials+"."+name] = value
	}
	if projects, ok := conf[FieldProjects].(map[string]any); ok {
		if org, written := projects[fieldProjectsOrg]; written {
			fields[FieldProjects+"."+fieldProjectsOrg] = org
		}
	}
	settings := settingsFrom(func(path ...string) string { return valueText(fields[strings.Join(path, ".")]) })
	settings.Bucket = "bucket" // It has a rule of its own.
	if !slices.Contains(supabase.Types, settings.Credentials.Type) {
		return nil // As above.
	}
	resolve := supabase.Resolve
	if namesProjects(conf[FieldProjects]) {
		resolve = supabase.ResolveFleet
	}
	project, err := resolve(settings)
	problems, _ := errors.AsType[supabase.Problems](err)
	lints := supabase.Problems(project.LeaksSecrets())
	for _, p := range problems {
		if !mayBeSet(fields, p.Field) {
			lints = append(lints, p)
		}
	}
	return lints
}

// standIns are the fields that can take the place of another.
var standIns = map[string][]string{
	"project_ref":                  {"endpoint", "credentials.anon_key", "projects.organization"},
	"credentials.service_role_key": {"credentials.user_token", "credentials.user_token" + supabase.FileSuffix},
	"credentials.anon_key":         {"credentials.publishable_key", "credentials.publishable_key" + supabase.FileSuffix},
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
