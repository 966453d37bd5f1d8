// Package listing lists a bucket with several listers at a time. The server
// gives a thousand keys a page and can begin a listing at any key.
//
// # How the key space is cut
//
// One lister begins with the whole key space. When another lister is idle, the
// share that seems to have the most left is cut in two, and the idle lister
// lists the upper half. Nobody knows beforehand where the keys are, so a model
// of the keys seen so far estimates how much is left and where half of it lies.
// An idle lister's first page is therefore nearly always full of keys that had
// to be listed anyway. If the caller knows bounds from an earlier listing (a
// ledger's segments), shares are cut there instead.
//
//	schedule (who lists what) ─► Pager ─► share (check, keep) ─► ranges ─► consumer
//	    ▲ split ◄─ estimate ◄─ model (samples of the listed keys) ◄─┘
//	    └ Limiter (what the endpoint can take)
//
// The estimate is one rule. The last key of a share is read as a path in a tree
// of bytes. At each level, the keys found so far that share the bytes above it are
// divided by the number of different bytes that they have there. Each greater byte
// that keys have at such a place may hold as many keys again.
//
// # Files
//
//	listing.go   List, its options, and the Range that the consumer gets
//	schedule.go  one run of List: which lister lists which share next
//	room.go      what the listing holds, where many share the memory
//	share.go     the part of the key space that one lister lists; checks its pages
//	split.go     cuts a share in two
//	estimate.go  how many keys a share has left, and where
//	model.go     samples of the listed keys, and which bytes they have where
//	keys.go      bounds between keys
//
// # Invariants
//
//  1. The ranges do not overlap. They cover the prefix if and only if the listing
//     ended without an error.
//  2. A key that exists during the whole listing is listed exactly once.
//  3. A range crosses none of the given bounds.
//  4. A page that can't be right (wrong prefix, wrong order, no progress) is an
//     error, never an end.
//  5. Only the consumer's goroutine touches the schedule, the shares and the model;
//     the others fetch one page each. Nothing here has a lock.
//  6. No more than Options.Listers pages are under way, and no more than the
//     Limiter allows; one is always allowed, so the listing never stands still.
//  7. A consumer that does not pull stops the listing, so memory is bounded: by the
//     listers and the size of ranges, and by the Room where there is one.
//
// # Not obvious
//
// The listing is flat: with a delimiter the server skips keys. A key with
// U+FFFD may stand for another key, so such keys come separately (Range.Unplaced).
package listing
