package config

import "github.com/redpanda-data/benthos/v4/public/service"

// Name is what the input is called in configurations.
const Name = "supabase_storage"

// Names of the fields of `supabase_storage`, in the order of the documentation.
const (
	fieldProjectRef = "project_ref"
	FieldRegion     = "region"

	fieldCredentials     = "credentials"
	fieldCredType        = "type"
	fieldCredAccessKeyID = "access_key_id"
	fieldCredSecretKey   = "secret_access_key"
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
	fieldModifiedSince   = "modified_since"
	fieldSyncMode        = "sync_mode"
	fieldPollingInterval = "polling_interval"
	fieldScanner         = "scanner"
	fieldAutoReplayNacks = service.AutoRetryNacksToggleFieldName

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
			Description("The reference of the project: the first part of its URL `https://<project_ref>.supabase.co`, shown in the Dashboard under Project Settings -> General. The endpoint is derived from it. Required unless `endpoint` is set; with `endpoint` it is only needed where the credentials do not name the project themselves.").
			Example("abcdefghijklmnopqrst").
			Optional(),
		service.NewStringField(FieldRegion).
			Description("The region that requests are signed for. Servers accept `us-east-1` whatever their region, unless they are set to enforce it; then, or to be exact, write the region that the Dashboard shows under Project Settings -> Storage. A region that the server does not accept is answered as a wrong signature (403). Left out it is `us-east-1`, or with `access_token` credentials the region that the Management API names.").
			Example("us-east-2").Example("eu-central-1").
			Optional(),
		credentialsField(),
		// A string field cannot tell a text that is empty from none, see lintSourcePath.
		service.NewAnyField(FieldSourcePath).
			Description("Where to read: a bucket, or a bucket and a prefix of the keys in it, as `bucket`, `bucket/prefix` or `s3://bucket/prefix`. The prefix is literal, byte for byte and case sensitive: `photos/` reads what is in the folder, `photos` reads `photos-old/a.jpg` and `photos.txt` too. Wildcards go into `include_patterns`. A bucket that does not exist ends a one-time run; the other modes wait for it, since it may be made later.").
			Example("user-uploads").Example("user-uploads/photos/").Example("s3://user-uploads/photos/").
			LintRule(lintRule(FieldSourcePath)),
		newListField(FieldIncludePatterns).
			Description("Read only the objects that match one of these patterns; an empty list reads all. A pattern without a `/` is matched against the name of the object, at any depth: `*.mp4`. One with a `/` is matched against the path below the prefix of `source_path`, and a leading `/` stands for that prefix: `2024/*.mp4`, `/*.mp4`. `*` and `?` match anything but `/`, `**` anything at all, `**/` any number of folders, none included. `{mp4,mov}` and `[a-z0-9]` match one of several, `[!a]` any other character, and a backslash takes the special meaning from what follows. Case sensitive.").
			Example([]any{"*.mp4", "*.jpg"}).Example([]any{"2024/**/*.{jpg,jpeg}"}),
		newListField(FieldExcludePatterns).
			Description("Leave out the objects that match one of these patterns, written as in `include_patterns`. Where both match, the object is left out.").
			Example([]any{"*_thumbnail.*", "*.tmp"}).Example([]any{"**/.trash/**"}),
		service.NewStringField(fieldModifiedSince).
			Description("Read only the objects last modified at this time or later, as an ISO 8601 date (`2024-06-01`, midnight) or timestamp (`2024-06-01T08:30:00+02:00`); without a zone it is UTC. Empty reads all. On the server every change of an object's row counts as a modification, a change of its metadata or a move too.").
			Example("2024-06-01").Example("2024-06-01T00:00:00Z").
			Default("").
			LintRule(lintRule(fieldModifiedSince)),
		syncModeField(), pollingIntervalField(), stateField(),
		service.NewScannerField(fieldScanner).
			Description("How the bytes of an object become messages. The default makes one message of each object, and holds it in memory whole; for objects larger than memory choose one that reads in pieces, such as `lines`, `csv` or `chunker`. An object counts as delivered when all of its messages are.").
			Default(map[string]any{"to_the_end": map[string]any{}}),
		newBoolField(fieldAutoReplayNacks, true).
			Description("Whether messages that the output rejects are sent again until it takes them. Set to `false`, an object of which a message was rejected counts as failed: it is reported, and a one-time run ends with an error. Replays keep every message in memory until it is delivered."),
	}
}
