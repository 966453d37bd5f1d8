package config

import "github.com/redpanda-data/benthos/v4/public/service"

// advancedFields have defaults that fit most; `create --small` leaves them out.
func advancedFields() []*service.ConfigField {
	fields := []*service.ConfigField{
		projectsField(),
		targetsInputField(), onMissingField(),
		scheduleField(), fullSweepIntervalField(), changeDetectionField(), emitDeletesField(), maxDeleteRatioField(),
		emitField(), referenceURLExpiryField(), emitFailuresField(),
		newBoolField(fieldDeleteObjects, false).
			Description("Whether to delete each object from the bucket when all its messages are delivered. An object that was overwritten since it was read is kept; the server has no conditional deletion, so an overwrite between this check and the deletion is deleted too. Objects that yield no message, such as an empty object with `lines`, are deleted as well; objects that the patterns and limits leave out never are."),
		newBoolField(FieldSkipEmpty, false).
			Description("Whether to leave out objects of zero bytes. Folder placeholders (`.emptyFolderPlaceholder`, and zero-byte keys that end with `/`) are always left out."),
		service.NewStringField(FieldMaxObjectSize).
			Description("Leave out objects larger than this: a number of bytes, or one with a unit such as `500kB` (1000) or `10MiB` (1024). `0` is no limit.").
			Example("10MiB").Example("5GB").
			Default("0").
			LintRule(lintRule(FieldMaxObjectSize)),
		service.NewStringField(fieldMinAge).
			Description("Leave out objects modified less than this long ago, for uploads that are often replaced right away. A duration such as `90s`, `5m` or `24h`; a bare number is seconds. Empty is no limit.").
			Example("5m").Example("24h").
			Default("").
			LintRule(lintRule(fieldMinAge)),
		service.NewStringField(fieldVerifyContent).
			Description("Up to which size the content of an object is compared with its ETag, such as `1MiB`, or `always` or `never`. It is only possible if the ETag is an MD5: on Supabase, for every object that was not uploaded in parts to an S3 store. Content that differs is not delivered: the download is tried again, and in the end the object is parked. The ETag and the size of each answer are always compared with the listing. An object that a scanner splits while it arrives is compared at its end, when its first messages are already on their way.").
			Example("always").Example("16MiB").Example("never").
			Default("1MiB").
			LintRule(lintRule(fieldVerifyContent)),
		userMetadataField(),
		service.NewURLField(fieldEndpoint).
			Description("The S3 endpoint, instead of the one derived from `project_ref`: for a self-hosted project (`https://supabase.example.com/storage/v1/s3`), the local stack of the Supabase CLI (`http://127.0.0.1:54321/storage/v1/s3`), a custom domain or an emulator. With `projects`, `{project_ref}` stands for the reference of each project.").
			Optional(),
		service.NewTLSToggledField(fieldTLS).
			Description("TLS settings for an `https` endpoint with its own certificate, such as a self-hosted server. Without them the certificate authorities of the system are trusted. Only the address of `endpoint` decides whether the connection is encrypted: `enabled` is accepted, as in other components, and changes nothing."),
		timeoutsField(), retryField(), concurrencyField(),
	}
	for _, f := range fields {
		f.Advanced()
	}
	return fields
}

func timeoutsField() *service.ConfigField {
	return service.NewObjectField(fieldTimeouts,
		newDurationField(fieldTimeouts, fieldTimeoutConnect, "10s").
			Description("How long it may take to open a connection, including its TLS handshake."),
		newDurationField(fieldTimeouts, fieldTimeoutResponse, "60s").
			Description("How long the server may take to begin its answer. The database behind it gives up after 30 seconds; a shorter time here cuts off slow listings before the server answers."),
		newDurationField(fieldTimeouts, fieldTimeoutIdle, "60s").
			Description("How long a download may wait for the next 16 KiB before it is cut off and resumed where it stopped. The time in which the pipeline does not read does not count."),
	).Description("How long to wait for the server. A request that runs out of time is tried again. Durations such as `90s` or `5m`; a bare number is seconds.")
}

func retryField() *service.ConfigField {
	return service.NewObjectField(fieldRetry,
		newIntField(fieldRetry, fieldRetryMaxAttempts, 10).
			Description("How often a request is tried, including the first time; at least 1."),
		newDurationField(fieldRetry, fieldRetryInitialInterval, "300ms").
			Description("The pause after the first failure. It doubles with every further failure, minus up to half of it at random."),
		newDurationField(fieldRetry, fieldRetryMaxInterval, "30s").
			Description("The longest pause; at least `initial_interval`."),
	).Description("What to do when a request fails in a way that may pass: the server is overloaded (429, 503) or its database is (544), it fails (500), or the connection does. An object that keeps failing is parked with its reason, and holds nothing else back.").
		LintRule(lintRule(fieldRetry))
}

func concurrencyField() *service.ConfigField {
	return service.NewObjectField(fieldConcurrency,
		newIntField(fieldConcurrency, fieldMaxDownloads, 0).
			Description("How many downloads may be under way at the same time, up to 4096. `0` adapts: the number begins at 32 and grows to 64, and to as many as 256 while answers begin as quickly as with fewer. It becomes smaller only where the server pushes back (429, 503, 544, refused connections); pages of a listing count as well. Large objects are read in parts at the same time where the server does not work on the whole object for each part, and each part counts as a download; so are objects from 2 MiB on where `buffer_bytes` would be used up first and answers spend most of their time on being sent. `1` lists and reads one object after the other, in the order of their keys, with one request each; only an object that must be tried again comes later. For messages in that order, see `pipeline.threads` and the output's `max_in_flight` too."),
		newIntField(fieldConcurrency, fieldMaxListers, 0).
			Description("How many ranges of the bucket may be listed at the same time, up to 64. Each page of a listing is a query of the project's database. `0` is 16: a project answers at most 20 queries at a time. A bucket of a few pages is listed by fewer. Pages share the limit of the endpoint with downloads, unless `max_downloads` is fixed, and become fewer where the server pushes back."),
		service.NewStringField(fieldBufferBytes).
			Description("How many bytes of objects under way may be held in memory, as a number or with a unit such as `128MiB`. A larger object is read alone. Messages that the pipeline has accepted and not yet delivered need memory in addition.").
			Example("64MiB").Example("1GiB").
			Default("100MiB").
			LintRule(lintRule(fieldConcurrency+"."+fieldBufferBytes)),
	).Description("How much to do at once.")
}

// newDurationField is a duration that must be more than zero.
func newDurationField(parent, name, def string) *service.ConfigField {
	return service.NewDurationField(name).Default(def).LintRule(lintRule(parent + "." + name))
}

// newBoolField, newIntField and newListField accept any value, and leave it to the
// lint rule and to the parsing of the configuration to tell a wrong one. Benthos
// does not lint its own bool and int fields: a lint rule is not run on a value that
// does not fit the field's type, nor are the rules of the objects around it, so
// `delete_objects: maybe` would silence every other rule of the component. Of a
// list it says "expected array value" and no field. What they accept in addition is
// a quoted value, as in "${DELETE_OBJECTS:false}".
func newBoolField(name string, def bool) *service.ConfigField {
	return service.NewAnyField(name).Default(def).LintRule(lintRule(name))
}

func newIntField(parent, name string, def int) *service.ConfigField {
	return service.NewAnyField(name).Default(def).LintRule(lintRule(parent + "." + name))
}

func newListField(name string) *service.ConfigField {
	return service.NewAnyField(name).Default([]any{}).LintRule(lintRule(name))
}
