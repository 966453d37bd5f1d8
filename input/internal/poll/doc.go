// Package poll decides what runs when over one scope: when the next pass is due,
// and whether it lists everything or asks only for what changed. It makes no
// pass and no request itself; [Passes] does. An input with several scopes has a
// Loop and a Choice for each.
//
//	loop.go    when: passes as the schedule says, failed ones again, and parked
//	           objects in between
//	choice.go  what: a full listing, or the changes alone
//
// What the choice says of the next pass, in this order:
//
//	nobody can be asked, or asking rests     list, and remember nothing
//	the bucket is a page                     list, and remember nothing
//	a full listing is owed or due, or what
//	is remembered is not enough              list, and remember
//	otherwise                                ask for changes
//
// Asking rests for a while when the server can't be asked, keeps failing, or
// takes longer than a full listing.
//
// Invariants:
//
//   - Passes of a scope never overlap.
//   - A pass that asks for changes and fails is followed by a full listing at once.
//   - A full listing begins at least every FullEvery, so that nothing that asking
//     does not show (deletions, rows that became visible late) is missed for longer.
//   - A failed pass is made again after a pause, and never later than the schedule
//     says. A parked object does not wait for the schedule either.
//   - Only a full listing that was complete changes what asking is compared with.
package poll
