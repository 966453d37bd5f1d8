package config

import "github.com/redpanda-data/benthos/v4/public/service"

// Name is what the input is called in configurations.
const Name = "supabase_storage"

// Names of the fields of `supabase_storage`, in the order of the documentation.
const (
	fieldProjectRef = "project_ref"
	FieldRegion     = "region"

	FieldProjects            = "projects"
	fieldProjectsOrg         = "organization"
	fieldProjectsRefs        = "refs"
	fieldProjectsInclude     = "include"
	fieldProjectsExclude     = "exclude"
	fieldProjectsBranches    = "branches"
	fieldProjectsRefresh     = "refresh_interval"
	fieldProjectsMaxActive   = "max_active"
	fieldProjectsLabelMetric = "label_metrics"

	fieldCredentials     = "credentials"
	fieldCredType        = "type"
	fieldCredAccessKeyID = "access_key_id"
	fieldCredSecretKey   = "secret_access_key"
	fieldCredAPISecret   = "secret_key"
	fieldCredPublishable = "publishable_key"
	fieldCredAnonKey     = "anon_key"
	fieldCredServiceKey  = "service_role_key"
	fieldCredUserToken   = "user_token"
	fieldCredEmail       = "email"
	fieldCredPassword    = "password"
	fieldCredAccessToken = "access_token"
	fieldCredAuthURL     = "auth_url"
	fieldCredAPIURL      = "api_url"

	FieldSourcePath      = "source_path"
	FieldIncludePatterns = "include_patterns"
	FieldExcludePatterns = "exclude_patterns"
	fieldContentTypes    = "content_types"
	fieldModifiedSince   = "modified_since"
	fieldModifiedBefore  = "modified_before"
	fieldSyncMode        = "sync_mode"
	fieldPollingInterval = "polling_interval"
	fieldScanner         = "scanner"
	fieldAutoReplayNacks = service.AutoRetryNacksToggleFieldName

	fieldEmit               = "emit"
	fieldReferenceURLExpiry = "reference_url_expiry"
	fieldEmitFailures       = "emit_failures"

	FieldState          = "state"
	fieldStatePath      = "path"
	fieldStateCache     = "cache"
	fieldStateNamespace = "namespace"

	fieldSchedule          = "schedule"
	fieldFullSweepInterval = "full_sweep_interval"
	fieldChangeDetection   = "change_detection"
	fieldEmitDeletes       = "emit_deletes"
	fieldMaxDeleteRatio    = "max_delete_ratio"
	fieldDeleteObjects     = "delete_objects"
	FieldSkipEmpty         = "skip_empty"
	fieldVerifyContent     = "verify_content"
	FieldMaxObjectSize     = "max_object_size"
	fieldMinAge            = "min_age"
	fieldUserMetadata      = "user_metadata"
	fieldEndpoint          = "endpoint"
	fieldTLS               = "tls"

	fieldTimeouts        = "timeouts"
	fieldTimeoutConnect  = "connect"
	fieldTimeoutResponse = "response"
	fieldTimeoutIdle     = "idle"

	fieldRetry                = "retry"
	fieldRetryMaxAttempts     = "max_attempts"
	fieldRetryInitialInterval = "initial_interval"
	fieldRetryMaxInterval     = "max_interval"

	fieldConcurrency  = "concurrency"
	fieldMaxDownloads = "max_downloads"
	fieldMaxListers   = "max_listers"
	fieldBufferBytes  = "buffer_bytes"
)

// Values of the enumerated fields.
const (
	ModeOneTime       = "one_time"
	ModeContinuous    = "continuous"
	ModeScheduled     = "scheduled"
	changesByETag     = "etag"
	changesByModified = "modified"
)

// Spec is the configuration of the input: its fields with their defaults,
// documentation, lint rules and examples.
func Spec() *service.ConfigSpec {
	registerLintMethod()
	spec := service.NewConfigSpec().
		Stable().
		Categories("Services").
		Summary(specSummary).
		Description(specDescription).
		Fields(commonFields()...).
		Fields(advancedFields()...).
		LintRule(lintRule(lintWhole))
	for _, e := range specExamples {
		spec = spec.Example(e.title, e.summary, e.yaml)
	}
	return spec
}

// commonFields are what a first configuration needs; `create --small` prints
// them alone.
func commonFields() []*service.ConfigField {
	return []*service.ConfigField{
		service.NewStringField(fieldProjectRef).
			Description("The reference of the project: the first part of its URL `https://<project_ref>.supabase.co`, shown in the Dashboard under Project Settings -> General. The endpoint is derived from it. Required unless `endpoint` is set; with `endpoint` it is only needed if the credentials do not name the project.").
			Example("abcdefghijklmnopqrst").
			Optional(),
		service.NewStringField(FieldRegion).
			Description("The region that requests are signed for. Servers accept `us-east-1` whatever their region, unless they are configured to enforce it: then write the region that the Dashboard shows under Project Settings -> Storage. The server answers a region that it does not accept as a wrong signature (403). The default is `us-east-1`, or with `access_token` credentials the region that the Management API names.").
			Example("us-east-2").Example("eu-central-1").
			Optional(),
		credentialsField(),
		// A string field cannot tell a text that is empty from none, see lintSourcePath.
		service.NewAnyField(FieldSourcePath).
			Description("Where to read: a bucket, or a bucket and a prefix of the keys in it, as `bucket`, `bucket/prefix` or `s3://bucket/prefix`. The prefix is literal, byte for byte and case sensitive: `photos/` reads the folder, `photos` also reads `photos-old/a.jpg` and `photos.txt`. Wildcards of keys belong in `include_patterns`. In place of the bucket, a pattern reads several buckets: `*/` all of them, `tenant-*/` those with such a name, `{avatars,docs}/public/` two; it is written as in `include_patterns`, and YAML needs quotes around it. A backslash makes the next character part of a name. The buckets are looked up at every pass, so that a new one joins. The credentials must be allowed to list the buckets, unless all of them are named. One bucket that does not exist ends a one-time run; the other modes wait for it, because it may be created later.").
			Example("user-uploads").Example("user-uploads/photos/").Example("s3://user-uploads/photos/").Example("*/").Example("{avatars,docs}/public/").
			LintRule(lintRule(FieldSourcePath)),
		newListField(FieldIncludePatterns).
			Description("Read only the objects that match one of these patterns; an empty list reads all. A pattern without a `/` is matched against the name of the object, at any depth: `*.mp4`. A pattern with a `/` is matched against the path below the prefix of `source_path`, and a leading `/` stands for that prefix: `2024/*.mp4`, `/*.mp4`. `*` and `?` match anything except `/`, `**` matches anything, `**/` any number of folders, also none. `{mp4,mov}` and `[a-z0-9]` match one of several, `[!a]` any other character, and a backslash makes the next character literal. Case sensitive.").
			Example([]any{"*.mp4", "*.jpg"}).Example([]any{"2024/**/*.{jpg,jpeg}"}),
		newListField(FieldExcludePatterns).
			Description("Leave out the objects that match one of these patterns, written as in `include_patterns`. If both match, the object is left out.").
			Example([]any{"*_thumbnail.*", "*.tmp"}).Example([]any{"**/.trash/**"}),
		contentTypesField(),
		service.NewStringField(fieldModifiedSince).
			Description("Read only the objects last modified at this time or later, as an ISO 8601 date (`2024-06-01`, midnight) or timestamp (`2024-06-01T08:30:00+02:00`); without a zone it is UTC. Empty reads all. On the server every change of an object's row counts as a modification, including a change of its metadata and a move.").
			Example("2024-06-01").Example("2024-06-01T00:00:00Z").
			Default("").
			LintRule(lintRule(fieldModifiedSince)),
		modifiedBeforeField(),
		syncModeField(), pollingIntervalField(), stateField(),
		service.NewScannerField(fieldScanner).
			Description("How the bytes of an object become messages. The default makes one message of each object, which is in memory as a whole; for objects larger than memory choose a scanner that reads in pieces, such as `lines`, `csv` or `chunker`. An object counts as delivered when all its messages are.").
			Default(map[string]any{"to_the_end": map[string]any{}}),
		newBoolField(fieldAutoReplayNacks, true).
			Description("Whether messages that the output rejects are sent again until it accepts them. With `false`, an object with a rejected message counts as failed: it is parked with its reason, and a one-time run ends with an error. With `true`, every message stays in memory until it is delivered."),
	}
}
