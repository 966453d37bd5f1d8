// Package ledger knows what has been delivered. It loses nothing and repeats
// almost nothing, with some 40 bytes on disk and a tenth of a byte in memory
// for each object, and it writes nothing when nothing happened. It knows
// neither where listings come from nor where objects go, and nothing of time
// but when a parked object is due.
//
// # How it works
//
// Identity is (key, ETag, size) of the version that was fetched. The keys are
// cut into segments of about 4096 listed objects. In memory there is, for each
// segment, where it begins and a digest of what was delivered in it: the sum
// of a hash of each (key, identity). In the store there is its manifest: all
// keys in order with a fingerprint of the identity, and of the parked ones why
// and until when.
//
//	Compare: the digest of what is listed and matches = that of what was delivered?
//	         ├─ yes: nothing is due, nothing is gone; nothing is read
//	         └─ no:  the manifest and the listing are read side by side
//	                 ─► due (created, updated), parked, vanished ─► Work
//	ack ─► Work.Delivered ─► the segment's delta, and the next journal record
//	Checkpoint: one journal record with what was settled since the last
//	fold: now and then, manifests with their deltas become new manifests
//
// That equality of digests is the only thing that makes an object "unchanged"
// without a look at it, and both sides are computed, one from the listing, the
// other from what was acked. There is no flag that could be set too early: as
// long as one object is in flight, was released, was fetched in another
// version than was listed, or was there when it was listed and gone when it was
// read, the two digests differ. A segment with something parked, absent or
// aliased (see alias) is always looked at.
//
// Single objects that are known to have changed (ComparePoints) have no digest
// to compare, and are looked up in their segments' manifests one by one. That
// says nothing of the keys beside them.
//
// # Invariants
//
//  1. Only an ack makes an object delivered, and it makes that version so which
//     was fetched.
//  2. Only a complete listing of a range makes a key vanish, and only keys of
//     that range.
//  3. The filter decides what is due, not what is known: an object that no
//     longer matches stays tracked, one that matches again is not repeated.
//  4. A key is in flight in at most one Work. Works refer to keys, never to
//     segments, so segments can be cut and merged at any time.
//  5. The changes of a key are applied in their order, and applying a suffix of
//     them again changes nothing: so a journal may be replayed from too early,
//     never from too late.
//  6. What was there and cannot be read is an error, never an empty ledger.
//  7. A pass in which nothing happened writes nothing.
//  8. The mutex is never held while the store works; whoever needs the store
//     holds io, for which waiting ends with the context. An ack needs no store.
//
// # What is stored
//
// All values are sealed (envelope.go), and all keys carry the hash of the
// scope. The index (index.go) is the only value that is overwritten; it says
// which manifests and journal records count. A fold writes new manifests under
// new numbers, then the index, then it deletes what the index lists as
// garbage. So a store that has no transactions may stop after any single
// write: manifests that no index refers to are overwritten by the next fold,
// since their numbers are not used up before the index says so, and garbage
// that was not deleted is still listed. The worst that a crash does is to
// forget what no checkpoint wrote, which is then delivered again. A key that was
// delivered so late and is gone at the restart is unknown: it does not vanish.
//
// A value "founded" is written along with the first journal record and again
// with the first index. If it is there and they are not, a cache has evicted
// them. Before each write the ledger looks whether the index or the journal is
// still as this process left it; thus two processes on one cache find each
// other out.
//
// # File map
//
//	ledger.go      open, close, figures
//	compare.go     a listing meets the segments; join.go walks both
//	points.go      single objects meet the segments
//	work.go        what is due, and what became of it
//	checkpoint.go  the journal is written, folds are due
//	fold.go        deltas become manifests
//	load.go        the index and the journal are read
//	viewer.go      whom the listings were shown to
//	admin.go       list parked objects, forget, mark as delivered
//	look.go        what is known of one key; close without writing
//	tracked.go     how much is tracked below a prefix
//	segment.go, entry.go, identity.go, stretch.go, item.go, limits.go
//	               the words: a key range, a key, a version, a listing
//	manifest.go, keys.go, journal.go, index.go, flags.go, envelope.go, codec.go
//	               the stored forms, format 1
//	failure.go     what may pass and what cannot
//	store.go, memstore.go, scope.go
//	               where values are kept, and under which keys
package ledger
