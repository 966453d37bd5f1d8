// Package check tests a configuration step by step, for somebody who waits for the
// answer: each step that a run depends on, and what a run would deliver. It delivers
// nothing and writes to nothing.
//
//	check.go       what goes in, and the report that comes out
//	checker.go     the steps, one after the other
//	host.go, access.go, sample.go, state.go, download.go
//	               the single steps
//	several.go     the check of several buckets, some at the same time, and its sum
//	discover.go    which projects and buckets there are
//	project.go     what the buckets of a project share
//	scope.go       the report on one of several buckets, and the choice of one
//	explain.go     what would become of a single key, and why
//	target.go      what would become of a message of targets_input
//	problem.go     errors become problems
//	writable*.go   whether a file may be written to, without writing to it
//
// # Invariants
//
//   - A step that fails names the field, the problem and the remedy, as data; a step
//     that needs it is skipped.
//   - What may pass is tried again, and not for long.
//   - No secret is in a report.
//   - Host and keys are checked once for each project. A bucket that answers slowly, or
//     not at all, does not delay the others.
package check
