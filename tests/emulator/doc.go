// Package emulator is a local Supabase Storage. It speaks the dialect of the
// real server, as it was measured on v1.70.6, over the two interfaces that the
// gateway shows: S3 below /storage/v1/s3 and REST below /storage/v1/object.
//
// It is there so that a pipeline can be tried, tested and broken on purpose
// without a project: signatures, tokens, row level security, listing, ranges,
// odd keys and errors answer as they do in production, and every request can
// be slowed, cut, refused or overtaken by a write (see [Server.SetFaults]).
//
//	request ─► ServeHTTP ─► route ─► journal ─► fault ─► auth ─► S3 or REST ─► body
//	                                                              │
//	                                              store: memory (New) or a folder (NewDir)
//
// A [Server] is an [http.Handler]. [Server.Start] serves it on loopback;
// [Server.Transport] answers in memory without sockets, so that it works in a
// testing/synctest bubble, where every delay is virtual.
//
// What it leaves out: image transformation, resumable (TUS) uploads, webhooks,
// and the gateway's own limits.
package emulator
