// Package outage decides what is said of something that does not work for a while: one
// line when it begins, a line now and then while it lasts, and one when it is over,
// however many attempts fail in between.
//
//	lines.go   which attempts are worth a line
//	log.go     the lines about what requests wait for
//	reason.go  the error that lasts at the moment
//
// # Invariants
//
//  1. An hour of an outage has about a dozen lines, and the end of a log says what is
//     waited for.
//  2. The end of an outage is told only if its beginning was.
package outage
