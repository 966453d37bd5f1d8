// Package filter decides from a listing alone which objects are due: include
// and exclude patterns, the time of the last change, the size, and the type where
// the listing tells it. It is pure: the same object, options and time give the same
// verdict.
//
//	filter.go     Options, Filter, Match
//	rule.go       the rules, in the order in which they are asked
//	pattern.go    a pattern as users write it, and what is wrong with it
//	types.go      globs of media types
//	name.go       patterns of whole names, such as those of buckets
//	translate.go  what gobwas/glob does not do by itself
//
// Invariants:
//
//   - An object is dropped by one rule, the first that applies.
//   - An exclude pattern wins over an include pattern.
//   - The type is the last rule, since it may be known last: an object that has to be
//     asked for its type passes all others.
//   - The prefix that is listed is as long as the patterns allow, and never longer.
package filter
