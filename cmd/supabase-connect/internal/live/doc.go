// Package live shows at a terminal how far a command has come: one line at the
// bottom, above which the log scrolls, and a summary at the end.
//
//	mode.go      --progress, and whether there is a terminal to draw on
//	screen.go    the terminal: what scrolls, and the line below it
//	capture.go   what the process writes to stdout and stderr goes through the screen
//	logline.go   log lines as people read them
//	session.go   draws the line by time, from the beginning to the end of a command
//	figures.go   the figures of the line, from the runs of the process
//	summary.go   what became of a run
//	scopes.go    what became of the buckets of a run that reads several
//
// Invariants:
//
//   - The cursor rests at the beginning of the line, and the line is never as wide as the
//     terminal. So a terminal that is made narrower wraps the line below the cursor,
//     where the next drawing clears it; and what anybody else writes stands on a row
//     that is drawn again.
//   - Nothing is drawn while what scrolls has not ended its line.
//   - Where there is no terminal nothing changes: the log lines stay what they are.
package live
