package config

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

// Well-formed credentials of no project.
const (
	testRef    = "abcdefghijklmnopqrst"
	testKeyID  = "0123456789abcdef0123456789abcdef"
	testSecret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

// testJWT is a token with the claims of a Supabase key, and no valid signature.
func testJWT(role, ref string) string {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	return part(`{"alg":"HS256","typ":"JWT"}`) + "." +
		part(fmt.Sprintf(`{"iss":"supabase","ref":%q,"role":%q,"iat":1700000000,"exp":4102444800}`, ref, role)) + "." + part("signature")
}

// goodFields are a configuration that nothing is wrong with.
var goodFields = strings.Join([]string{
	"project_ref: " + testRef,
	"credentials: {access_key_id: " + testKeyID + ", secret_access_key: " + testSecret + "}",
	"source_path: uploads/photos/",
}, "\n")

// withFields is goodFields with lines put in place of those of the same field.
func withFields(lines string) string {
	out := lines
	for line := range strings.SplitSeq(goodFields, "\n") {
		name, _, _ := strings.Cut(line, ":")
		if !strings.Contains("\n"+lines, "\n"+name+":") {
			out += "\n" + line
		}
	}
	return out
}

// environment is one that has the input.
var environment = sync.OnceValue(func() *service.Environment {
	env := service.NewEnvironment()
	err := env.RegisterBatchInput(Name, Spec(), func(*service.ParsedConfig, *service.Resources) (service.BatchInput, error) {
		return nil, errors.New("it is never made here")
	})
	if err != nil {
		panic(err)
	}
	return env
})

// lintFields lints the input with the given fields.
func lintFields(t *testing.T, fields string, env func(context.Context, string) (string, bool)) []service.Lint {
	t.Helper()
	yaml := Name + ":\n  " + strings.ReplaceAll(fields, "\n", "\n  ")
	lints, err := environment().NewComponentConfigLinter().SetEnvVarLookupFunc(env).LintInputYAML([]byte(yaml))
	require.NoError(t, err, yaml)
	return lints
}

func TestWellFormedConfigsLintClean(t *testing.T) {
	for _, fields := range []string{
		"",
		"source_path: uploads",
		"source_path: s3://uploads//odd prefix ",
		`include_patterns: ["*.mp4", "2024/**/[a-z0-9_]*.{jpg,jpeg}"]`,
		"include_patterns: []",
		"modified_since: 2024-06-01",
		"modified_since: 2024-06-01T00:00:00Z",
		"modified_before: 2024-06-01", "modified_since: 2024-06-01\nmodified_before: 2024-06-01T00:00:01Z", `modified_before: ""`,
		"content_types: []", `content_types: [image/*, "Application/PDF", "application/*+json"]`, "user_metadata: full", "user_metadata: Full",
		`modified_since: "2024-06-01 08:30:00.123+0200"`,
		`modified_since: ""`,
		"min_age: 5m", "min_age: 30", "min_age: 1.5", `min_age: "0"`, "min_age: 0s",
		"max_bytes_per_second: 10MB", "max_bytes_per_second: 0", "max_bytes_per_second: 1048576", `max_bytes_per_second: ""`,
		"max_object_size: 10MiB", "max_object_size: 1048576", "max_object_size: 0", "max_object_size: 1.5 GB",
		"delete_objects: true", `delete_objects: "true"`, "skip_empty: yes", "user_metadata: off", "auto_replay_nacks: false",
		"timeouts: {connect: 1s, response: 90, idle: 2m}",
		"retry: {max_attempts: 1, initial_interval: 1s, max_interval: 1s}",
		`concurrency: {max_downloads: "8", buffer_bytes: 1GiB}`,
		"sync_mode: one_time", "sync_mode: one_time\npolling_interval: 5m\nschedule: ''",
		"sync_mode: continuous", "sync_mode: Continuous\npolling_interval: 1",
		"sync_mode: scheduled", "sync_mode: scheduled\nschedule: '*/15 * * * *'",
		"sync_mode: SCHEDULED\nschedule: TZ=America/New_York @daily\npolling_interval: 1h",
		"state: {path: ./state/uploads.db}", "state: {cache: redis, namespace: a}", "state: {cache: '', path: a.db}",
		"change_detection: modified", "emit_deletes: true\nsync_mode: continuous", "emit_deletes: true\nstate: {path: a.db}",
		"full_sweep_interval: 90", "emit_deletes: false", "max_delete_ratio: 1", "max_delete_ratio: null", `max_delete_ratio: "0.01"`, "concurrency: {max_listers: 64}", "concurrency: {max_listers: 0}",
		"endpoint: http://127.0.0.1:54321/storage/v1/s3\ntls: {skip_cert_verify: true}",
		"credentials: {type: session_token, anon_key: " + testJWT("anon", testRef) + ", user_token: " + testJWT("authenticated", testRef) + "}",
		"credentials: {type: session_token, service_role_key: " + testJWT("service_role", testRef) + "}",
		"credentials: {type: user, anon_key: " + testJWT("anon", testRef) + ", email: a@example.com, password: '  p w  '}",
		"credentials: {type: User, anon_key: sb_publishable_abc, email: a@example.com, password_file: /run/p, auth_url: 'https://example.com/auth/v1'}",
		"credentials: {type: access_token, access_token: sbp_0123456789abcdef0123456789abcdef01234567}",
		"credentials: {type: access_token, access_token_file: /run/token, api_url: 'https://api.example.com'}\nregion: eu-west-1",
		"credentials: {access_key_id_file: /run/id, secret_access_key_file: /run/secret}",
		"credentials: {access_key_id: " + testKeyID + ", secret_access_key_file: /run/secret}",
		"credentials: {type: session_token, anon_key_file: /run/anon, user_token_file: /run/token}",
	} {
		require.Empty(t, lintFields(t, withFields(fields), noEnv), fields)
	}
}

func TestMalformedFieldsAreLintedWithARemedy(t *testing.T) {
	for fields, want := range map[string]string{
		`source_path: /uploads`:                                   `source_path: "/uploads" has no bucket before its first "/"; write it as bucket, bucket/prefix or s3://bucket/prefix`,
		`source_path: s3:///photos`:                               `source_path: "s3:///photos" has no bucket before its first "/"; write it as`,
		`source_path: gs://uploads`:                               `source_path: "gs://uploads" is a URL; write it as bucket, bucket/prefix or s3://bucket/prefix, and the address of the server under project_ref or endpoint`,
		`source_path: "up#loads/x"`:                               `source_path: "up#loads" cannot be the name of a bucket; write it as`,
		`include_patterns: ["*.jpg", ""]`:                         `include_patterns[1]: the pattern is empty; remove it, or write "*" to match every object`,
		`include_patterns: ["[^a]*"]`:                             `include_patterns[0]: pattern "[^a]*": "^" does not negate a class at character 2; write [! in place of [^`,
		`exclude_patterns: ["{a,b"]`:                              `exclude_patterns[0]: pattern "{a,b": "{" has no closing "}" at character 1; close it, or write \{ for the character itself`,
		`exclude_patterns: [tmp/]`:                                `exclude_patterns[0]: pattern "tmp/": the closing "/" matches no object at character 4; write "tmp/**"`,
		`include_patterns: "*.jpg"`:                               `include_patterns: "*.jpg" is not a list; write ["*.jpg"]`,
		`exclude_patterns: {tmp: true}`:                           `exclude_patterns: is not a list; write one such as ["*.jpg"]`,
		`exclude_patterns: [["*.tmp"]]`:                           `exclude_patterns[0]: is not a text; write one such as "*.jpg"`,
		`modified_since: last week`:                               `modified_since: "last week" is not an ISO 8601 date or timestamp; write 2024-06-01, 2024-06-01T08:30:00Z or 2024-06-01T08:30:00+02:00`,
		`modified_before: last week`:                              `modified_before: "last week" is not an ISO 8601 date or timestamp; write 2024-06-01`,
		`modified_before: 24h`:                                    `modified_before: "24h" is an age, not a date or timestamp; write min_age: 24h for what is at least that old`,
		"modified_since: 2024-06-01\nmodified_before: 2024-06-01": `modified_before: 2024-06-01T00:00:00Z is not later than modified_since, which is 2024-06-01T00:00:00Z, so that no object can match; write a later time, or remove one of the two`,
		"modified_since: 2024-06-01T12:00+02:00\nmodified_before: 2024-06-01T09:59:59Z": `modified_before: 2024-06-01T09:59:59Z is not later than modified_since, which is 2024-06-01T10:00:00Z`,
		`content_types: [image/*, jpg]`: `content_types[1]: pattern "jpg": this is no media type`,
		`content_types: image/*`:        `content_types: "image/*" is not a list; write ["image/*"]`,
		`content_types: {a: b}`:         `content_types: is not a list; write one such as ["image/*"]`,
		`modified_since: 2024-06-31`:    `modified_since: "2024-06-31" is not an ISO 8601 date`,
		`modified_since: 20240601`:      `modified_since: "20240601" is not an ISO 8601 date`,
		`min_age: 5 minutes`:            `min_age: "5 minutes" is not a duration; write a number with a unit, such as 90s, 5m or 24h, or a bare number of seconds`,
		`min_age: 1d`:                   `min_age: "1d" is not a duration; write`,
		`min_age: -5m`:                  `min_age: "-5m" is less than zero; write`,
		`max_bytes_per_second: fast`:    `max_bytes_per_second: "fast" is not a size; write a number of bytes, or one with a unit such as 500kB or 10MiB`,
		`max_object_size: lots`:         `max_object_size: "lots" is not a size; write a number of bytes, or one with a unit such as 500kB or 10MiB`,
		`max_object_size: -1`:           `max_object_size: "-1" is not a size; write`,
		`delete_objects: maybe`:         `delete_objects: "maybe" is neither true nor false; write one of them`,
		`skip_empty: 1`:                 `skip_empty: "1" is neither true nor false; write one of them`,
		`user_metadata: [true]`:         `user_metadata: "[true]" is none of true, false and full; write one of them`,
		`auto_replay_nacks: never`:      `auto_replay_nacks: "never" is neither true nor false; write one of them`,
		`timeouts: {connect: soon}`:     `timeouts.connect: "soon" is not a duration; write`,
		`timeouts: {response: 0}`:       `timeouts.response: "0" is not more than zero; write`,
		`timeouts: {idle: -1s}`:         `timeouts.idle: "-1s" is not more than zero; write`,
		`retry: {max_attempts: 0}`:      `retry.max_attempts: "0" is not a whole number from 1 to 1000; write one`,
		`retry: {max_attempts: 2.5}`:    `retry.max_attempts: "2.5" is not a whole number from 1 to 1000; write one`,
		`retry: {initial_interval: x}`:  `retry.initial_interval: "x" is not a duration; write`,
		`retry: {max_interval: x}`:      `retry.max_interval: "x" is not a duration; write`,
		`retry: {initial_interval: 1m}`: `retry.max_interval: 30s is less than initial_interval, which is 1m0s; write at least as much`,

		`concurrency: {max_downloads: -1}`:   `concurrency.max_downloads: "-1" is not a whole number from 0 to 4096; write one`,
		`concurrency: {max_downloads: many}`: `concurrency.max_downloads: "many" is not a whole number from 0 to 4096; write one`,
		`concurrency: {buffer_bytes: 0}`:     `concurrency.buffer_bytes: "0" is too little to download objects side by side; write at least 1MiB`,
		`concurrency: {buffer_bytes: big}`:   `concurrency.buffer_bytes: "big" is not a size; write`,

		`concurrency: {max_listers: 65}`: `concurrency.max_listers: "65" is not a whole number from 0 to 64; write one`,

		`polling_interval: often`:                                   `polling_interval: "often" is not a duration; write a number with a unit`,
		`polling_interval: 0`:                                       `polling_interval: "0" is not more than zero; write`,
		`polling_interval: 0.5`:                                     `polling_interval: "0.5" is less than a second; write at least 1s`,
		`state: {}`:                                                 `state.path: is missing, and so is state.cache; write the path of a file, or the name of a cache resource, or remove state`,
		`state: {namespace: a}`:                                     `state.path: is missing, and so is state.cache; write`,
		`state: {path: a.db, cache: b}`:                             `state.cache: is set together with state.path; keep one of them`,
		`state: {file: a.db, path: b}`:                              `field file not recognised`,
		`schedule: 0 3 * * *`:                                       `schedule: is not used by the sync_mode one_time; write sync_mode: scheduled, or remove it`,
		`emit_deletes: true`:                                        `emit_deletes: a single pass that remembers nothing cannot tell what is gone; add state, or write sync_mode: continuous or scheduled`,
		`emit_deletes: 2`:                                           `emit_deletes: "2" is neither true nor false; write one of them`,
		`full_sweep_interval: often`:                                `full_sweep_interval: "often" is not a duration; `,
		`max_delete_ratio: 0`:                                       `max_delete_ratio: "0" is not a part between 0 and 1; write a number such as 0.5, or 1 for no limit`,
		`max_delete_ratio: 50%`:                                     `max_delete_ratio: "50%" is not a part between 0 and 1; write`,
		`change_detection: md5`:                                     `change_detection: "md5" is not a way to detect changes; write etag or modified`,
		"sync_mode: continuous\nschedule: '@daily'":                 `schedule: is not used by the sync_mode continuous; write sync_mode: scheduled, or remove it`,
		"sync_mode: scheduled\nschedule: every night":               `schedule: "every night" is not a cron expression (minute, hour, day of month, month, day of week): `,
		"sync_mode: scheduled\nschedule: TZ=Nowhere/Land 0 3 * * *": `schedule: "Nowhere/Land" is not a time zone: write one like TZ=Europe/Berlin before the cron expression`,
		"sync_mode: scheduled\nschedule: '@every 5m'":               `schedule: @every is not a time of day: write polling_interval in its place`,
		"sync_mode: scheduled\nschedule: 0 0 30 2 *":                `schedule: "0 0 30 2 *" names a time that never comes`,

		`sync_mode: sometimes`:               `sync_mode: "sometimes" is not a mode; write one_time, continuous or scheduled`,
		`scanner: {to_the_moon: {}}`:         `unable to infer component type: to_the_moon`,
		`bucket: uploads`:                    `field bucket not recognised`,
		`project_ref: my-project`:            `project_ref: is no reference of a project`,
		`endpoint: 127.0.0.1:54321`:          `endpoint: is not a URL; write it like https://`,
		`region: Frankfurt`:                  `region: is not the id of a region; write an id such as eu-central-1`,
		`credentials: {type: password}`:      `credentials.type: "password" is not a type of credentials; write access_key, secret_key, session_token, user or access_token`,
		`credentials: {access_key_id: x}`:    `credentials.secret_access_key: is missing; `,
		`credentials: {type: session_token}`: `credentials.service_role_key: is missing, and so is credentials.user_token; write`,
		`credentials: {access_key_id: a, secret_access_key: b, anon_key: c}`: `credentials.anon_key: is not used by the type access_key; remove it, or write type: session_token`,
		"credentials: {type: session_token, user_token: " + testJWT("authenticated", testRef) +
			", service_role_key: " + testJWT("service_role", testRef) + "}": `credentials.user_token: is set together with credentials.service_role_key; keep one`,
		`credentials: {type: user, email: a@b, password: p}`:                                          `credentials.anon_key: is missing, and so is credentials.publishable_key; write one of the two`,
		`credentials: {type: user, anon_key: sb_publishable_a, email: ada, password: p}`:              `credentials.email: is no e-mail address`,
		`credentials: {type: user, access_token: sbp_a}`:                                              `credentials.type: is user, but the keys are those of access_token; write type: access_token`,
		`credentials: {type: user, anon_key: sb_publishable_a, email: a@b, password: p, auth_url: x}`: `credentials.auth_url: has no http:// or https:// and host`,
		`credentials: {type: access_token}`:                                                           `credentials.access_token: is missing; personal access tokens are made`,
		`credentials: {type: access_token, access_token: sb_secret_a}`:                                `credentials.access_token: holds an API secret key (sb_secret_...), not a personal access token`,
		`credentials: {type: access_token, access_token: sbp_a, email: a@b}`:                          `credentials.email: is not used by the type access_token; remove it, or write type: user`,
		`credentials: {type: access_token, access_token: sbp_a, access_token_file: /a}`:               `credentials.access_token_file: is set together with credentials.access_token; keep one of them`,
		`credentials: {access_key_id: a, secret_access_key: b, password_file: /a}`:                    `credentials.password_file: is not used by the type access_key; remove it, or write type: user`,
		"credentials: {type: session_token, service_role_key: sb_secret_abc}":                         `credentials.service_role_key: holds an API secret key (sb_secret_...), where a JWT is needed`,
		"credentials: {type: session_token, service_role_key: " +
			testJWT("service_role", "tsrqponmlkjihgfedcba") + "}": `credentials.service_role_key: is a key of the project "tsrqponmlkjihgfedcba", but the configuration is for "` + testRef + `"`,
	} {
		t.Run(fields, func(t *testing.T) {
			lints := lintFields(t, withFields(fields), noEnv)
			require.Len(t, lints, 1, "%v", lints)
			require.Contains(t, lints[0].What, want)
			require.NotContains(t, lints[0].What, testSecret)
		})
	}
}

func TestAValueThatIsNearlyRightIsNamed(t *testing.T) {
	for fields, want := range map[string]string{
		`sync_mode: continous`:                    `sync_mode: "continous" is not a mode; write one_time, continuous or scheduled: did you mean continuous?`,
		`sync_mode: One-Time`:                     `sync_mode: "One-Time" is not a mode; write one_time, continuous or scheduled: did you mean one_time?`,
		`sync_mode: schedule`:                     `sync_mode: "schedule" is not a mode; write one_time, continuous or scheduled: did you mean scheduled?`,
		`sync_mode: cont`:                         `sync_mode: "cont" is not a mode; write one_time, continuous or scheduled: did you mean continuous?`,
		`sync_mode: daily`:                        `sync_mode: "daily" is not a mode; write one_time, continuous or scheduled`,
		`change_detection: tag`:                   `change_detection: "tag" is not a way to detect changes; write etag or modified: did you mean etag?`,
		`change_detection: modified_at`:           `change_detection: "modified_at" is not a way to detect changes; write etag or modified: did you mean modified?`,
		`credentials: {type: accesskey}`:          `credentials.type: "accesskey" is not a type of credentials; write access_key, secret_key, session_token, user or access_token: did you mean access_key?`,
		`credentials: {type: session}`:            `credentials.type: "session" is not a type of credentials; write access_key, secret_key, session_token, user or access_token: did you mean session_token?`,
		`credentials: {type: access}`:             `credentials.type: "access" is not a type of credentials; write access_key, secret_key, session_token, user or access_token`,
		"credentials: {type: " + testSecret + "}": `credentials.type: what it holds is not a type of credentials; write access_key, secret_key, session_token, user or access_token`,
	} {
		var whats []string
		for _, lint := range lintFields(t, withFields(fields), noEnv) {
			whats = append(whats, lint.What)
		}
		require.Contains(t, whats, want, fields)
		parsed, err := Spec().ParseYAML(withFields(fields), nil)
		if err != nil {
			continue // Benthos refuses a value of another type.
		}
		_, err = Parse(parsed)
		require.EqualError(t, err, want)
	}
}

// A lint would keep a run from starting that makes a continuous config a one-time
// one with --set.
func TestAnIntervalWithoutEffectIsAWarning(t *testing.T) {
	const says = "polling_interval: has no effect with the sync_mode one_time; remove it, or write sync_mode: continuous or scheduled"
	for fields, want := range map[string]string{
		"polling_interval: 30s":                        says,
		"polling_interval: 60\nsync_mode: ONE_TIME":    says,
		"polling_interval: 30s\nsync_mode: continuous": "",
		"polling_interval: 30s\nsync_mode: scheduled":  "",
		"polling_interval: 5m":                         "", // as what is not written
	} {
		require.Empty(t, lintFields(t, withFields(fields), noEnv), fields)
		parsed, err := Spec().ParseYAML(withFields(fields), nil)
		require.NoError(t, err)
		conf, err := Parse(parsed)
		require.NoError(t, err)
		var warnings []string
		for _, w := range conf.Project.Warnings {
			warnings = append(warnings, w.Error())
		}
		if want == "" {
			require.NotContains(t, warnings, says, fields)
		} else {
			require.Contains(t, warnings, says, fields)
		}
	}
}

// TestALintIsAnErrorWithItsField compares what Benthos is told with what other
// code gets.
func TestALintIsAnErrorWithItsField(t *testing.T) {
	for fields, want := range map[string]*supabase.FieldError{
		"sync_mode: continous":              {Field: "sync_mode", Problem: `"continous" is not a mode`, Remedy: "write one_time, continuous or scheduled: did you mean continuous?"},
		`include_patterns: ["*", "["]`:      {Field: "include_patterns[1]", Problem: `pattern "[": "[" has no closing "]" at character 1`, Remedy: `close it, or write \[ for the character itself`},
		"retry: {initial_interval: 1m}":     {Field: "retry.max_interval", Problem: "30s is less than initial_interval, which is 1m0s", Remedy: "write at least as much"},
		"timeouts: {idle: -1}":              {Field: "timeouts.idle", Problem: `"-1" is not more than zero`, Remedy: durationRemedy},
		"emit_deletes: true":                {Field: "emit_deletes", Problem: "a single pass that remembers nothing cannot tell what is gone", Remedy: "add state, or write sync_mode: continuous or scheduled"},
		"project_ref: ABCDEFGHIJKLMNOPQRST": {Field: "project_ref", Problem: "has upper-case letters", Remedy: "write abcdefghijklmnopqrst"},
		"state: {path: a, cache: b}":        {Field: "state.cache", Problem: "is set together with state.path", Remedy: "keep one of them"},
	} {
		parsed, err := Spec().ParseYAML(withFields(fields), nil)
		require.NoError(t, err)
		var written map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(withFields(fields)), &written))
		require.Equal(t, supabase.Problems{want}, Lint(written), fields)
		lints := lintFields(t, withFields(fields), noEnv)
		require.Len(t, lints, 1, fields)
		require.Equal(t, want.Error(), lints[0].What)
		_, err = Parse(parsed)
		found, ok := errors.AsType[*supabase.FieldError](err)
		require.True(t, ok, fields)
		require.Equal(t, want, found, "the constructor says the same")
	}
}

func TestMissingFieldsAreLinted(t *testing.T) {
	lints := lintFields(t, "region: eu-central-1", noEnv)
	var whats []string
	for _, lint := range lints {
		whats = append(whats, lint.What)
	}
	all := strings.Join(whats, "\n")
	require.Len(t, lints, 4, all)
	require.Contains(t, all, "field source_path is required")
	require.Contains(t, all, "project_ref: is missing; ")
	require.Contains(t, all, "credentials.access_key_id: is missing; ")
	require.Contains(t, all, "credentials.secret_access_key: is missing; ")
}

func TestALintPointsToItsLine(t *testing.T) {
	lints := lintFields(t, withFields("region: us-east-1\nmin_age: soon"), noEnv)
	require.Len(t, lints, 1)
	require.Equal(t, 3, lints[0].Line)
}

func TestOneBadValueDoesNotHideAnother(t *testing.T) {
	lints := lintFields(t, withFields("delete_objects: maybe\nretry: {max_attempts: many, initial_interval: 1h}\nproject_ref: x"), noEnv)
	require.Len(t, lints, 4, "%v", lints)
}

// TestVariablesThatAreNotSetAreNoFault covers the check of a config on a
// machine that lacks its secrets: Benthos reports the variables, and we add
// nothing, nor do we where a default leaves a value empty.
func TestVariablesThatAreNotSetAreNoFault(t *testing.T) {
	accessKey := `
project_ref: ${REF}
endpoint: ${ENDPOINT}
region: ${REGION}
credentials: {type: access_key, access_key_id: "${ID}", secret_access_key: "${SECRET}"}
source_path: ${SOURCE}
modified_since: ${SINCE}
modified_before: ${BEFORE}
content_types: ${TYPES}
min_age: ${AGE}
max_object_size: ${SIZE}
sync_mode: ${MODE}
polling_interval: ${POLL}
state: {path: "${STATE}", cache: "${CACHE}", namespace: "${NAMESPACE}"}
schedule: ${SCHEDULE}
change_detection: ${CHANGES}
emit_deletes: ${DELETES}
full_sweep_interval: ${SWEEP}
max_delete_ratio: ${RATIO}
delete_objects: ${DELETE}
skip_empty: ${SKIP}
user_metadata: ${META}
auto_replay_nacks: ${REPLAY}
timeouts: {connect: "${CONNECT}", response: "${RESPONSE}", idle: "${IDLE}"}
retry: {max_attempts: "${ATTEMPTS}", initial_interval: "${INITIAL}", max_interval: "${MAX}"}
concurrency: {max_downloads: "${DOWNLOADS}", max_listers: "${LISTERS}", buffer_bytes: "${BUFFER}"}`
	for _, fields := range []string{
		accessKey,
		"endpoint: ${E}\ncredentials: {access_key_id: '${ID}', secret_access_key: '${SECRET}'}\nsource_path: ${S}",
		"project_ref: ${R}\ncredentials: {type: session_token, anon_key: '${A}', service_role_key: '${K}'}\nsource_path: a",
		"project_ref: ${R}\ncredentials: {type: session_token, anon_key: '${A}', user_token: '${T}'}\nsource_path: a",
		"project_ref: ${R}\ncredentials: {type: session_token, user_token: '${T}', service_role_key: '${K}'}\nsource_path: a",
		"project_ref: ${R}\ncredentials: {type: user, anon_key: '${A}', email: '${E}', password: '${P}', auth_url: '${U}'}\nsource_path: a",
		"endpoint: ${E}\ncredentials: {type: user, anon_key: '${A}', email: a@b, password_file: '${P}'}\nsource_path: a",
		"project_ref: ${R}\ncredentials: {type: access_token, access_token: '${T}', api_url: '${U}'}\nsource_path: a",
		"project_ref: ${R}\ncredentials: {access_key_id_file: '${I}', secret_access_key_file: '${S}'}\nsource_path: a",
		"project_ref: ${R}\ncredentials: {type: session_token, anon_key: '${A}', user_token_file: '${T}'}\nsource_path: a",
		withFields("sync_mode: scheduled\nschedule: ${SCHEDULE}\nstate: {path: '${STATE}'}\nemit_deletes: true"),
		withFields("sync_mode: continuous\nstate: {cache: '${CACHE}'}\nschedule: ${SCHEDULE}"),
		withFields("emit_deletes: true\nstate: {path: '${STATE}'}"),
		// The anon key may name the project.
		"endpoint: http://127.0.0.1:8000/storage/v1/s3\ncredentials: {type: session_token, anon_key: '${A}', user_token: " +
			testJWT("authenticated", "") + "}\nsource_path: a",
		"project_ref: ${R}\ncredentials: {type: '${TYPE}', anon_key: '${A}', access_key_id: '${ID}'}\nsource_path: a",
		"project_ref: ${R}\ncredentials:\n  access_key_id: ${ID}\n  secret_access_key: ${SECRET}\n  anon_key: ${A}\n  user_token: ${T}\nsource_path: a",
	} {
		lints := lintFields(t, strings.TrimSpace(fields), noEnv)
		var others []service.Lint
		for _, lint := range lints {
			if lint.Type != service.LintMissingEnvVar {
				others = append(others, lint)
			}
		}
		require.Empty(t, others, fields)

		withDefaults := regexp.MustCompile(`\$\{(\w+)\}`).ReplaceAllString(fields, "${$1:}")
		require.Empty(t, lintFields(t, strings.TrimSpace(withDefaults), noEnv), withDefaults)
	}
}

func TestSecretsThatTravelUnencryptedAreLinted(t *testing.T) {
	jwts := "\ncredentials: {type: session_token, anon_key: " + testJWT("anon", testRef) + ", service_role_key: " + testJWT("service_role", testRef) + "}"
	for fields, want := range map[string]string{
		"endpoint: http://supabase.example.com/storage/v1/s3" + jwts:         "endpoint: is not encrypted: everybody on the way to supabase.example.com can read the objects, and the token that opens them; write an https:// address",
		"endpoint: http://192.168.1.20:8000/storage/v1/s3" + jwts:            "",
		"endpoint: http://localhost:54321/storage/v1/s3" + jwts:              "",
		"endpoint: https://supabase.example.com/storage/v1/s3" + jwts:        "",
		"endpoint: http://supabase.example.com/storage/v1/s3":                "",
		"endpoint: http://kong:8000/storage/v1/s3\nproject_ref: stub" + jwts: "credentials.anon_key: is a key of the project",
	} {
		lints := lintFields(t, withFields(fields), noEnv)
		if want == "" {
			require.Empty(t, lints, fields)
			continue
		}
		require.NotEmpty(t, lints, fields)
		require.Contains(t, lints[0].What, want)
	}
}
