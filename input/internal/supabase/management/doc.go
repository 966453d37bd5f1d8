// Package management is a client of Supabase's Management API: which projects there
// are, which keys and buckets a project has, where it runs, and whether its Storage is
// up. Each call is one request that is not retried here. Errors are those of package
// api.
//
//	management.go  Client; one project: its facts, its health, its keys
//	list.go        the projects of an organization or an account; a project's buckets
//	pacer.go       the quota of the API
//
// Invariants:
//
//   - All requests of a client keep within one quota: at most atOnce are under way,
//     never more than the quota has left, and none while the API asked for a pause. The
//     API has a quota for each project and one for each organization, and an answer does
//     not say which of them it is about: the smallest number counts for all, for a
//     minute at most.
//   - Names and states that are returned are fit to be shown. References are returned
//     as they came: who builds a path or a URL of one checks it first.
package management
