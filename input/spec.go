package input

import "github.com/redpanda-data/benthos/v4/public/service"

// componentName is what the input is called in configurations.
const componentName = "supabase_storage"

// Names of the fields of `supabase_storage`, in the order of the documentation.
const (
	ssFieldProjectRef = "project_ref"
	ssFieldRegion     = "region"

	ssFieldCredentials     = "credentials"
	ssFieldCredType        = "type"
	ssFieldCredAccessKeyID = "access_key_id"
	ssFieldCredSecretKey   = "secret_access_key"
	ssFieldCredAnonKey     = "anon_key"
	ssFieldCredServiceKey  = "service_role_key"
	ssFieldCredUserToken   = "user_token"
	ssFieldCredEmail       = "email"
	ssFieldCredPassword    = "password"
	ssFieldCredAccessToken = "access_token"
	ssFieldCredAuthURL     = "auth_url"
	ssFieldCredAPIURL      = "api_url"

	ssFieldSourcePath      = "source_path"
	ssFieldIncludePatterns = "include_patterns"
	ssFieldExcludePatterns = "exclude_patterns"
	ssFieldModifiedSince   = "modified_since"
	ssFieldSyncMode        = "sync_mode"
	ssFieldPollingInterval = "polling_interval"
	ssFieldScanner         = "scanner"
	ssFieldAutoReplayNacks = service.AutoRetryNacksToggleFieldName

	ssFieldState          = "state"
	ssFieldStatePath      = "path"
	ssFieldStateCache     = "cache"
	ssFieldStateNamespace = "namespace"

	ssFieldSchedule          = "schedule"
	ssFieldFullSweepInterval = "full_sweep_interval"
	ssFieldChangeDetection   = "change_detection"
	ssFieldEmitDeletes       = "emit_deletes"
	ssFieldMaxDeleteRatio    = "max_delete_ratio"
	ssFieldDeleteObjects     = "delete_objects"
	ssFieldSkipEmpty         = "skip_empty"
	ssFieldVerifyContent     = "verify_content"
	ssFieldMaxObjectSize     = "max_object_size"
	ssFieldMinAge            = "min_age"
	ssFieldUserMetadata      = "user_metadata"
	ssFieldEndpoint          = "endpoint"
	ssFieldTLS               = "tls"

	ssFieldTimeouts        = "timeouts"
	ssFieldTimeoutConnect  = "connect"
	ssFieldTimeoutResponse = "response"
	ssFieldTimeoutIdle     = "idle"

	ssFieldRetry                = "retry"
	ssFieldRetryMaxAttempts     = "max_attempts"
	ssFieldRetryInitialInterval = "initial_interval"
	ssFieldRetryMaxInterval     = "max_interval"

	ssFieldConcurrency  = "concurrency"
	ssFieldMaxDownloads = "max_downloads"
	ssFieldMaxListers   = "max_listers"
	ssFieldBufferBytes  = "buffer_bytes"
)

// Values of the enumerated fields.
const (
	credTypeAccessKey    = "access_key"
	credTypeSessionToken = "session_token"
	credTypeUser         = "user"
	credTypeAccessToken  = "access_token"
	syncModeOneTime      = "one_time"
	syncModeContinuous   = "continuous"
	syncModeScheduled    = "scheduled"
	changesByETag        = "etag"
	changesByModified    = "modified"
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
		service.NewStringField(ssFieldProjectRef).
			Description("The reference of the project: the first part of its URL `https://<project_ref>.supabase.co`, shown in the Dashboard under Project Settings -> General. The endpoint is derived from it. Required unless `endpoint` is set; with `endpoint` it is only needed where the credentials do not name the project themselves.").
			Example("abcdefghijklmnopqrst").
			Optional(),
		service.NewStringField(ssFieldRegion).
			Description("The region that requests are signed for. Servers accept `us-east-1` whatever their region, unless they are set to enforce it; then, or to be exact, write the region that the Dashboard shows under Project Settings -> Storage. A region that the server does not accept is answered as a wrong signature (403). Left out it is `us-east-1`, or with `access_token` credentials the region that the Management API names.").
			Example("us-east-2").Example("eu-central-1").
			Optional(),
		credentialsField(),
		service.NewStringField(ssFieldSourcePath).
			Description("Where to read: a bucket, or a bucket and a prefix of the keys in it, as `bucket`, `bucket/prefix` or `s3://bucket/prefix`. The prefix is literal, byte for byte and case sensitive: `photos/` reads what is in the folder, `photos` reads `photos-old/a.jpg` and `photos.txt` too. Wildcards go into `include_patterns`. A bucket that does not exist ends a one-time run; the other modes wait for it, since it may be made later.").
			Example("user-uploads").Example("user-uploads/photos/").Example("s3://user-uploads/photos/").
			LintRule(lintRule(ssFieldSourcePath)),
		service.NewStringListField(ssFieldIncludePatterns).
			Description("Read only the objects that match one of these patterns; an empty list reads all. A pattern without a `/` is matched against the name of the object, at any depth: `*.mp4`. One with a `/` is matched against the path below the prefix of `source_path`, and a leading `/` stands for that prefix: `2024/*.mp4`, `/*.mp4`. `*` and `?` match anything but `/`, `**` anything at all, `**/` any number of folders, none included. `{mp4,mov}` and `[a-z0-9]` match one of several, `[!a]` any other character, and a backslash takes the special meaning from what follows. Case sensitive.").
			Example([]any{"*.mp4", "*.jpg"}).Example([]any{"2024/**/*.{jpg,jpeg}"}).
			Default([]any{}).
			LintRule(lintRule(ssFieldIncludePatterns)),
		service.NewStringListField(ssFieldExcludePatterns).
			Description("Leave out the objects that match one of these patterns, written as in `include_patterns`. Where both match, the object is left out.").
			Example([]any{"*_thumbnail.*", "*.tmp"}).Example([]any{"**/.trash/**"}).
			Default([]any{}).
			LintRule(lintRule(ssFieldExcludePatterns)),
		service.NewStringField(ssFieldModifiedSince).
			Description("Read only the objects last modified at this time or later, as an ISO 8601 date (`2024-06-01`, midnight) or timestamp (`2024-06-01T08:30:00+02:00`); without a zone it is UTC. Empty reads all. On the server every change of an object's row counts as a modification, a change of its metadata or a move too.").
			Example("2024-06-01").Example("2024-06-01T00:00:00Z").
			Default("").
			LintRule(lintRule(ssFieldModifiedSince)),
		syncModeField(), pollingIntervalField(), stateField(),
		service.NewScannerField(ssFieldScanner).
			Description("How the bytes of an object become messages. The default makes one message of each object, and holds it in memory whole; for objects larger than memory choose one that reads in pieces, such as `lines`, `csv` or `chunker`. An object counts as delivered when all of its messages are.").
			Default(map[string]any{"to_the_end": map[string]any{}}),
		newBoolField(ssFieldAutoReplayNacks, true).
			Description("Whether messages that the output rejects are sent again until it takes them. Set to `false`, an object of which a message was rejected counts as failed: it is reported, and a one-time run ends with an error. Replays keep every message in memory until it is delivered."),
	}
}
