// Package boltstore keeps a ledger's values in one bbolt file: batches are
// atomic, every write is on the disk when it returns, and a second process is
// locked out. A file gets its name only once it is whole (create.go), and is
// verified before it is used (verify.go). Errors that last are kept apart from
// errors that may pass (errors.go). Batches that wait for the disk at the same time are
// written together, in the order of their calls, and one that fails does so alone
// (group.go).
package boltstore
