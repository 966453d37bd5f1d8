// Package scope reads one scope of a project: a bucket and a prefix. It holds what that
// takes together: the state, the listing and its passes, or the targets that messages
// name, the downloads, and what is logged and counted of them.
//
// Its owner makes what is shared and decides what is said (Voice), reaches each scope,
// begins its run and closes it:
//
//	Shared     of an input: the messages, room for downloads, the metrics
//	└ Endpoint  of a project: its keys, how many requests its server can take
//	  └ Scope    Reach ─► Begin ─► run: passes or targets ─► Close
//
// # File map
//
//	shared.go    what all scopes of an input share
//	voice.go     how much is said of a scope, where there is one or where there are many
//	endpoint.go  what all scopes of a project share
//	scope.go     one scope, and the order in which it is closed
//	life.go      a run from its beginning to its end, and why it ended
//	connect.go   what a run needs before it begins: the state, the keys, a first answer
//	wiring.go    the parts of a pass: what is listed, asked for, made a message, removed
//	passes.go    makes the passes that poll asks for
//	targets.go   has delivered what the messages of targets_input name, and answers them
//	drop.go      tells that all is gone, when the scope is
//	ledger.go    opens the ledger and closes it, and what is said while it can't be written
//	watcher.go   what is counted and logged of single objects, and the progress
//	waits.go     what a run waits for while nothing moves
//	log.go       what is said of passes
//
// # Invariants
//
//  1. A scope knows of no other one: what it needs of an owner that has many comes as
//     Options, and as the Voice.
//  2. Of what is told of a project, or of the state of all scopes, one line is logged, and
//     not one for each scope.
//  3. What was acked is written before anything that may hang is waited for (Close).
//  4. A run that can't record anything any more ends: all that it would still deliver
//     would be delivered again.
package scope
