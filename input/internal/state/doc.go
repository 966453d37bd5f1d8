// Package state opens where an input remembers what was delivered, and writes what is
// remembered when it is due.
//
//	open.go    a file, a cache or memory; and which errors only another configuration can fix
//	cache.go   a ledger in a cache resource of Benthos, and which caches keep one
//	keeper.go  writes the checkpoints of a ledger, and holds messages back while that fails
//
// # Invariants
//
//  1. A cache that loses values by its nature is refused, or warned of, before it has lost
//     any.
//  2. No ack writes a checkpoint: Benthos holds a lock during each, and all others wait.
//  3. While checkpoints fail nothing is delivered: a restart would deliver it again.
package state
