// Package fetch downloads sequences of objects: many at a time, under a budget
// of bytes, each retried on its own so that a slow or failing object holds back
// nothing but itself. It does not know where the objects come from, nor what
// becomes of their bytes.
//
// A pass begins a [Run] over its objects. All runs of a [Fetcher] share the limiter
// and what is known of the endpoint, and the runs of many Fetchers a [Room]: the
// places of the process, the bytes of the budget and the rate. Each object is an
// [Item] with a [Claim], which hears how it ends.
//
//	fetch.go     Options, Item and Claim, Fetcher: what runs share
//	run.go       one sequence: objects wait, begin, are tried again, or fail
//	queue.go     objects that wait for their next attempt
//	room.go      what the runs of many Fetchers share: places, bytes of the budget
//	turn.go      whose turn it is to have them
//	pace.go      how many bytes a second all bodies bring
//	budget.go    what an object counts for
//	named.go     the first step of an object of which only the key is known
//	download.go  one attempt at an object
//	reference.go the same without its content
//	accept.go    whether an answer is the object: the listing is the witness
//	stale.go     waiting for a cache that has the version before
//	content.go   whether bytes are what an ETag says
//	body.go      one version, read from its first byte to its last
//	ranges.go    whether the parts of an object may be read side by side
//	ahead.go     the parts that follow, read side by side
//	buffers.go   the memory of parts, used again and again
//
// Invariants:
//
//   - Nothing is handed on that is not a version which the listing shows, with its
//     ETag and its size, or which the content proves to be that version.
//   - An object has vanished only where the listing no longer shows it.
//   - Of an object of which only the key is known, the listing is asked first.
//   - Each claim is settled once: delivered, failed, or released.
//   - Bytes of two versions are never joined.
//   - No run waits for room that it could have, and of runs that wait none is passed
//     over without end.
//   - A run that has ended leaves nothing behind in its Room or its limiter.
package fetch
