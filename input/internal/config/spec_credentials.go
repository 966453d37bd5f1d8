package config

import (
	"fmt"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

func credentialsField() *service.ConfigField {
	return service.NewObjectField(fieldCredentials, append(commonCredentials(), advancedCredentials()...)...).
		Description("The keys of the project.")
}

func commonCredentials() []*service.ConfigField {
	return []*service.ConfigField{
		service.NewStringAnnotatedEnumField(fieldCredType, map[string]string{
			supabase.TypeAccessKey:    "S3 access keys, created in the Dashboard under Project Settings -> Storage -> S3 access keys. They reach every bucket and bypass row level security. Needs `access_key_id` and `secret_access_key`.",
			supabase.TypeSecretKey:    "A secret API key (`sb_secret_`), created in the Dashboard under Project Settings -> API keys. It reaches every bucket and bypasses row level security. Requests go over the Storage REST API. Needs `secret_key`.",
			supabase.TypeSessionToken: "A JWT of the project decides what is visible: with `service_role_key` everything, with `user_token` what row level security shows that user. Needs one of the two, and `anon_key` (requests go over the S3 protocol) or `publishable_key` (over the Storage REST API).",
			supabase.TypeUser:         "Signs in as a user with `email` and `password`, and reads what row level security shows that user, as long as the pipeline runs; then it signs out. Also needs `anon_key` (requests go over the S3 protocol) or `publishable_key` (over the Storage REST API).",
			supabase.TypeAccessToken:  "Asks the Management API for the keys of the project with `access_token`, and again when they are rotated: the legacy keys over the S3 protocol while they are enabled, else a secret key over the Storage REST API. Both bypass row level security. Needs `project_ref`, or `projects`.",
		}).
			Description("How to sign in.").
			Default(supabase.TypeAccessKey).
			LintRule(lintRule(fieldCredentials + "." + fieldCredType)),
		service.NewStringField(fieldCredAccessKeyID).
			Description("The id of the S3 access key, for `access_key`.").
			Example("${SUPABASE_S3_ACCESS_KEY_ID}").
			Optional().Secret(),
		service.NewStringField(fieldCredSecretKey).
			Description("The secret of the S3 access key, for `access_key`. The Dashboard shows it once, when the key is created.").
			Example("${SUPABASE_S3_SECRET_ACCESS_KEY}").
			Optional().Secret(),
		service.NewStringField(fieldCredAPISecret).
			Description("A secret API key of the project (`sb_secret_`; Project Settings -> API keys -> Secret keys), for `secret_key`. It bypasses row level security.").
			Optional().Secret(),
		service.NewStringField(fieldCredPublishable).
			Description("The publishable API key of the project (`sb_publishable_`; Project Settings -> API keys), for `session_token` and `user`, in place of `anon_key`. It reads nothing by itself: the token of the user decides.").
			Optional().Secret(),
		service.NewStringField(fieldCredAnonKey).
			Description("The anon key of the project (a JWT; Project Settings -> API keys -> Legacy API keys), for `session_token` and `user`. It signs the requests. `session_token` works without it and without `publishable_key` in principle; but then the project reference signs the requests, which no release of the server up to v1.70.6 accepts.").
			Optional().Secret(),
		service.NewStringField(fieldCredServiceKey).
			Description("The service_role key of the project (a JWT; an `sb_secret_` key goes into `secret_key`; Project Settings -> API keys -> Legacy API keys), for `session_token`. It bypasses row level security.").
			Optional().Secret(),
		service.NewStringField(fieldCredUserToken).
			Description("The access token of a signed-in user (a JWT), for `session_token`. The input reads what row level security shows that user, until the token expires, by default an hour after the sign-in. For longer runs use `user`, which signs in by itself.").
			Optional().Secret(),
		service.NewStringField(fieldCredEmail).
			Description("The e-mail address of the user who signs in, for `user`.").
			Optional(),
		service.NewStringField(fieldCredPassword).
			Description("The password of that user. In a block (`password: |2-`, and the variable on a line of its own) it may contain any character; a password of several lines belongs in `password_file`.").
			Optional().Secret(),
		service.NewStringField(fieldCredAccessToken).
			Description("A personal access token, for `access_token`, created in the Dashboard under Account -> Access Tokens. A token with limited permissions must be able to read the project, its API keys and the secrets of its API keys.").
			Optional().Secret(),
	}
}

// fileFields are the fields that name a file with the value of another, in the
// order of the documentation.
var fileFields = []string{
	fieldCredAccessKeyID, fieldCredSecretKey, fieldCredAPISecret, fieldCredPublishable, fieldCredAnonKey, fieldCredServiceKey,
	fieldCredUserToken, fieldCredPassword, fieldCredAccessToken,
}

func advancedCredentials() []*service.ConfigField {
	var fields []*service.ConfigField
	for _, name := range fileFields {
		fields = append(fields, service.NewStringField(name+supabase.FileSuffix).
			Description(fmt.Sprintf("A file that contains `%s`, instead of that field. It is read at the start, when the server refuses the key, and before the key expires, so a secret that Kubernetes mounts as a file can be rotated without a restart. Its content is used unchanged, without the line break at its end.", name)).
			Optional().Advanced())
	}
	return append(fields,
		service.NewURLField(fieldCredAuthURL).
			Description("Where users sign in, for `user`, if it is not next to `endpoint`: the address of Auth, such as `https://supabase.example.com/auth/v1`.").
			Optional().Advanced(),
		service.NewURLField(fieldCredAPIURL).
			Description("The Management API, for `access_token`, if it is not `https://api.supabase.com`.").
			Optional().Advanced())
}
