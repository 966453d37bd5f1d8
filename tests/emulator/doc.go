// Package emulator is a local Supabase project: its Storage, and as much of its
// Auth and of the Management API as a client of Storage needs.
//
// Storage speaks the dialect of the real server, as it was measured on v1.70.6,
// over the two interfaces that the gateway shows: S3 below /storage/v1/s3 and
// REST below /storage/v1/object. It is there so that a pipeline can be tried, tested and broken on purpose
// without a project: signatures, tokens, row level security, listing, ranges,
// odd keys and errors answer as they do in production, and every request can
// be slowed, cut, refused or overtaken by a write (see [Server.SetFaults]).
//
//	request ─► ServeHTTP ─► route ─► journal ─► fault ─┬─► auth ─► S3 or REST ─► body
//	                                                   │             │
//	                                                   │   store: memory (New) or a folder (NewDir)
//	                                                   ├─► apikey ─► Auth: users, sessions
//	                                                   └─► access token ─► Management API: the project
//
// Auth (/auth/v1/token) signs users in with their password and exchanges their
// refresh tokens, as GoTrue v2 does: each is good for one exchange, a later use
// ends the session, and what it refuses has GoTrue's error codes. Users come
// from [Server.SetUser]; [Server.AllowRead] decides what they see. Its tokens
// expire by the clock of [Options], after [Options.TokenLifetime].
//
// The Management API (/v1/projects/{ref}, …/api-keys, …/api-keys/legacy and
// …/health) has the same address as all the rest, while in production it has a
// host of its own. [Server.SetProject] changes what it tells: status, region,
// health, legacy keys. [Server.SetAccessToken] makes personal access tokens
// with fewer permissions, and 120 requests a minute are the limit for each.
// [Server.RotateJWTSecret], [Server.RotateAccessKey] and [Server.RotateAPIKeys]
// replace keys, which counts at once, everywhere.
//
// Every operation is counted ([Server.Count]) and every fault can befall it,
// in the form of errors that the interface has. What stands between a client
// and a bucket does not keep to that form: a [Lie] is an answer that is not
// what it says, and a [Liar] tells them at random.
//
// A [Server] is an [http.Handler]. [Server.Start] serves it on loopback;
// [Server.Transport] answers in memory without sockets, so that it works in a
// testing/synctest bubble, where every delay is virtual.
//
// What it leaves out: image transformation, resumable (TUS) uploads, webhooks,
// the limits of the gateway and of Auth (script a 429), sign-up, other grants,
// and tokens that are signed with asymmetric keys. Not measured, but taken from
// documentation and reports: what the gateway answers for a project that is
// paused or gone, and that Storage still takes legacy keys over S3 after they
// were switched off.
package emulator
