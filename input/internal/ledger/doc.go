// Package ledger knows what was delivered. It loses nothing and repeats almost
// nothing, with some 40 bytes on disk and a tenth of a byte in memory for each
// object, and it writes nothing when nothing happened. It does not know where
// listings come from or where objects go, and of time only when a parked object
// is due.
//
// # How it works
//
// A version is (key, ETag, size) as it was fetched. The keys are cut into segments
// of about 4096 listed objects. In memory there is, for each segment, where it
// begins and its tally: the sum of a hash of each (key, version) that was
// delivered. In the store there is its manifest: all keys in order with a
// fingerprint of the version, and for the parked ones why and until when.
//
//	Compare: the digest of what is listed and matches = that of what was delivered?
//	         ├─ yes: nothing is due, nothing is gone; nothing is read
//	         └─ no:  the manifest and the listing are read side by side
//	                 ─► due (created, updated), parked, vanished ─► Work
//	ack ─► Work.Delivered ─► a change: in the segment, and for the next record
//	Checkpoint: one journal record with the changes since the last one
//	fold: now and then, manifests and changes become new manifests
//
// Only that equality of digests makes an object "unchanged" without a look at it,
// and both sides are computed: one from the listing, the other from what was
// acked. No flag could be set too early: as long as one object is in flight, was
// released, was fetched in another version than was listed, or was gone when it
// was read, the two digests differ. A segment with something parked, absent or
// aliased (see format.AliasOf) is always looked at.
//
// Single objects that are known to have changed (ComparePoints) have no digest
// to compare, and are looked up in their segments' manifests one by one. That
// says nothing about the keys around them.
//
// # Invariants
//
//  1. Only an ack makes an object delivered, in the version that was fetched.
//  2. Only a complete listing of a range makes a key vanish, and only in it.
//  3. The filter decides what is due, not what is known: an object that no
//     longer matches stays tracked, and is not repeated when it matches again.
//     One exception: the type of an object that no listing told is remembered with
//     the version that was left out because of it (Work.LeaveOut). The filter is asked
//     about that type again each time, so that another filter makes due what it lets in.
//  4. A key is in flight in at most one Work. Works refer to keys, never to
//     segments, so segments can be cut and merged at any time.
//  5. The changes of a key are applied in order, and applying a suffix again
//     changes nothing: a journal may be replayed from too early, not too late.
//  6. What was there and cannot be read is an error, never an empty ledger.
//  7. A pass in which nothing happened writes nothing.
//  8. The mutex is never held while the store works. A user of the store holds
//     io, and waiting for io ends with the context. An ack needs no store.
//
// # Crashes and other processes
//
// A fold writes new manifests under new numbers, then the index that refers to
// them, then deletes what the index lists as garbage. So a store without
// transactions may stop after any write: the next fold overwrites manifests that
// no index refers to, and garbage is listed until it is deleted. A crash can only
// forget what no checkpoint wrote, which is then delivered again; a key that is
// gone by then does not vanish, since nothing is known of it.
//
// The value "founded" is written along with the first record, and again with the
// first index: if it is there and they are not, a cache has evicted them. Before
// each write the ledger checks that the index or the journal is as this process
// left it: so two processes on one cache find each other out.
//
// # Many ledgers
//
// A process may have thousands of ledgers in one store ([Shared]). Each has
// values of its own, so one that is damaged, or a store that fails for some of them,
// is an error of one ledger. A ledger at rest has no goroutine and no buffer, only its
// segments and the changes that are not worth a manifest yet. A [Book] says which
// scopes there are; it and the ledgers do not need each other.
//
// # File map
//
//	ledger.go      open, close, figures, identity, failure
//	range.go       a listed range, and what makes a version; their digests
//	compare.go     a range or single objects meet the segments; join.go walks both
//	work.go        what is due, and what became of it
//	segment.go     segments are found, cut and merged
//	journal.go     changes are applied and written; other processes are noticed
//	checkpoint.go  when records are written and folds are due
//	fold.go        changes become manifests
//	load.go        everything that is read
//	admin.go       list parked objects, look, count, forget, mark as delivered
//	store.go       where values are kept
//	book.go        which scopes a store has
//	drop.go        all of a scope is removed
//	format/        what is stored: every value, byte by byte
package ledger
