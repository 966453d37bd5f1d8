package live

import (
	"fmt"
	"os"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/terminal"
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
		_ = terminal.Obeys(f) // where it can be had
		return true
	case Never:
		return false
	default:
		return terminal.Draws(f)
	}
}
