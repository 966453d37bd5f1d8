// Package top shows what the supabase_storage inputs of a running pipeline do: at a
// terminal, as lines, as JSON, or as a web page. All of it comes from the HTTP server
// of the pipeline, so it works for every pipeline that can be reached.
//
//	command.go  the subcommand and its flags
//	run.go      looks again and again, and shows what was seen
//	scrape.go   one look: /metrics, /ready, and what went wrong, with its remedy
//	parse.go    metrics of both formats that Benthos serves become numbers by series
//	report.go   the document that everything shows, and that --json prints
//	buckets.go  the buckets of an input that reads several, and targets
//	watch.go    rates over the last seconds, from one look to the next
//	state.go    what an input does or waits for, in one word and in a sentence
//	draw.go     the document as text of a number of columns
//	screen.go   the terminal: drawing, keys, and leaving it as it was
//	page.go     the document as a web page
//
// Invariants:
//
//   - No text of the pipeline reaches a terminal or a page unescaped.
//   - The password of a URL is shown nowhere.
//   - A terminal is left as it was found, however the command ends.
//   - The same looks give the same text: only run.go reads a clock.
package top
