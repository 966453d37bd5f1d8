// Package pass makes the passes over one scope: it lists, leaves out what the
// filter drops and what the ledger knows as delivered, has the rest downloaded
// and delivered, and accounts for every object that it saw. It knows neither
// Benthos nor any protocol, and does not decide when a pass is due.
//
//	scope.go    Options, Scope: what the passes over one scope have in common
//	pass.go     Task, Pass: what one pass is to do, and its way
//	listed.go   due objects from a full listing, and what they all go through
//	changed.go  due objects from what changed, and from what waits
//	recent.go   what is remembered so that a pass can ask for changes
//	waiting.go  objects that are looked at again later
//	claim.go    one object from its download to its ack
//	failures.go hands on what failed for good
//	targets.go  objects that messages name: each key is under way once at a time
//	mentions.go what is known of such a key, and of who named it
//	named.go    one attempt at such an object, and what is counted of it
//	missing.go  tracked keys that were not listed: when they count as gone
//	remove.go   takes delivered objects away: the queue, and the deletion of one
//	move.go     the move of one object, by what the listing shows
//	tally.go    the report of a pass
//	told.go     which objects are parked, and for which reasons
//
// Invariants:
//
//   - Every object that a pass sees is in exactly one counter of its report.
//   - An object counts as delivered only in receipt.settle, once all of it was
//     handed on and acked.
//   - What the filter has to know of an object and the listing does not tell, due.Wants
//     decides by the answer, before its content is read. It counts as left out then, as
//     it does where the listing tells.
//   - Nothing is concluded from a listing that is not complete: no key is missing,
//     and no pass complete.
//   - A pass is over when its listing is complete and its objects are done with, or
//     when the next pass is due. Objects that are still under way then belong to it
//     until they are done with; later passes leave them out.
//   - What a comparison with the ledger does not settle is looked at again: it waits
//     for its time, or the next full listing shows it.
//   - A key that targets name is under way once at a time, from the listing that resolves
//     it to the ack of its last message: no old version comes after a new one.
//   - Each target is told once how it ends, at the latest by Targets.Close.
//
// A source of due objects is a function that yields items with claims, as those in
// listed.go, changed.go and targets.go are.
package pass
