package config

const specSummary = "Reads the objects of a Supabase Storage bucket through its S3 endpoint, each with its metadata."

const specDescription = `
Lists the bucket, leaves out what the patterns and limits exclude, and downloads the rest, many objects at a time and within a memory budget.

== Delivery

Every version of an object that matches, and that stays until it is listed and read, is delivered at least once. It counts as delivered when the output has taken all of its messages, and is read again when it was overwritten while it was read: no message mixes two versions. A download that is cut off is resumed where it stopped. What fails is tried again as ` + "`retry`" + ` says; an object that keeps failing is parked, reported with its reason, and holds nothing else back. A one-time run that parked objects ends with an error, so that nothing is missing unnoticed; the other modes try them again, after a minute first and then ever less often, up to once an hour.

Messages are not in order: a small object may overtake a large one, and with processors messages overtake each other unless ` + "`pipeline.threads`" + ` is 1.

== Incremental sync

With ` + "`sync_mode`" + ` set to ` + "`continuous`" + ` or ` + "`scheduled`" + `, or with a ` + "`state`" + `, the input remembers the version of each object that was delivered: some dozens of bytes for each, in a file or a cache, written only when something was delivered. A pass lists the whole prefix and delivers what is new or changed; with a JWT as credentials, the passes between two full listings (` + "`full_sweep_interval`" + `) ask the server only for changes. The input compares content (ETag and size), not times: a full listing does not miss an object that becomes visible late or with an old time, and an UPDATE of all rows delivers nothing again.

After a crash, objects that the output had not acknowledged are delivered again, and at most about the last second or the last 500 objects of the acknowledged ones. Without ` + "`state`" + `, a restart delivers everything again. An object that is overwritten twice between two passes is delivered once, as it is then.

With ` + "`emit_deletes`" + `, an object that was delivered and is gone gives a message without content, whose event is ` + "`deleted`" + `. Where more than ` + "`max_delete_ratio`" + ` of the objects are gone at once, or another role or user reads than before and does not see all of them, none counts as deleted, and a warning says so: row level security hides objects without any error. Objects that the patterns or limits take, or that lie outside of a new prefix, do not count as deleted.

== Metadata

This input adds the following metadata to each message:

` + "```text" + `
- supabase_storage_bucket
- supabase_storage_key                 (the full key in the bucket)
- supabase_storage_path                (the key below the prefix of source_path)
- supabase_storage_filename            (the last part of the key)
- supabase_storage_safe_path           (a path for a file, with the bucket in front, and the project where there are several)
- supabase_storage_etag
- supabase_storage_size                (bytes, a number)
- supabase_storage_last_modified       (RFC 3339)
- supabase_storage_last_modified_unix  (seconds, a number)
- supabase_storage_content_type
- supabase_storage_cache_control
- supabase_storage_project_ref         (where one is configured)
- supabase_storage_event               (created, updated, or deleted with emit_deletes)
- supabase_storage_object_id           (the same for the same bucket, key and ETag: an idempotency key)
- supabase_storage_meta_<name>         (the metadata that was stored with the object)
- supabase_storage_missing_meta        (how many values of it the server could not send, a number)
- supabase_storage_failure             (with emit_failures: why the object is parked, in one word)
` + "```" + `

A value that the server does not send is not set. Of the object's own metadata, values in the encoding of RFC 2047 are decoded, and bytes that are not UTF-8 are read as ISO-8859-1. Over S3, Supabase leaves out numbers, nested values and text that is not ASCII: ` + "`supabase_storage_missing_meta`" + ` counts them. A ` + "`deleted`" + ` message has only the bucket, key, path, filename, safe_path, project_ref and event. Read them with the ` + "`@`" + ` syntax, as in ` + "`${! @supabase_storage_key }`" + `.

== Credentials

The types, least privilege first: ` + "`user`" + ` and ` + "`session_token`" + ` with a user's token read what row level security shows that user; ` + "`access_key`" + ` reads every bucket and opens nothing except Storage; ` + "`session_token`" + ` with the service_role key, and ` + "`access_token`" + `, hold keys that open the whole project.

Keys rotate, also during some upgrades of a project. ` + "`user`" + ` and ` + "`access_token`" + ` then get new ones by themselves, and the ` + "`_file`" + ` fields are read again: a request that was refused is made again with the new keys, and nothing is lost. While new keys are not available, because the project is being restored or an API has trouble, the input waits; a one-time run waits ten minutes. If the keys are written in the configuration, it ends or tries again with an error that says where the new keys are. The metric ` + "`supabase_storage_credentials_expire_unix`" + ` tells when a token ends, and the log warns a day, an hour and five minutes before the end of a token that nobody renews.

== Secrets

Keep keys and tokens in environment variables, as in the examples. Benthos masks them wherever it prints a configuration, except in the HTTP API of streams mode, which returns the configuration of a stream with its secrets: protect that API, or switch it off.
`

// specExample is an example of the documentation, which lints clean.
type specExample struct{ title, summary, yaml string }

var specExamples = []specExample{
	{
		"S3 access key",
		"Copies the videos and pictures of one folder to disk, with the S3 access keys of the project. They bypass row level security.",
		`
input:
  supabase_storage:
    project_ref: "${SUPABASE_PROJECT_REF}"
    region: us-east-2
    credentials:
      type: access_key
      access_key_id: "${SUPABASE_S3_ACCESS_KEY_ID}"
      secret_access_key: "${SUPABASE_S3_SECRET_ACCESS_KEY}"
    source_path: user-uploads/photos/
    include_patterns: [ "*.mp4", "*.jpg" ]
    exclude_patterns: [ "*_thumbnail.*" ]

output:
  file:
    path: ./out/${! @supabase_storage_object_id }
    codec: all-bytes
`,
	},
	{
		"Service role key",
		"Signs in with the service_role key of the project, where there is no S3 access key. It bypasses row level security, too.",
		`
input:
  supabase_storage:
    project_ref: "${SUPABASE_PROJECT_REF}"
    credentials:
      type: session_token
      anon_key: "${SUPABASE_ANON_KEY}"
      service_role_key: "${SUPABASE_SERVICE_ROLE_KEY}"
    source_path: user-uploads
`,
	},
	{
		"As a user, under row level security",
		"Signs in as one user of the project and reads what that user may see, for as long as it runs. What the policies hide is not listed, and looks as if it were not there.",
		`
input:
  supabase_storage:
    project_ref: "${SUPABASE_PROJECT_REF}"
    credentials:
      type: user
      anon_key: "${SUPABASE_ANON_KEY}"
      email: "${SUPABASE_USER_EMAIL}"
      password: |2- # a block: any character may stand in it
        ${SUPABASE_USER_PASSWORD}
    source_path: user-uploads
    sync_mode: continuous
`,
	},
	{
		"With a personal access token",
		"Asks the Management API for the region and the keys of the project, and again when they are rotated.",
		`
input:
  supabase_storage:
    project_ref: "${SUPABASE_PROJECT_REF}"
    credentials:
      type: access_token
      access_token: "${SUPABASE_ACCESS_TOKEN}"
    source_path: user-uploads
`,
	},
	{
		"Keys in files",
		"Reads the keys from a secret that Kubernetes mounts, and again when they were rotated.",
		`
input:
  supabase_storage:
    project_ref: "${SUPABASE_PROJECT_REF}"
    credentials:
      access_key_id_file: /run/secrets/storage/access_key_id
      secret_access_key_file: /run/secrets/storage/secret_access_key
    source_path: user-uploads
`,
	},
	{
		"Self-hosted, or the local stack of the Supabase CLI",
		"The endpoint replaces the project reference. `supabase status` prints the keys of the local stack.",
		`
input:
  supabase_storage:
    endpoint: http://127.0.0.1:54321/storage/v1/s3
    credentials:
      access_key_id: "${SUPABASE_S3_ACCESS_KEY_ID}"
      secret_access_key: "${SUPABASE_S3_SECRET_ACCESS_KEY}"
    source_path: user-uploads
`,
	},
	{
		"Lines of large objects",
		"Makes one message of each line, for objects of any size: a scanner that reads in pieces does not hold the object in memory.",
		`
input:
  supabase_storage:
    project_ref: "${SUPABASE_PROJECT_REF}"
    credentials:
      access_key_id: "${SUPABASE_S3_ACCESS_KEY_ID}"
      secret_access_key: "${SUPABASE_S3_SECRET_ACCESS_KEY}"
    source_path: s3://events/2024/
    include_patterns: [ "**/*.jsonl" ]
    modified_since: 2024-06-01
    scanner:
      lines: {}
`,
	},
	{
		"Move away what is delivered",
		"Moves each object to another folder of the bucket after its delivery, unless it was overwritten in the meantime; `after_delivery: delete` deletes it instead. Uploads of the last five minutes wait for the next run.",
		`
input:
  supabase_storage:
    project_ref: "${SUPABASE_PROJECT_REF}"
    credentials:
      access_key_id: "${SUPABASE_S3_ACCESS_KEY_ID}"
      secret_access_key: "${SUPABASE_S3_SECRET_ACCESS_KEY}"
    source_path: inbox/
    min_age: 5m
    after_delivery: move
    move_to: done/
`,
	},
	{
		"Continuous, into Kafka",
		"Delivers what is uploaded or changed within a minute or so. A file remembers what was delivered, so a restart continues from there.",
		`
input:
  label: uploads
  supabase_storage:
    project_ref: "${SUPABASE_PROJECT_REF}"
    credentials:
      access_key_id: "${SUPABASE_S3_ACCESS_KEY_ID}"
      secret_access_key: "${SUPABASE_S3_SECRET_ACCESS_KEY}"
    source_path: user-uploads
    sync_mode: continuous
    polling_interval: 1m
    state:
      path: ./state/uploads.db
    max_object_size: 900kB # the default limit of brokers; larger objects are left out

output:
  kafka_franz:
    seed_brokers: [ localhost:9092 ]
    topic: uploads
    key: ${! @supabase_storage_key }
    metadata:
      include_prefixes: [ supabase_storage_ ]
`,
	},
	{
		"Every night, deletions too, without a disk",
		"Keeps the files of a web service equal to the bucket. Redis remembers what was delivered; it must be configured to persist (appendonly yes) and to evict nothing (maxmemory-policy noeviction).",
		`
input:
  label: nightly
  supabase_storage:
    project_ref: "${SUPABASE_PROJECT_REF}"
    credentials:
      access_key_id: "${SUPABASE_S3_ACCESS_KEY_ID}"
      secret_access_key: "${SUPABASE_S3_SECRET_ACCESS_KEY}"
    source_path: user-uploads
    sync_mode: scheduled
    schedule: TZ=Europe/Berlin 0 3 * * *
    state:
      cache: my_redis
    emit_deletes: true

output:
  switch:
    cases:
      - check: '@supabase_storage_event == "deleted"'
        output:
          http_client:
            url: http://localhost:8080/files/${! @supabase_storage_key.escape_url_path() }
            verb: DELETE
            successful_on: [ 404 ] # gone already: a deletion may come twice
      - output:
          http_client:
            url: http://localhost:8080/files/${! @supabase_storage_key.escape_url_path() }
            verb: PUT

cache_resources:
  - label: my_redis
    redis:
      url: redis://localhost:6379
`,
	},
}
