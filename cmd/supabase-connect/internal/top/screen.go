package top

import (
	"bytes"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// screen draws on a terminal, in place of what was there, until it is closed.
type screen struct {
	out     *os.File
	restore func()
	closed  bool
}

// The codes of ANSI terminals: a second screen without a cursor and with long lines cut,
// and back.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l\x1b[?7l"
	leaveScreen = "\x1b[?7h\x1b[?25h\x1b[?1049l"
	home        = "\x1b[H"
	// clearLine and clearRest clear what an earlier drawing left.
	clearLine, clearRest = "\x1b[K", "\x1b[J"
)

// openScreen takes over the terminal. Where stdin is one, keys may ask to leave.
func openScreen(out *os.File, leave func()) *screen {
	s := &screen{out: out, restore: func() {}}
	if in := int(os.Stdin.Fd()); term.IsTerminal(in) {
		if was, err := term.MakeRaw(in); err == nil {
			s.restore = func() { _ = term.Restore(in, was) } // nothing better can be done at the end
			go readKeys(leave)
		}
	}
	_, _ = io.WriteString(out, enterScreen) // a terminal that is gone ends the process by a signal
	return s
}

// readKeys waits for a key that asks to leave. It ends with the process: a read of a
// terminal can't be interrupted.
func readKeys(leave func()) {
	one := make([]byte, 1)
	for {
		if n, err := os.Stdin.Read(one); err != nil || n == 0 {
			return
		}
		if ends(one[0]) {
			leave()
			return
		}
	}
}

// ends reports whether a key asks to leave: q, Ctrl-C or Ctrl-D.
func ends(key byte) bool { return strings.IndexByte("qQ\x03\x04", key) >= 0 }

// draw shows lines in place of those before. It writes once, so that nothing flickers.
func (s *screen) draw(lines []string) {
	var text bytes.Buffer
	text.WriteString(home)
	for i, line := range lines {
		if i > 0 {
			text.WriteString("\r\n") // in raw mode a line feed does not return the carriage
		}
		text.WriteString(line + clearLine)
	}
	text.WriteString(clearRest)
	_, _ = s.out.Write(text.Bytes())
}

// close gives the terminal back as it was, once.
func (s *screen) close() {
	if s.closed {
		return
	}
	s.closed = true
	_, _ = io.WriteString(s.out, leaveScreen)
	s.restore()
}
