package live

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/terminal"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/view"
	"github.com/seed75cbcda6/supabase-storage/input"
)

const (
	// drawEvery is the time between two drawings: a number that changes more often
	// can't be read.
	drawEvery = 200 * time.Millisecond
	// sayEvery is the time between two lines where none can be drawn.
	sayEvery = 10 * time.Second
)

// Session shows the progress of one command. Without a terminal it writes a line to
// stderr every ten seconds, if it is asked to.
type Session struct {
	stderr  *os.File
	screen  *Screen // nil where no line is drawn
	paint   terminal.Painter
	restore []func()
}

// Begin begins a session.
func Begin(mode Mode) *Session {
	s := &Session{stderr: os.Stderr, paint: terminal.PainterFor(os.Stderr)}
	if mode.draws(os.Stderr) {
		out := *os.Stderr // also once os.Stderr is captured
		s.screen = newScreen(&out, func() int { columns, _ := terminal.Size(&out); return columns })
	}
	return s
}

// Draws reports whether a line is drawn.
func (s *Session) Draws() bool { return s.screen != nil }

// Capture has what the process writes to stdout and stderr go through the screen:
// log lines are shown as people read them. It does nothing where no line is drawn.
func (s *Session) Capture() error {
	if s.screen == nil {
		return nil
	}
	// Stdout need not be a terminal, and is left alone then: it may be a file.
	if terminal.Is(os.Stdout) {
		restore, err := capture(os.Stdout, func(r io.Reader) { copyText(s.screen, r) })
		if err != nil {
			return err
		}
		s.restore = append(s.restore, restore)
	}
	restore, err := capture(os.Stderr, func(r io.Reader) {
		copyLines(s.screen, r, func(line string) string { return logLine(line, time.Now(), s.paint) })
	})
	if err == nil {
		s.restore = append(s.restore, restore)
	}
	return err
}

// Over is a writer for what a command prints: it goes above the line if it goes to
// the same terminal.
func (s *Session) Over(w io.Writer) io.Writer {
	if s.screen == nil || !terminal.Is(w) {
		return w
	}
	return over{s.screen, w}
}

// over writes to a screen, and is painted as the terminal below it is.
type over struct {
	*Screen
	below io.Writer
}

// Terminal implements terminal.Wrapper.
func (o over) Terminal() io.Writer { return o.below }

// Watch draws a line until the returned function is called, by time: look is asked
// for its figures, and tells false while there is nothing to show.
func (s *Session) Watch(look func(now time.Time) (view.Figures, bool)) (end func()) {
	return s.every(drawEvery, func() {
		figures, ok := look(time.Now())
		if !ok {
			s.screen.Show(nil)
			return
		}
		s.screen.Show(func(columns int) string { return view.Line(figures, columns, s.paint) })
	}, nil)
}

// WatchRuns watches the one-time runs of this process.
func (s *Session) WatchRuns() (end func()) {
	f := newFigures()
	return s.Watch(func(now time.Time) (view.Figures, bool) { return f.of(input.Running(), nil, now) })
}

// WatchText is Watch for a command whose line is one text. Where no line is drawn, it
// is written every ten seconds.
func (s *Session) WatchText(look func(now time.Time) string) (end func()) {
	return s.every(drawEvery, func() {
		s.screen.Show(func(columns int) string { return view.Cut(look(time.Now()), columns) })
	}, func() {
		_, _ = io.WriteString(s.stderr, look(time.Now())+"\n")
	})
}

// every calls draw now and then, or say where nothing is drawn, until end is called.
func (s *Session) every(pause time.Duration, draw, say func()) (end func()) {
	show := draw
	if s.screen == nil {
		show, pause = say, sayEvery
	}
	if show == nil {
		return func() {}
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(pause)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				show()
			case <-stop:
				return
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(stop)
		<-done
		if s.screen != nil {
			s.screen.Show(nil)
		}
	})
}

// End gives stdout and stderr back, when all that was written has been shown.
func (s *Session) End() {
	for _, restore := range s.restore {
		restore()
	}
	s.restore = nil
}

// Print writes to stderr. Call it after End.
func (s *Session) Print(text func(columns int, paint terminal.Painter) string) {
	columns, _ := terminal.Size(s.stderr)
	_, _ = io.WriteString(s.stderr, text(columns, s.paint))
}
