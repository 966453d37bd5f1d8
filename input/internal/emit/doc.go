// Package emit makes messages of what a scope has: of downloads, of deletions, of objects
// that failed. It hands them over to the pipeline, and watches over those that are not
// acknowledged.
//
//	emitter.go      a download becomes batches of messages
//	document.go     documents that name objects in place of their content, and messages of
//	                what failed
//	metadata.go     the names and values of the message metadata
//	undelivered.go  the batches that are not acknowledged, and what is said of them
//	replayed.go     what the output refuses, where Benthos replays it
//
// # Invariants
//
//  1. Once a body is broken, nothing that the scanner makes of it is handed on.
//  2. All messages of an object have its metadata, and no other version's.
//  3. An object whose scanner makes no message is acknowledged at once.
//  4. Nothing is handed over while the state can't be written (Hold).
package emit
