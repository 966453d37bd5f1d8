// Package api is the HTTP client of Supabase's JSON APIs: Auth, the Management
// API, and the REST API of Storage. It makes single requests, retries nothing,
// follows no redirect, reads a bounded part of an answer, and names every failure
// as one of the kinds of package object.
//
//	client.go   Client: one request, one decoded answer
//	refusal.go  the error of an answer that is not 2xx or not JSON, and how long to wait
//	kind.go     Kind, Passing, ForeignKind: what statuses, codes and messages mean; for s3 and rest, too
//
// Invariants:
//   - No error holds what the request was sent with, or what looks like a secret.
//   - A status is judged in kind.go, and nowhere else.
//   - Storage writes HTTP 400 for nearly every refusal, and the real status into
//     the body. The real one is the Status of the error.
package api
