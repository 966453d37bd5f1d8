// Package discover finds the buckets that a pattern stands for: by their names alone,
// by asking Storage over either plane, or, where the role may not list them, by asking
// the Management API.
//
// Invariants:
//
//   - A role that is shown no bucket because of row level security gets an error that
//     says what to write, and never an empty list.
//   - A list that is incomplete is an error.
//   - What is returned is sorted, and holds each bucket once. A bucket whose name no
//     request can carry is told of, and not returned.
package discover
