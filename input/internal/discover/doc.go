// Package discover finds the buckets that a pattern stands for: by their names alone,
// by asking Storage over either plane, or, where the role may not list them, by asking
// the Management API.
//
// Invariants:
//
//   - A role that is shown no bucket because of row level security gets an error that
//     says what to write, and never an empty list.
//   - A list that is incomplete is an error.
//   - What is returned is sorted, holds each bucket once, and may stand in a path.
package discover
