// Package emulator is a local Supabase project: its Storage, and as much of its
// Auth and of the Management API as a client of Storage needs.
//
// Storage speaks the dialect of the real server, as it was measured on v1.70.6,
// over both interfaces: S3 below /storage/v1/s3 and REST below /storage/v1/object
// (listings, reads, info, uploads, moves, deletions) and /storage/v1/bucket (reads,
// creation). With it a pipeline can be tried, tested and broken on purpose without a
// project: signatures, tokens, row level security, listing, ranges,
// odd keys and errors behave as in production, and every request can be slowed,
// cut, refused or overtaken by a write (see [Server.SetFaults]).
//
//	request ─► gateway ─► route ─► journal ─► fault ─┬─► auth ─► S3 or REST ─► body
//	                                                │             │
//	                                                │   store: memory (New) or a folder (NewDir)
//	                                                ├─► apikey ─► Auth: users, sessions
//	                                                └─► access token ─► Management API: the project
//
// [Options.Gateway] is what stands in front: Kong or Envoy, which put a token in
// place of a secret or publishable key in the header apikey, each with its
// peculiarities, or nothing, and then Storage takes JWTs alone.
//
// Auth (/auth/v1/token) signs users in with their password and exchanges their
// refresh tokens, as GoTrue v2 does: a refresh token can be exchanged once, a later
// use ends the session, and refusals have GoTrue's error codes. Users come from
// [Server.SetUser]; [Server.AllowRead] decides what they see. Tokens expire by the
// clock of [Options], after [Options.TokenLifetime].
//
// The Management API (/v1/projects/{ref}, …/api-keys, …/api-keys/legacy, …/health and
// …/storage/buckets, /v1/projects, /v1/organizations/{slug}/projects) has the same
// address as everything else, while in production it has a host of its own.
// [Server.SetProject] changes its answers: status, region, health, legacy keys.
// [Server.SetAccessToken] makes personal access tokens with fewer permissions; each
// may make 120 requests a minute about one project or organization. [Server.RotateJWTSecret],
// [Server.RotateAccessKey] and [Server.RotateAPIKeys] replace keys, with immediate
// effect everywhere; [Server.AddSecretKey] and [Server.RemoveSecretKey] rotate a
// secret key without a gap.
//
// An [Organization] is many projects at one address, each a [Server] with keys,
// buckets and faults of its own:
//
//	request ─► host or path ─┬─► {ref}.supabase.co, /{ref}/storage/v1, /{ref}/auth/v1: that Server
//	                         └─► api.supabase.com, /v1: the Server it is about, or the organization
//
// A project does not see the /{ref} in front of its paths, but signatures cover it,
// as they cover every path that a client sent. Projects come, go, move and rotate
// their keys while they are used. [FaultRules] names the usual troubles of one project;
// [Organization.Minutes] and [Organization.Requests] count what all of them cost.
//
// Every operation is counted ([Server.Count]), and every operation can have every
// fault, with errors in the form of its interface. Proxies and gateways in front of
// a bucket do not keep to that form: a [Lie] is an answer that is not what it says
// it is, and a [Liar] tells lies at random. [Fault.CDN] is a cache that serves old
// versions over REST.
//
// A [Server] and an [Organization] are an [http.Handler]. Their Start serves them on
// loopback; their Transport answers in memory without sockets, so that it works in a
// testing/synctest bubble, where every delay is virtual. The Transport of an
// organization takes the addresses of production, too.
//
// It does not have: image transformation, resumable (TUS) uploads and uploads by
// form, signed URLs over REST, webhooks, the limits of the gateway and of Auth
// (script a 429), sign-up, other grants, and tokens that are signed with asymmetric
// keys. Some things were not measured but come from documentation and reports: what
// the gateway answers for a paused or removed project, that the hosted gateway refuses
// legacy keys over REST after they were switched off, that Storage still accepts
// them over S3, and the lists of the Management API, whose shapes and limits are those
// of its published description. That an unknown organization is 404, and the words with
// which a bad offset, limit, sort or status is refused, are guesses.
package emulator
