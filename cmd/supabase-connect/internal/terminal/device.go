package terminal

import (
	"io"
	"os"
	"strconv"

	"golang.org/x/term"
)

// Is reports whether what is written ends at a terminal, also through a [Wrapper].
func Is(w io.Writer) bool {
	f, ok := below(w).(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Draws reports whether a terminal can be drawn on, and has it obey escape sequences.
func Draws(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && Is(f) && os.Getenv("TERM") != "dumb" && Obeys(f)
}

// The size where nobody knows it.
const (
	usualColumns = 80
	usualRows    = 24
)

// Size is that of a terminal at the moment; elsewhere $COLUMNS by 24, or 80 by 24.
func Size(w io.Writer) (columns, rows int) {
	if f, ok := w.(*os.File); ok {
		if columns, rows, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 && rows > 0 {
			return columns, rows
		}
	}
	if columns, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && columns > 0 {
		return columns, usualRows
	}
	return usualColumns, usualRows
}
