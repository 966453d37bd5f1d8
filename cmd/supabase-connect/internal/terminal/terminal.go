// Package terminal writes for people: keys that cannot harm a terminal, marks
// and colours where there is one, and JSON for all others.
package terminal

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strconv"
	"unicode"
)

// Printable quotes what a terminal would not show as it is: keys are their
// uploaders' to choose.
func Printable(text string) string {
	for _, r := range text {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return strconv.Quote(text)
		}
	}
	return text
}

// JSON encodes a value, with <, > and & as they are in keys. The indent is for
// each level; "" puts all on one line.
func JSON(v any, indent string) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	err := encoder.Encode(v)
	return bytes.TrimSpace(text.Bytes()), err
}

// Colour is how a text is to look.
type Colour string

// The colours, as the codes of ANSI terminals.
const (
	Green  Colour = "32"
	Yellow Colour = "33"
	Red    Colour = "31"
	Faint  Colour = "2"
	Bold   Colour = "1"
)

// Painter colours texts, or leaves them as they are.
type Painter bool

// Wrapper is a writer in front of another one, which may be a terminal.
type Wrapper interface{ Terminal() io.Writer }

// below is the writer that w stands in front of, or w.
func below(w io.Writer) io.Writer {
	if wrapper, ok := w.(Wrapper); ok {
		return wrapper.Terminal()
	}
	return w
}

// PainterFor paints what is written to a terminal, unless NO_COLOR is set
// (https://no-color.org) or the terminal is a dumb one.
func PainterFor(w io.Writer) Painter {
	file, ok := below(w).(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := file.Stat()
	return Painter(err == nil && info.Mode()&os.ModeCharDevice != 0)
}

// Paint returns the text in a colour, "" being that of the terminal.
func (p Painter) Paint(c Colour, text string) string {
	if !p || text == "" || c == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}
