// Package limiter decides how many requests may be under way at an endpoint:
// downloads, parts of large objects and pages of listings together.
//
//	limiter.go  places, how their number grows, and what makes it smaller
//	outage.go   an endpoint that is down is asked by one probe every few seconds
//
// # Why like this
//
// Only push-back makes the limit smaller: 429, 503, 544 and the like, and refused
// connections. Answers that get slower never do. A busy server is slow and serves
// as much as it can; a client that goes away from it only leaves its share to
// others. A limiter that measures slowness and shrinks finds less and less of it: on a
// Storage server whose database was the limit, such a controller fell from 32
// requests to 2, although nothing had been refused.
//
// The limit begins at 32 and doubles to 64 as in TCP's slow start, once half of the
// requests that it allows were answered. A Storage server serves about twenty requests at
// a time from its database pool, and more that wait there keep it busy: 64 is the
// best fixed number on it, and 32 nearly so. Beyond 64 and up to 256 it doubles
// only while the first byte of an answer takes no longer than it did: then each
// request is mostly latency or mostly transfer, and twice the requests are twice
// the work done. Where the first byte comes later, the endpoint only queues. The
// time to the first byte does not depend on the size of an object.
//
// A push-back takes the limit back to where it was good, or where it already was,
// to 7/10, the factor of CUBIC. It remembers the number that was refused, and goes
// half of the way there each time that a whole round of answers was good, as BIC
// does. Once it is just below, it tries that number again after ever longer pauses.
// Many requests that were under way together are pushed back for one reason, so
// only the first counts: that is told by the number that each request has.
//
// Libraries: the limits of failsafe-go (adaptivelimiter) and the Go ports of
// Netflix's concurrency-limits (Vegas, Gradient2) shrink when answers get slower,
// which is the mistake above. Their AIMD has neither a memory of what was refused,
// so that it is pushed back again every few rounds, nor a way to tell one cause
// from a hundred failures. None knows outages or pages that always go on.
//
// # Invariants
//
//  1. A listing always goes on: one page needs no place.
//  2. While the endpoint is down, nothing but the probe asks it.
//  3. A fixed number of downloads stays as it is, whatever happens. Pages have their
//     own limit then.
package limiter
