// Package object holds the types that all other packages share: an object, its
// content, the credentials of a request, and the errors that say what an endpoint
// answered. It imports only the standard library and package foreign.
//
// # Invariants
//
//  1. Key and ETag say which version an object is; the time never does.
//  2. Every failure of an endpoint is an [Error] of one kind, and [Transient] says
//     whether the same request may succeed later.
//  3. Credentials never appear in an error or a log line.
package object
