// Package schedule says when the passes over a bucket begin: once, a while
// after the last one, or at fixed times. It stands alone: it imports no other room.
//
// Invariants:
//
//   - A time of day happens once a day, also on the days on which the clocks change.
//   - A time that came while a pass was under way is made up for once.
package schedule
