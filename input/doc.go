// Package input provides the Benthos input supabase_storage: it lists a bucket
// of Supabase Storage over its S3-compatible endpoint, leaves out what the
// filters drop and what was delivered before, downloads the rest, and emits
// every object as a message with metadata. Importing the package registers the
// input.
//
// # Words
//
// One word for one thing, in code, logs, metrics and documents:
//
//	scope     what is read: a project, a bucket and a prefix. People see it as
//	          ref/bucket (name of the project) in lists, and in sentences as
//	          bucket "b" of project "name" (ref): see object.ScopeName
//	pass      one run over a scope; it ends with counts that add up
//	listing   the pages that show every object of a scope
//	changes   what was written since a time, in place of a whole listing
//	range     all keys between two bounds, or bytes of one object from an offset on
//	part      a range of a large object that is read ahead of the scanner
//	attempt   one try at an object or a request; the pauses between them grow
//	claim     what waits for the end of an object's delivery: it travels with it
//	due       to be delivered in this pass: new, changed, or parked and tried again
//	ack       the output has all messages of an object; only this settles it
//	target    an object that a message names, to be delivered as it is now
//	parked    set aside after its last attempt, with a reason; tried again later
//	book      which scopes a state holds
//	state     what is remembered between runs; the ledger keeps it
//	identity  who the server treats us as: a role or a user
//	version   one content of a key: key, ETag and size
//
// # Flow
//
//	when:  schedule.Plan ─► poll.Run ─► scope: one pass after the other, never two
//	data:  listing.List (ranges of the bucket at the same time), or, between two
//	       full listings, changes.Since (only what changed) ─► filter.Match ─►
//	       ledger.Compare ─► fetch.Fetcher (as many as limiter.Limiter allows, under a byte
//	       budget; the listing is the witness of each) ─► emit (scanner, metadata) ─► chan ─►
//	       hub.ReadBatch ─► pipeline ─► output
//	or:    scope/targets.go ─► pass.Targets ─► fetch.Fetcher, which asks the listing for each
//	       key first; with listings next to it, the ledger is asked too
//	acks:  output ─► scanner (all messages of the object) ─► the pass ─►
//	       tally, ledger.Work, and the deletion where it is asked for;
//	       state.Keeper: a checkpoint of the ledger now and then
//
// # Layers
//
//	single.go (one scope)     several*.go (many; package fleet says which)
//	        └───────────────┬───────────────┘
//	                     hub.go
//	                        │
//	internal/scope:  Shared ─► Endpoint (a project) ─► Scope (a bucket)
//	                        │
//	   poll, pass, listing, fetch, ledger …     state, emit, meter, outage
//
// # File map
//
//	plugin.go              registers the input and wires its constructor
//	hub.go                 what Benthos has of an input: messages, connecting, closing
//	single.go              service.BatchInput for one scope, and the account of its run
//	several.go             service.BatchInput for many scopes: the buckets of a pattern,
//	                       in one project or many
//	several_project.go     one of the projects, for package fleet
//	several_scope.go       one of the scopes, for package fleet
//	several_named.go       buckets that are named, so that no list tells which are there
//	several_log.go         what is told of projects and buckets that come and go
//	several_trouble.go     what is told of those that fail, each thing once
//	several_watch.go       what is told now and then, and shown: how many are read or wait
//	several_book.go        the book of the scopes that the state holds
//	several_report.go      how far all have come, and what became of each
//	several_left.go        what is left of them, each reason once
//	scopename.go           how scopes are named to people: object.ScopeName
//	state.go               what is remembered, for tools that look at it or change it
//	states.go              the same for the scopes of a state
//	states_discover.go     which scopes a config reads, for tools
//	check.go               tests a config for tools: the names of internal/check
//	progress.go            how far the one-time runs of this process have come
//	outcome.go             how runs of this process ended, and the command line of
//	                       Benthos with that exit code
//
//	internal/scope         one scope, and what it shares with others: keys, room, voice
//	internal/object        the words all rooms speak: objects and errors
//	internal/config        the fields, their lint rules, and the one checked struct
//	                       that they become
//	internal/check         the steps of a check, and its report
//	internal/foreign       the one door for text that others wrote
//	internal/wire          the connections of all HTTP clients
//	internal/retry         the one back-off
//	internal/emit          objects become messages, and which of them have no ack
//	internal/state         opens a ledger in a file, a cache or memory, and writes its
//	                       checkpoints when they are due
//	internal/meter         the metrics, as the parts of an input see them
//	internal/outage        what is said of something that does not work for a while
//	internal/filter        globs, time, size and type: one pure Match
//	internal/supabase      projects, endpoints, keys, and what refusals mean; below
//	                       it keys (which keys are good now, and where new ones
//	                       come from), changes (what changed since a time, by the
//	                       REST API) and the clients management and auth, on api
//	internal/fleet         which scopes run: what is new begins, what is gone ends
//	internal/discover      the buckets of a pattern
//	internal/schedule      when passes begin: once, after a pause, at fixed times
//	internal/poll          what runs when: the passes of a schedule, failed ones again,
//	                       parked objects in between; a full listing or the changes
//	internal/listing       a bucket listed in parts side by side, each complete
//	internal/ledger        which version of each key was delivered, and what is due
//	                       (ledger/format: what is stored)
//	internal/s3            the S3 protocol; the only importer of the AWS SDK
//	internal/rest          the Storage REST API, for keys that the S3 protocol does not take
//	internal/plane         what both have in common, and the interface of either
//	internal/limiter       how many requests may be under way, and whether the
//	                       endpoint is down
//	internal/fetch         downloads under way: their bytes, their retries; large
//	                       objects in parts where ranges are cheap
//	internal/pass          one pass over a scope: what is due, what became of each object
//
// # Invariants
//
//  1. An object counts as delivered only from an ack; a download, a send or a
//     listing never settles anything, and writes nothing to the ledger.
//  2. Identity is (key, ETag, size), the one that was fetched. LastModified
//     filters; it does not tell whether something changed, since any UPDATE of
//     the row moves it. (change_detection: modified asks for just that.)
//  3. Listing is flat. The server silently skips keys when a delimiter is set.
//  4. A body is one version that the listing shows: the ETag and the total size of
//     every answer are compared with the listed ones, since gateways answer for the
//     server, and the server ignores If-Match. Absence and deletion have the same
//     witness.
//  5. Once a body is broken, nothing that the scanner makes of it is handed on:
//     many scanners mistake a read error for the end of their last record.
//  6. A slow or failing object holds back nothing but itself: a failed attempt
//     gives its place back and waits elsewhere.
//  7. What may pass (429, 5xx, 544, a cut connection) never counts as
//     permanent; what is permanent is reported with its reason, and blocks nothing.
//  8. Memory is bounded by configuration. The byte budget is given back when a
//     download is handed to the pipeline, not when it is acked: an output that
//     gathers batches would otherwise wait forever.
//  9. ReadBatch returns the end as soon as everything is handed on. It must not
//     wait for acks, since an output may flush its last batch only at the end;
//     Close, which Benthos calls after the last ack, does the accounting.
//  10. Every object is in exactly one counter of a pass, and they add up to what
//     was listed. A pass that asks for changes lists the rows that no pass
//     before it has dealt with.
//  11. Nothing is decided from a listing that did not complete: nothing counts as
//     deleted, and no pass as complete. One that asked for changes
//     alone never is: full listings are what correctness rests on, and whatever
//     the others miss or fail at, the next full listing finds.
//     Under row level security not even a complete listing, or a 404, tells
//     what is gone from what is hidden: see package pass, missing.go.
//  12. A pass over a bucket in which nothing changed writes nothing and emits
//     nothing.
//  13. A ledger that cannot be read never counts as an empty one.
//     One that can't be written any more ends the run; what a run acked more than
//     a second before a kill is in it, so that its deletion is told later.
//  14. A message of targets_input is acknowledged when everything that it names is, and
//     refused when any of that was or the input stops; it is read only while there is
//     room for what it names.
//  15. Keys that were refused are renewed once for all requests, and the requests
//     made again. That new ones cannot be had for a while is waited for: no object
//     is parked, and no run ended, because of it.
package input
