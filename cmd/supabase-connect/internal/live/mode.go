package live

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/term"
)

// Flag is the flag of all commands that work for long, Usage says what it does.
const (
	Flag  = "progress"
	Usage = "show progress in a live line: `auto` (at a terminal), always, or never"
)

// Mode says where progress is drawn.
type Mode string

// The modes. Auto draws where stderr is a terminal that obeys.
const (
	Auto   Mode = "auto"
	Always Mode = "always"
	Never  Mode = "never"
)

// ParseMode reads the value of the flag; "" is auto.
func ParseMode(text string) (Mode, error) {
	switch m := Mode(text); m {
	case "":
		return Auto, nil
	case Auto, Always, Never:
		return m, nil
	default:
		return "", fmt.Errorf("--%s %q: write auto, always or never", Flag, text)
	}
}

// draws reports whether a line is to be drawn on a file.
func (m Mode) draws(f *os.File) bool {
	switch m {
	case Always:
		_ = obeys(f) // where it can be had
		return true
	case Never:
		return false
	default:
		return isTerminal(f) && os.Getenv("TERM") != "dumb" && obeys(f)
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// usualColumns is the width where nobody knows it.
const usualColumns = 80

// columnsOf is the width of a terminal at the moment; that in $COLUMNS where it is
// none.
func columnsOf(f *os.File) int {
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		return width
	}
	if width, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && width > 0 {
		return width
	}
	return usualColumns
}
