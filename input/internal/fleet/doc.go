// Package fleet keeps as many scopes running as there are buckets and projects: it looks
// at the start, and again with every pass, which there are, begins what is new and ends
// what is gone. It knows neither the server nor Benthos.
//
//	fleet.go    Options, Fleet: the projects that there are
//	project.go  one project: its keys are waited for, its buckets looked up
//	scope.go    one bucket: run, and ended when it is gone
//	turns.go    how many projects are asked for lists at the same time, and for how many
//	pages.go    how many pages of listings are held in memory
//
// Invariants:
//
//   - What fails in one project or bucket is tried again there, and holds up no other.
//   - A project that is there and not to be read any more is let go, and nothing of it
//     counts as deleted.
//   - Nothing counts as gone from one answer: what is missing from a list is asked for by
//     its name, and only a clear no counts.
//   - A list that could not be had changes nothing.
//   - No project and no bucket has a place, or a page, for longer than a request or the
//     objects of that page take, so that none holds up the others, whatever its size.
//   - What is told of a project or bucket is told once when it begins, and once when it
//     ends.
package fleet
