// Package input provides the Benthos input supabase_storage: it lists a bucket
// of Supabase Storage over its S3-compatible endpoint, leaves out what the
// filters take, downloads the rest, and emits every object as a message with
// metadata. Importing the package registers the input.
//
// # Flow
//
//	data:  s3bucket.List ─► filter.Match ─► fetch.Run (a window of downloads
//	       under a byte budget) ─► delivery (scanner, metadata) ─► chan ─►
//	       reader.ReadBatch ─► pipeline ─► output
//	acks:  output ─► scanner (all messages of the object) ─► pass.claim ─►
//	       tally, and the deletion where it is asked for
//
// # File map
//
//	supabase_storage.go    registers the input and wires its constructor
//	spec*.go               the config fields: descriptions, defaults, lint rules
//	config*.go             a parsed config becomes one checked struct
//	reader.go              service.BatchInput: connect, read, close
//	delivery.go            a download becomes batches of messages
//	metadata.go            the names and values of the message metadata
//	watcher.go, metrics.go what the user is told: log lines and metrics
//	outcome.go             how runs of this process ended, for its exit code
//
//	internal/bucket        the words all rooms speak: objects and errors
//	internal/retry         the one back-off
//	internal/filter        globs, time and size: one pure Match
//	internal/supabase      projects, endpoints, keys, and what refusals mean
//	internal/s3bucket      the only importer of the AWS SDK
//	internal/fetch         downloads under way, their retries and resumption
//	internal/pass          one pass: who is due, what became of each object
//
// # Invariants
//
//  1. An object counts as delivered only from an ack; a download, a send or a
//     listing never settles anything.
//  2. Identity is (key, ETag, size), the one that was fetched. LastModified
//     filters; it does not tell whether something changed, since any UPDATE of
//     the row moves it.
//  3. Listing is flat. The server silently skips keys when a delimiter is set.
//  4. A body is one version. The server ignores If-Match, so the ETag and the
//     total size of every answer are compared with the first one's.
//  5. Once a body is broken, nothing that the scanner makes of it is handed on:
//     many scanners take a read error for the end of their last record.
//  6. A slow or failing object holds back nothing but itself: a failed attempt
//     gives its place back and waits elsewhere.
//  7. What may pass (429, 5xx, 544, a cut connection) is never taken for
//     permanent; what is permanent is told with its reason, and blocks nothing.
//  8. Memory is bounded by configuration. The byte budget is given back when a
//     download is handed to the pipeline, not when it is acked: an output that
//     gathers batches would otherwise wait for ever.
//  9. ReadBatch returns the end as soon as everything is handed on. It must not
//     wait for acks, since an output may flush its last batch only at the end;
//     Close, which Benthos calls after the last ack, does the accounting.
//  10. Every object is in exactly one counter, and they add up to what was
//     listed.
package input
