package live

import (
	"bytes"
	"io"
	"sync"
)

const (
	// clear goes to the beginning of the row, and erases all from there to the end of
	// the screen.
	clear = "\r\x1b[J"
	// finish erases what an earlier line left behind this one, and goes back to its
	// beginning.
	finish = "\x1b[J\r"
)

// Screen is a terminal on which text scrolls, and below it a line that changes. It
// is safe for concurrent use.
type Screen struct {
	out     io.Writer
	columns func() int

	mu sync.Mutex
	// line makes the line for a number of columns; nil for none.
	line func(columns int) string
	// shown says that a line is on the screen, and unended that what scrolls has not
	// ended its line.
	shown, unended bool
}

// newScreen draws on out, which has as many columns as the function says at the
// moment.
func newScreen(out io.Writer, columns func() int) *Screen {
	return &Screen{out: out, columns: columns}
}

// Write writes text above the line.
func (s *Screen) Write(text []byte) (int, error) {
	if len(text) == 0 {
		return 0, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var b bytes.Buffer // in one go, so that nothing flickers
	s.erase(&b)
	b.Write(text)
	s.unended = text[len(text)-1] != '\n'
	s.draw(&b)
	if _, err := s.out.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(text), nil
}

// Show draws a line, and again whenever text has scrolled above it; nil takes it
// away.
func (s *Screen) Show(line func(columns int) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.line = line
	var b bytes.Buffer
	if line == nil {
		s.erase(&b)
	} else {
		s.draw(&b)
	}
	if b.Len() > 0 {
		_, _ = s.out.Write(b.Bytes()) // the terminal may be gone
	}
}

func (s *Screen) erase(b *bytes.Buffer) {
	if s.shown {
		b.WriteString(clear)
		s.shown = false
	}
}

func (s *Screen) draw(b *bytes.Buffer) {
	if s.line == nil || s.unended {
		return
	}
	// A terminal may have shown a key meanwhile, such as ^C.
	b.WriteByte('\r')
	// The last column stays empty: a text that fills it has some terminals wrap.
	b.WriteString(s.line(s.columns() - 1))
	b.WriteString(finish)
	s.shown = true
}
