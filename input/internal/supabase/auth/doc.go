// Package auth is a client of a project's Auth: it signs a user in, renews the
// session and ends it. Each call is one request that is not retried here. Errors
// are those of package api.
package auth
