package config

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/schedule"
)

// parseFields is the config of goodFields with the given lines in place.
func parseFields(t *testing.T, fields string) (Config, error) {
	t.Helper()
	parsed, err := Spec().ParseYAML(withFields(fields), nil)
	require.NoError(t, err, fields)
	return Parse(parsed)
}

func TestDefaultsAreParsed(t *testing.T) {
	conf, err := parseFields(t, "")
	require.NoError(t, err)
	require.Equal(t, testRef, conf.Project.Ref)
	require.Equal(t, "https://"+testRef+".supabase.co/storage/v1/s3", conf.Project.Endpoint)
	require.Equal(t, "us-east-1", conf.Project.Region)
	require.Equal(t, "uploads", conf.Project.Bucket)
	require.Equal(t, "photos/", conf.Prefix)
	require.Equal(t, "photos/", conf.Filter.ListPrefix())
	require.Equal(t, ModeOneTime, conf.SyncMode)
	require.Equal(t, schedule.Once(), conf.Plan)
	require.Equal(t, State{}, conf.State)
	require.False(t, conf.State.Set())
	require.Equal(t, ledger.ByETag, conf.ChangeDetection)
	require.False(t, conf.EmitDeletes)
	require.Zero(t, conf.MaxDeleteRatio)
	require.Equal(t, time.Hour, conf.FullSweepInterval)
	require.NotNil(t, conf.Scanner)
	require.True(t, conf.WholeScanner)
	require.True(t, conf.ToTheEnd)
	require.True(t, conf.AutoReplayNacks)
	require.False(t, conf.DeleteObjects)
	require.Equal(t, SentMetadata, conf.UserMetadata)
	require.Nil(t, conf.TLS)
	require.Nil(t, conf.Transport)
	require.Equal(t, 10*time.Second, conf.ConnectTimeout)
	require.Equal(t, 60*time.Second, conf.ResponseTimeout)
	require.Equal(t, 60*time.Second, conf.IdleTimeout)
	require.Equal(t, retry.Policy{MaxAttempts: 10, InitialInterval: 300 * time.Millisecond, MaxInterval: 30 * time.Second}, conf.Retry)
	require.Zero(t, conf.MaxDownloads)
	require.Zero(t, conf.MaxListers)
	require.Equal(t, int64(100<<20), conf.BufferBytes)
	require.Equal(t, filter.Pass, conf.Filter.Match(object.Object{Key: "photos/empty"}, time.Now()).Rule)
}

func TestEveryFieldReachesTheConfig(t *testing.T) {
	conf, err := parseFields(t, `
region: eu-central-1
endpoint: https://storage.example.com/storage/v1/s3
credentials: {type: SESSION_TOKEN, anon_key: `+testJWT("anon", testRef)+`, user_token: `+testJWT("authenticated", testRef)+`}
source_path: s3://media/a/b
include_patterns: ["*.jpg", "x/*.txt"]
exclude_patterns: ["*.tmp"]
modified_since: 2024-06-01
modified_before: "2024-06-02 12:00"
content_types: [image/*, text/plain]
min_age: 60
max_object_size: 2KiB
skip_empty: "true"
sync_mode: Continuous
polling_interval: 90
full_sweep_interval: 15m
state: {path: ./state/x.db, namespace: mine}
change_detection: Modified
emit_deletes: true
max_delete_ratio: 0.25
scanner: {lines: {}}
auto_replay_nacks: false
delete_objects: true
user_metadata: false
tls: {skip_cert_verify: true}
timeouts: {connect: 1s, response: 2m, idle: 3}
retry: {max_attempts: 4, initial_interval: 5s, max_interval: 6s}
concurrency: {max_downloads: 7, max_listers: 2, buffer_bytes: 8MB}`)
	require.NoError(t, err)
	require.Equal(t, ModeContinuous, conf.SyncMode)
	require.Equal(t, schedule.After(90*time.Second), conf.Plan)
	require.Equal(t, State{Path: "./state/x.db", Namespace: "mine"}, conf.State)
	require.True(t, conf.State.Set())
	require.Equal(t, ledger.ByModified, conf.ChangeDetection)
	require.True(t, conf.EmitDeletes)
	require.InDelta(t, 0.25, conf.MaxDeleteRatio, 0)
	require.Equal(t, 15*time.Minute, conf.FullSweepInterval)
	require.Equal(t, 2, conf.MaxListers)
	require.Equal(t, "https://storage.example.com/storage/v1/s3", conf.Project.Endpoint)
	require.Equal(t, "eu-central-1", conf.Project.Region)
	require.Equal(t, "authenticated", conf.Project.Identity.Role)
	require.Equal(t, "media", conf.Project.Bucket)
	require.Equal(t, "a/b", conf.Prefix)
	require.False(t, conf.WholeScanner)
	require.False(t, conf.AutoReplayNacks)
	require.True(t, conf.DeleteObjects)
	require.Equal(t, NoMetadata, conf.UserMetadata)
	require.True(t, conf.TLS.InsecureSkipVerify)
	require.Equal(t, time.Second, conf.ConnectTimeout)
	require.Equal(t, 2*time.Minute, conf.ResponseTimeout)
	require.Equal(t, 3*time.Second, conf.IdleTimeout)
	require.Equal(t, retry.Policy{MaxAttempts: 4, InitialInterval: 5 * time.Second, MaxInterval: 6 * time.Second}, conf.Retry)
	require.Equal(t, 7, conf.MaxDownloads)
	require.Equal(t, int64(8_000_000), conf.BufferBytes)

	since := time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)
	now := since.Add(time.Hour)
	for rule, obj := range map[filter.Rule]object.Object{
		filter.Pass:           {Key: "a/b/x/1.txt", Size: 1, LastModified: since},
		filter.Include:        {Key: "a/b/y/1.txt", Size: 1, LastModified: since},
		filter.Exclude:        {Key: "a/b/x/1.tmp", Size: 1, LastModified: since},
		filter.ModifiedSince:  {Key: "a/b/1.jpg", Size: 1, LastModified: since.Add(-time.Second)},
		filter.ModifiedBefore: {Key: "a/b/1.jpg", Size: 1, LastModified: since.Add(36 * time.Hour)},
		filter.ContentTypes:   {Key: "a/b/1.jpg", Size: 1, LastModified: since, ContentType: "video/mp4"},
		filter.MinAge:         {Key: "a/b/1.jpg", Size: 1, LastModified: now.Add(-59 * time.Second)},
		filter.Size:           {Key: "a/b/1.jpg", Size: 2049, LastModified: since},
		filter.Empty:          {Key: "a/b/1.jpg", LastModified: since},
	} {
		require.Equal(t, rule, conf.Filter.Match(obj, now).Rule, "%v", obj)
	}
}

func TestConstructorErrorsBeginWithTheirField(t *testing.T) {
	for fields, want := range map[string]string{
		`source_path: ""`: `source_path: it is empty; write it as bucket, bucket/prefix or s3://bucket/prefix`,
		`source_path: https://x.supabase.co/storage/v1/object/public/media/a%20b/c.jpg`:          `source_path: "https://x.supabase.co/storage/v1/object/public/media/a%20b/c.jpg" is a URL; write media/a b/c.jpg, and the address`,
		`source_path: https://x.supabase.co/storage/v1/object/sign/media/x?token=eyJhbGciOi.a.b`: `source_path: "https://x.supabase.co/storage/v1/object/sign/media/x" is a URL; write media/x, and`,
		`source_path: https://x.supabase.co/storage/v1/s3/media/`:                                `source_path: "https://x.supabase.co/storage/v1/s3/media/" is a URL; write media/, and`,
		`source_path: https://x.supabase.co/uploads`:                                             `source_path: "https://x.supabase.co/uploads" is a URL; `,
		`include_patterns: ["*", "[a"]`:                                                          `include_patterns[1]: pattern "[a": `,
		`exclude_patterns: [""]`:                                                                 `exclude_patterns[0]: the pattern is empty; `,
		`modified_since: yesterday`:                                                              `modified_since: "yesterday" is not an ISO 8601 `,
		`min_age: -1s`:                                                                           `min_age: "-1s" is less than zero; `,
		`max_object_size: ""`:                                                                    `max_object_size: "" is not a size; `,
		`delete_objects: maybe`:                                                                  `delete_objects: "maybe" is neither true nor false; `,
		`skip_empty: ""`:                                                                         `skip_empty: "" is neither true nor false; `,
		`user_metadata: {}`:                                                                      `user_metadata: "map[]" is none of true, false and full; `,
		`auto_replay_nacks: perhaps`:                                                             `auto_replay_nacks: "perhaps" is neither true nor false; `,
		`sync_mode: ""`:                                                                          `sync_mode: "" is not a mode; write one_time, continuous or scheduled`,
		`polling_interval: ""`:                                                                   `polling_interval: "" is not a duration; `,
		`polling_interval: 300ms`:                                                                `polling_interval: "300ms" is less than a second; write at least 1s`,
		`state: {}`:                                                                              `state.path: is missing, and so is state.cache; `,
		`state: {path: "", cache: "", namespace: a}`:                                             `state.path: is missing, and so is state.cache; `,
		`state: {path: a.db, cache: redis}`:                                                      `state.cache: is set together with state.path; keep one of them`,
		`schedule: "0 3 * * *"`:                                                                  `schedule: is not used by the sync_mode one_time; write sync_mode: scheduled, or remove it`,
		"sync_mode: scheduled\nschedule: nightly":                                                `schedule: "nightly" is not a cron expression `,
		`change_detection: ""`:                                                                   `change_detection: "" is not a way to detect changes; write etag or modified`,
		`emit_deletes: maybe`:                                                                    `emit_deletes: "maybe" is neither true nor false; `,
		`emit_deletes: true`:                                                                     `emit_deletes: a single pass that remembers nothing cannot tell what is gone; add state, or write sync_mode: continuous or scheduled`,
		`full_sweep_interval: 0`:                                                                 `full_sweep_interval: "0" is not more than zero; `,
		`max_delete_ratio: 0`:                                                                    `max_delete_ratio: "0" is not a part between 0 and 1; write a number such as 0.5, or 1 for no limit`,
		`concurrency: {max_listers: -1}`:                                                         `concurrency.max_listers: "-1" is not a whole number from 0 to 64; write one`,
		`scanner: {nope: {}}`:                                                                    `scanner: `,
		`timeouts: {connect: ""}`:                                                                `timeouts.connect: "" is not a duration; `,
		`timeouts: {response: 1e400}`:                                                            `timeouts.response: "1e400" is not a duration; `,
		`timeouts: {idle: NaN}`:                                                                  `timeouts.idle: "NaN" is not a duration; `,
		`retry: {max_attempts: 0}`:                                                               `retry.max_attempts: "0" is not a whole number from 1 to 1000; `,
		`retry: {initial_interval: 0}`:                                                           `retry.initial_interval: "0" is not more than zero; `,
		`retry: {max_interval: 1ms}`:                                                             `retry.max_interval: 1ms is less than initial_interval, which is 300ms; `,
		`concurrency: {max_downloads: 5000}`:                                                     `concurrency.max_downloads: "5000" is not a whole number from 0 to 4096; `,
		`concurrency: {buffer_bytes: 1KiB}`:                                                      `concurrency.buffer_bytes: "1KiB" is too little `,
		`concurrency: {buffer_bytes: 99EB}`:                                                      `concurrency.buffer_bytes: "99EB" is not a size; `,
		`tls: {root_cas_file: /no/such/file}`:                                                    `tls: `,
		`project_ref: ""`:                                                                        `project_ref: is missing; `,
		`credentials: {type: session_token}`:                                                     `credentials.service_role_key: is missing, `,
		"endpoint: http://127.0.0.1:54321/storage/v1/s3\ntls: {skip_cert_verify: true}": `tls: the endpoint http://127.0.0.1:54321/storage/v1/s3 is not encrypted, so these settings have no effect; `,
		"endpoint: http://127.0.0.1:54321/storage/v1/s3\ntls: {enabled: true}":          `tls: the endpoint http://127.0.0.1:54321/storage/v1/s3 is not encrypted, so these settings have no effect; `,
	} {
		t.Run(fields, func(t *testing.T) {
			_, err := parseFields(t, fields)
			require.Error(t, err)
			require.True(t, strings.HasPrefix(err.Error(), want), "%q does not begin with %q", err, want)
		})
	}
}

func TestTLSSettingsHaveEffectWhetherEnabledOrNot(t *testing.T) {
	for fields, settings := range map[string]bool{
		"tls: {skip_cert_verify: true}":                 true,
		"tls: {enabled: true, skip_cert_verify: true}":  true,
		"tls: {enabled: false, skip_cert_verify: true}": true,
		"tls: {enabled: true}":                          false,
		"tls: {enabled: false}":                         false,
		"tls: {}":                                       false,
		"endpoint: http://127.0.0.1:54321/storage/v1/s3\ntls: {enabled: false}": false,
	} {
		conf, err := parseFields(t, fields)
		require.NoError(t, err, fields)
		require.Equal(t, settings, conf.TLS != nil, fields)
		require.Empty(t, lintFields(t, withFields(fields), noEnv), fields)
	}
}

func TestTheModeDecidesWhenPassesBegin(t *testing.T) {
	nightly, err := schedule.Cron("TZ=Europe/Berlin 0 3 * * *")
	require.NoError(t, err)
	const cron = "\nschedule: TZ=Europe/Berlin 0 3 * * *"
	for fields, want := range map[string]schedule.Plan{
		"sync_mode: one_time\npolling_interval: 1h":                schedule.Once(),
		"sync_mode: one_time\nschedule: ''":                        schedule.Once(),
		"sync_mode: continuous":                                    schedule.After(5 * time.Minute),
		"sync_mode: SCHEDULED":                                     schedule.Every(5 * time.Minute),
		"sync_mode: scheduled\nschedule: ''\npolling_interval: 1s": schedule.Every(time.Second),
		"sync_mode: scheduled\npolling_interval: 1h" + cron:        nightly,
	} {
		conf, err := parseFields(t, fields)
		require.NoError(t, err, fields)
		require.Empty(t, cmp.Diff(planTimes(want), planTimes(conf.Plan)), fields)
		require.Equal(t, want.Repeats(), conf.Plan.Repeats(), fields)
	}
}

// planTimes is what a plan makes of a summer day. The pause of a continuous
// plan is longer than was asked for by chance, up to a tenth.
func planTimes(p schedule.Plan) []time.Time {
	noon := time.Date(2024, 6, 1, 12, 0, 0, 0, time.UTC)
	next, _ := p.Next(noon, noon.Add(time.Second), noon.Add(2*time.Second))
	return []time.Time{p.First(noon, time.Time{}), next.Truncate(time.Minute)}
}

func TestARatioThatIsNotWrittenIsLeftToTheRole(t *testing.T) {
	for _, fields := range []string{"", `max_delete_ratio: ""`, "max_delete_ratio: null"} {
		conf, err := parseFields(t, fields)
		require.NoError(t, err, fields)
		require.Zero(t, conf.MaxDeleteRatio, fields)
	}
}

func TestEmitDeletesNeedsSomethingToMiss(t *testing.T) {
	for _, fields := range []string{
		"emit_deletes: true\nsync_mode: continuous",
		"emit_deletes: true\nsync_mode: scheduled",
		"emit_deletes: true\nstate: {path: a.db}",
		"emit_deletes: true\nstate: {cache: a}",
	} {
		conf, err := parseFields(t, fields)
		require.NoError(t, err, fields)
		require.True(t, conf.EmitDeletes, fields)
	}
}

func TestTheCacheOfTheStateMustExist(t *testing.T) {
	res := service.MockResources(service.MockResourcesOptAddCache("ours"))
	for fields, want := range map[string]string{
		"":                        "",
		"state: {path: a.db}":     "",
		"state: {cache: ours}":    "",
		"state: {cache: another}": `state.cache: there is no cache resource "another"; add one with this label under cache_resources, or write the label of another`,
	} {
		conf, err := parseFields(t, fields)
		require.NoError(t, err, fields)
		err = conf.CheckResources(res)
		if want == "" {
			require.NoError(t, err, fields)
			continue
		}
		require.EqualError(t, err, want)
	}
}

func TestRatiosAreMoreThanZeroAndUpToOne(t *testing.T) {
	for v, want := range map[any]float64{0.5: 0.5, 1: 1, "1.0": 1, "0.001": 0.001, "5e-1": 0.5} {
		got, err := parseRatio(v)
		require.NoError(t, err, v)
		require.InDelta(t, want, got, 0)
	}
	for _, bad := range []any{0, "0", -0.5, 1.01, 50, "50%", "NaN", math.Inf(1), "", nil, true} {
		_, err := parseRatio(bad)
		require.Error(t, err, bad)
	}
}

func TestSourcePathKeepsThePrefixAsItIsWritten(t *testing.T) {
	for text, want := range map[string]sourcePath{
		"uploads":                {bucket: "uploads"},
		"uploads/":               {bucket: "uploads"},
		"uploads/photos":         {bucket: "uploads", prefix: "photos"},
		"uploads/photos/":        {bucket: "uploads", prefix: "photos/"},
		"uploads//photos":        {bucket: "uploads", prefix: "/photos"},
		"uploads/a b ":           {bucket: "uploads", prefix: "a b "},
		"uploads/a://b":          {bucket: "uploads", prefix: "a://b"},
		"uploads/100%25":         {bucket: "uploads", prefix: "100%25"},
		"s3://uploads":           {bucket: "uploads"},
		"s3://uploads/photos/":   {bucket: "uploads", prefix: "photos/"},
		"my bucket (1)/x":        {bucket: "my bucket (1)", prefix: "x"},
		"uploads/./../x":         {bucket: "uploads", prefix: "./../x"},
		"uploads/s3://uploads/x": {bucket: "uploads", prefix: "s3://uploads/x"},
	} {
		got, err := parseSourcePath(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

func TestTimesAreISO8601WithOrWithoutZone(t *testing.T) {
	noon := time.Date(2024, 6, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"":                              {},
		"2024-06-01":                    noon.Add(-12 * time.Hour),
		"2024-06-01T12:00":              noon,
		"2024-06-01T12:00Z":             noon,
		"2024-06-01T12:00:00":           noon,
		"2024-06-01T12:00:00Z":          noon,
		"2024-06-01 12:00:00":           noon,
		"2024-06-01T14:00:00+02:00":     noon,
		"2024-06-01T14:00:00+0200":      noon,
		"2024-06-01T04:00:00-08":        noon,
		"2024-06-01T12:00:00.5Z":        noon.Add(time.Second / 2),
		"2024-06-01 12:00:00.000001+00": noon.Add(time.Microsecond),
	} {
		got, err := parseTime(text)
		require.NoError(t, err, text)
		require.True(t, want.Equal(got), "%s: %v", text, got)
	}
	got, err := parseTime(noon.In(time.FixedZone("", 3600)))
	require.NoError(t, err)
	require.Equal(t, noon, got)
}

func TestDurationsAreNumbersWithUnitsOrSeconds(t *testing.T) {
	for v, want := range map[any]time.Duration{
		"5m": 5 * time.Minute, "1h30m": 90 * time.Minute, "300ms": 300 * time.Millisecond,
		"30": 30 * time.Second, 30: 30 * time.Second, 0.25: 250 * time.Millisecond, "1.5": 1500 * time.Millisecond,
	} {
		got, err := parseDuration(v)
		require.NoError(t, err, v)
		require.Equal(t, want, got, v)
	}
	for _, none := range []any{"", nil, "0", 0, "0s", "0h0m", "0ns", "0.0"} {
		got, err := parseOptionalDuration(none)
		require.NoError(t, err, none)
		require.Zero(t, got, none)
	}
	for _, bad := range []any{"s", "m", ".", "-0.1", "5 m", "5d", "five", "1e30", math.Inf(1), true} {
		_, err := parseOptionalDuration(bad)
		require.Error(t, err, bad)
	}
}

func TestAScannerThatHoldsObjectsWholeIsKnown(t *testing.T) {
	for scanner, want := range map[string]bool{
		`{to_the_end: {}}`:                     true,
		`{lines: {}}`:                          false,
		`{csv: {}}`:                            false,
		`{type: chunker, chunker: {size: 10}}`: false,
		`{type: to_the_end}`:                   true,
		`{decompress: {algorithm: gzip}}`:      true,
		`{decompress: {algorithm: gzip, into: {lines: {}}}}`:      false,
		`{decompress: {algorithm: gzip, into: {to_the_end: {}}}}`: true,
		`{skip_bom: {}}`: true,
		`{skip_bom: {into: {decompress: {algorithm: gzip, into: {json_documents: {}}}}}}`:      false,
		`{switch: [{re_match_name: "a$", scanner: {lines: {}}}, {scanner: {csv: {}}}]}`:        false,
		`{switch: [{re_match_name: "a$", scanner: {lines: {}}}, {scanner: {to_the_end: {}}}]}`: true,
	} {
		conf, err := parseFields(t, "scanner: "+scanner)
		require.NoError(t, err, scanner)
		require.Equal(t, want, conf.WholeScanner, scanner)
		alone := scanner == `{type: to_the_end}` || scanner == `{to_the_end: {}}`
		require.Equal(t, alone, conf.ToTheEnd, scanner)
	}
	require.True(t, holdsWhole(map[string]any{"someone_elses": map[string]any{}}), "a scanner that is not known")
	require.True(t, holdsWhole(nil))
}

// TestPiecemealScannersExist holds the list to the names that Benthos has, so
// that a misspelt one is noticed.
func TestPiecemealScannersExist(t *testing.T) {
	known := map[string]bool{"avro": true} // Connect's, which this package does not import.
	service.GlobalEnvironment().WalkScanners(func(name string, _ *service.ConfigView) { known[name] = true })
	for name := range piecemeal {
		require.True(t, known[name], name)
	}
}

func TestErrorsHoldNoSecret(t *testing.T) {
	const secret = "hunter2-hunter2"
	for _, fields := range []string{
		"credentials: {access_key_id: " + secret + "}",
		"credentials: {secret_access_key: " + secret + "}",
		"credentials: {access_key_id: " + secret + ", secret_access_key: " + secret + "}",
		"credentials: {access_key_id: a, secret_access_key: b, user_token: " + secret + "}",
		"credentials: {type: session_token, anon_key: " + secret + "}",
		"credentials: {type: session_token, service_role_key: " + secret + "}",
		"credentials: {type: session_token, user_token: " + secret + ", anon_key: " + secret + "}",
		"credentials: {type: session_token, access_key_id: " + secret + ", user_token: " + secret + "}",
		"credentials: {type: user, password: " + secret + "}",
		"credentials: {type: user, anon_key: " + secret + ", email: " + secret + ", password: " + secret + "}",
		"credentials: {type: access_token, access_token: '" + secret + " '}",
		"credentials: {type: access_token, access_token: a, api_url: 'https://me:" + secret + "@example.com'}",
		"credentials: {type: user, auth_url: 'https://me:" + secret + "@example.com'}",
		"endpoint: https://me:" + secret + "@example.com/storage/v1/s3",
		"endpoint: https://example.com/storage/v1/s3?token=" + secret,
	} {
		_, err := parseFields(t, fields)
		require.Error(t, err, fields)
		require.NotContains(t, err.Error(), secret)
		for _, lint := range lintFields(t, withFields(fields), noEnv) {
			require.NotContains(t, lint.What, secret)
		}
	}
}

func FuzzValuesNeverPanic(f *testing.F) {
	for _, seed := range []string{"", "uploads/a", "s3://b/c", "5m", "1e9", "2024-06-01", "10MiB", "true", "-1", "0s", "TZ=Europe/Berlin @daily", "*/5 * * * *", "0.5", "{a,b}/c", `a\*/"`, "[!a-c]*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := parseSourcePath(text); err == nil && s.buckets == nil && !strings.ContainsAny(text, "\"'\\{[") {
			rest := strings.TrimPrefix(text, "s3://")
			require.True(t, rest == s.bucket || rest == s.bucket+"/"+s.prefix, "%q became %+v", text, s)
		}
		if d, err := parseDuration(text); err == nil {
			require.Positive(t, d)
		}
		if d, err := parseOptionalDuration(text); err == nil {
			require.GreaterOrEqual(t, d, time.Duration(0))
		}
		if n, err := parseSize(text); err == nil {
			require.GreaterOrEqual(t, n, int64(0))
		}
		_, _ = parseTime(text)
		_, _ = parseBool(text)
		_, _ = parseAttempts(text)
		_, _ = parseSchedule(text)
		if d, err := parsePollingInterval(text); err == nil {
			require.GreaterOrEqual(t, d, time.Second)
		}
		if r, err := parseRatio(text); err == nil {
			require.True(t, r > 0 && r <= 1, "%q became %v", text, r)
		}
	})
}
