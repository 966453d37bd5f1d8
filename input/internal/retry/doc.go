// Package retry is the only back-off of the input: how long to wait before the next
// attempt, when to stop trying, and how long a server has asked everybody to wait.
//
// # Invariants
//
//  1. A pause ends when its context does.
//  2. Pauses are random, so that many waiters do not come back at the same moment.
//  3. No server can ask for a pause longer than [MaxAfter].
package retry
