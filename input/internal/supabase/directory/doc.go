// Package directory is the list of the projects that one configuration reads: those of
// an organization, or those that are named. It makes sense of what the Management API
// answers; requests are paced by the client that all share.
//
//	directory.go  Directory: the list
//	gone.go       what became of a project that is no longer listed
//
// Invariants:
//
//   - What is wrong with one project is told of that project alone; an error is about
//     all of them.
//   - A reference that is returned may stand in a URL and in a path.
//   - A listing that is incomplete is an error, and never a shorter list.
package directory
