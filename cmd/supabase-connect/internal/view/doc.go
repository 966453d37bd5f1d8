// Package view writes what a run does for people: numbers, sizes, rates and times
// in one form everywhere, one line that fits a terminal, and rates over the last
// seconds.
//
//	words.go   numbers, bytes, rates and durations
//	counts.go  counts by name: their sum, and their order
//	lists.go   lists of buckets and names: how many, which are alike, the first ones
//	fit.go     texts that fit a number of columns
//	line.go    the live line: the figures of a run, as many as fit
//	window.go  rates over the last seconds
//
// Invariants:
//
//   - A line is never wider than asked for, whatever its text: wide characters count
//     twice, and control characters never reach a terminal.
//   - Nothing here reads a clock, so that the same figures give the same text.
package view
