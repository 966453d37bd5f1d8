// Package conformance is one black-box test suite for everything that speaks
// Supabase Storage's dialect of S3 and its REST API. Each test runs over both
// planes, and where one of them makes no sense of it, it is skipped with the reason.
// In every `go test` the suite runs against the emulator of tests/emulator, behind
// each of its gateways. If the environment names a real server, it runs
// against that server too. A test that passes on one and fails on the other has
// found a bug of the emulator.
//
// The suite has two halves. The first sends raw requests, without an SDK, and
// checks what the input relies on: the order and the pages of a listing,
// which keys are possible, ranges, errors. The second runs the whole input against
// the endpoint and compares what arrives with what was stored.
//
// # A real server
//
// These variables name a project in the cloud, a self-hosted project or the local
// CLI stack. The suite runs against it as soon as the first is set, and fails if a
// required variable is missing:
//
//	SUPABASE_TEST_ENDPOINT           required: https://<ref>.supabase.co/storage/v1/s3
//	SUPABASE_TEST_REGION             required: the project's region
//	SUPABASE_TEST_BUCKET             required: an existing private bucket
//	SUPABASE_TEST_ACCESS_KEY_ID      required: an S3 access key of the project
//	SUPABASE_TEST_SECRET_ACCESS_KEY  required: its secret
//	SUPABASE_TEST_PROJECT_REF        required: the project's reference
//	SUPABASE_TEST_ANON_KEY           required: the legacy anon key, a JWT
//	SUPABASE_TEST_SERVICE_ROLE_KEY   required: the legacy service_role key, a JWT
//	SUPABASE_TEST_USER_TOKEN         required: the access token of a signed-in user
//	SUPABASE_TEST_SECRET_KEY         optional: a secret key, sb_secret_…; without it
//	                                 the tests over REST are skipped
//	SUPABASE_TEST_PUBLISHABLE_KEY    optional: a publishable key, required with the
//	                                 secret key
//	SUPABASE_TEST_EXPIRED_TOKEN      optional: an access token that has expired
//	SUPABASE_TEST_USER_EMAIL         optional: the user's e-mail address
//	SUPABASE_TEST_USER_PASSWORD      optional: the user's password
//	SUPABASE_TEST_ACCESS_TOKEN       optional: a personal access token that may read
//	                                 the project, its API keys and their secrets
//	SUPABASE_TEST_API_URL            optional: another Management API than Supabase's
//	SUPABASE_TEST_MAX_KEY_LENGTH     optional: the longest key in bytes, if the
//	                                 project's store accepts less than 1024
//
// The user must be allowed to see only the objects in the folder with the user's
// id as its name, as in the policy of Supabase's documentation:
//
//	create policy "own folder" on storage.objects for select to authenticated
//	using (bucket_id = '<bucket>' and (storage.foldername(name))[1] = auth.uid()::text);
//
// Every key that the suite writes contains the folder conformance-<random>, new
// in each run: at the start of the key, after a leading slash, or in the folders
// <user id> and someone-else. When a test ends, the suite removes the keys that it
// wrote, over S3, and no others. It may list other objects in the bucket, but never
// reads or changes them.
package conformance
