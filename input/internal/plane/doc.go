// Package plane is what the two ways to a bucket have in common: s3, over the S3
// protocol, and rest, over the REST API of Storage. They import this package and not
// each other.
//
//	client.go    Client: what either plane can do; Probing
//	options.go   Options: where the bucket is, how patient the client is
//	caller.go    Caller: one request under a watch, made again with renewed keys
//	watch.go     ends a request that stalls
//	body.go      a body that never ends early without an error
//	content.go   the span that a GET asks for, and what its answer says it is
//	page.go      documents of limited size; the order of a listing's keys
//	remove.go    a deletion, and the listing as its witness
//	move.go      the words of a move, and a request that is not retried
//	usermeta.go  the object's own metadata, from headers
//	url.go       the endpoint, and the escaping of keys
//
// # Invariants
//
//  1. A body ends with io.EOF only after all bytes that were announced.
//  2. Only listing and deletions are retried here. The caller retries a GET, since
//     it knows how much of the body it has.
//  3. Documents are limited in size, whatever the server announces.
//  4. No redirect is followed, so keys go to one host.
package plane
