package config

import "github.com/redpanda-data/benthos/v4/public/service"

func syncModeField() *service.ConfigField {
	return service.NewStringAnnotatedEnumField(fieldSyncMode, map[string]string{
		ModeOneTime:    "Reads everything that matches once, then ends; the pipeline ends when everything is delivered. With `state`, objects that an earlier run delivered are not read again.",
		ModeContinuous: "Reads everything once and continues with what is new or changed, with a pause of `polling_interval` after each pass.",
		ModeScheduled:  "As `continuous`, at fixed times: every `polling_interval`, or when `schedule` says so. Passes never overlap; one pass makes up for all times that were missed during another.",
	}).
		Description("When to read.").
		Default(ModeOneTime).
		LintRule(lintRule(fieldSyncMode))
}

func pollingIntervalField() *service.ConfigField {
	return service.NewStringField(fieldPollingInterval).
		Description("With `continuous`, the pause from the end of a pass to the next, up to a tenth longer by chance; with `scheduled`, the time from the start of a pass to the start of the next, unless `schedule` is set. A duration of at least `1s`; a bare number is seconds.").
		Example("30s").Example("1h").
		Default(defaultPollingInterval).
		LintRule(lintRule(fieldPollingInterval))
}

// stateField shows an example of one of its two places alone, and scheduleField
// and maxDeleteRatioField none: `create` writes the examples of optional fields into its templates,
// which must work as they are.
func stateField() *service.ConfigField {
	return service.NewObjectField(FieldState,
		service.NewStringField(fieldStatePath).
			Description("The file that holds the state. It is created with its folder, only its owner can read it, and one input uses it at a time.").
			Example("./state/uploads.db").
			Optional(),
		service.NewStringField(fieldStateCache).
			Description("The label of a cache resource that holds the state, instead of `path`. It must keep what it is given: persistent, with no `default_ttl` and no eviction, and with room for values of 300 kB. `lru`, `ttlru`, `ristretto`, `memcached` and `noop` are refused, `memory` and `multilevel` are warned of. A part that it loses is an error, and its objects are not delivered again; where it loses everything, everything is delivered again.").
			Optional(),
		service.NewStringField(fieldStateNamespace).
			Description("The name under which deliveries are remembered. It keeps inputs apart that share a cache, and an input with another name starts from the beginning. The default is the label of the input.").
			Optional(),
	).
		Description("Where to remember which version of each object was delivered, for a restart to go on from there: a file or a cache. Without it, `continuous` and `scheduled` remember in memory and a restart reads everything again; with it, a `one_time` run goes on where one that was stopped left off, and reads only what is new or changed since the last. Patterns, limits, prefix and credentials may change: what was delivered stays delivered. A file or cache that is damaged, or holds something else, is refused, and never read as an empty one.").
		Optional().
		LintRule(lintRule(FieldState))
}

func scheduleField() *service.ConfigField {
	return service.NewStringField(fieldSchedule).
		Description("With `scheduled`, the times at which passes begin, instead of `polling_interval`: a cron expression (minute, hour, day of month, month, day of week), or a name such as `@hourly` or `@daily`. The first pass waits for the first of these times. They are in UTC, unless the expression begins with a time zone, as in `TZ=Europe/Berlin 0 3 * * *`. On days when the clocks of the zone change, a time that names its hour still happens once, and an hourly schedule stays hourly. With `state`, a pass at the start makes up for a time that was missed while the input was stopped.").
		Optional().
		LintRule(lintRule(fieldSchedule))
}

func fullSweepIntervalField() *service.ConfigField {
	return service.NewStringField(fieldFullSweepInterval).
		Description("With `continuous` and `scheduled`, the time from one full listing to the next. The passes between them ask the server only for changes, where that is possible: with a JWT as credentials (`session_token`), on servers from v1.27.0 on. Such a pass is one request or a few, whatever the size of the bucket, so `polling_interval` may be seconds. It shows no deletions, and no object that became visible more than two minutes after its time of modification: the next full listing does. If the server can't be asked for changes, if asking takes longer than a full listing, or if there are at most a thousand objects (one request), every pass is a full listing and this field has no effect. A duration such as `15m` or `24h`; a bare number is seconds. The default is `1h`. Together with `targets_input`, everything is listed as well: at the start, and then at this interval. What a target has delivered is remembered (in the `state`, or in memory), and no listing repeats it, nor the other way round; whether a message is `created` or `updated` follows from what is remembered. So targets are fast, and listings find what no target named.").
		Optional().
		LintRule(lintRule(fieldFullSweepInterval))
}

func changeDetectionField() *service.ConfigField {
	return service.NewStringAnnotatedEnumField(fieldChangeDetection, map[string]string{
		changesByETag:     "Its ETag or its size did. Every overwrite with other content is seen, and a change of an object's row alone does not count.",
		changesByModified: "Its ETag, its size or its time of modification. An overwrite with the same content is seen, and so is every UPDATE of an object's row: one statement may deliver a whole bucket again.",
	}).
		Description("What must change before an object that was delivered is delivered again, as `updated`.").
		Default(changesByETag).
		LintRule(lintRule(fieldChangeDetection))
}

func emitDeletesField() *service.ConfigField {
	return newBoolField(fieldEmitDeletes, false).
		Description("Whether to send an empty message with `supabase_storage_event` set to `deleted` for each object that was delivered and is gone: missing from a full listing, and not found when asked for, or missing from the next listing as well. Under row level security only the second listing counts, because asking for a hidden object finds nothing either. Needs `continuous`, `scheduled` or a `state`.")
}

func maxDeleteRatioField() *service.ConfigField {
	return service.NewAnyField(fieldMaxDeleteRatio).
		Description("The part of the delivered objects that may be gone at once, more than 0 and up to 1. A pass that finds a larger part gone, and more than five, counts none as deleted and says so: to a role that lost its rights a bucket looks empty. The default is a half for S3 access keys and the service_role key, to which row level security does not apply, and a tenth for all other roles. For these, objects that are all gone, or that another role or user has seen before, do not count as deleted either, unless this is `1`: no limit.").
		Optional().
		LintRule(lintRule(fieldMaxDeleteRatio))
}
