// Package management is a client of Supabase's Management API: which keys a
// project has, where it runs, and whether its Storage is up. Each call is one
// request that is not retried here. Errors are those of package api.
package management
