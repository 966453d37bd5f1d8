package top

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/terminal"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/view"
)

const (
	// defaultInterval is the time between two looks at a terminal, lineInterval
	// elsewhere, where each look is a line.
	defaultInterval = time.Second
	lineInterval    = 10 * time.Second
	// pageFor is for how long a page watches, so that its graphs show something.
	pageFor = 10 * time.Second
	// goneAfter is how long a pipeline that answered before may be silent until it has
	// ended: one that was started again answers by then.
	goneAfter = 5 * time.Second
)

// Options are what a user asked for.
type Options struct {
	// URL is where the pipeline serves HTTP.
	URL string
	// Once shows one report, with rates between two looks.
	Once bool
	// JSON prints a document for each report.
	JSON bool
	// HTML is the file to write a page to, "" for none.
	HTML string
	// Interval is the time between two looks, 0 for the default.
	Interval time.Duration
	// For is how long to watch, 0 for as long as the pipeline runs.
	For time.Duration
}

// Run watches a pipeline until it ends, or ctx does, which is no error. A pipeline that
// was never reached is one.
func Run(ctx context.Context, out io.Writer, o Options) error {
	s, err := newServer(o.URL)
	if err != nil {
		return err
	}
	return run(ctx, out, s, o)
}

func run(ctx context.Context, out io.Writer, s *server, o Options) error {
	l := &loop{server: s, watch: newWatch(s.base.String()), o: o, out: out, paint: terminal.PainterFor(out)}
	file, _ := out.(*os.File)
	l.live = terminal.Draws(out) && !o.Once && !o.JSON && o.HTML == ""
	switch {
	case l.o.Interval > 0:
	case l.live || o.Once || o.JSON || o.HTML != "":
		l.o.Interval = defaultInterval
	default:
		l.o.Interval = lineInterval
	}
	if o.HTML != "" && o.For == 0 && !o.Once {
		l.o.For = pageFor
	}
	if err := l.look(ctx); err != nil { // before the screen is taken, so that the error stays
		if ctx.Err() != nil {
			return nil // a stop that was asked for
		}
		return err
	}
	if l.live {
		var leave context.CancelFunc
		ctx, leave = context.WithCancel(ctx)
		defer leave()
		l.screen = openScreen(file, leave)
		defer l.screen.close() // also after a panic
	}
	err := l.run(ctx)
	if l.screen != nil {
		l.screen.close()
	}
	if err != nil {
		return err
	}
	return l.end()
}

// loop is a pipeline that is watched.
type loop struct {
	server *server
	watch  *watch
	o      Options
	out    io.Writer
	paint  terminal.Painter
	live   bool
	screen *screen // nil unless live

	report    Report
	goneSince time.Time
	ended     bool // the pipeline has
}

// look looks once. An error ends everything: at the first look any, later only one that
// asking again does not help against.
func (l *loop) look(ctx context.Context) error {
	seen, err := l.server.look(ctx)
	now := time.Now()
	switch {
	case err == nil:
		l.goneSince = time.Time{}
		seen.at = now
		l.report = l.watch.see(seen)
		return nil
	case l.report.Time.IsZero() || ctx.Err() != nil || !isUnreachable(err):
		return err
	case l.goneSince.IsZero():
		l.goneSince = now
	}
	since := l.goneSince.UTC()
	l.report.Gone, l.report.Time = &since, now.UTC() // the rest is what was seen last
	l.ended = now.Sub(l.goneSince) >= goneAfter
	return nil
}

// run looks again and again, and shows each report while it goes on.
func (l *loop) run(ctx context.Context) error {
	look := time.NewTicker(l.o.Interval)
	defer look.Stop()
	// A window that changes its size is drawn anew soon.
	resize := time.NewTicker(200 * time.Millisecond)
	defer resize.Stop()
	if l.screen == nil {
		resize.Stop()
	}
	var end <-chan time.Time
	if l.o.For > 0 {
		end = time.After(l.o.For)
	}
	var columns, rows int
	draw := func(always bool) {
		c, r := terminal.Size(l.out)
		if always || c != columns || r != rows {
			columns, rows = c, r
			l.screen.draw(draw(l.report, columns, rows, l.paint))
		}
	}
	if l.screen != nil {
		draw(true)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-end:
			return nil
		case <-resize.C:
			draw(false)
		case <-look.C:
			err := l.look(ctx)
			switch {
			case ctx.Err() != nil: // stopped while the pipeline was asked
				return nil
			case err != nil:
				return err
			case l.ended || l.o.Once:
				return nil
			case l.screen != nil:
				draw(true)
			case l.o.HTML == "":
				if err := l.line(); err != nil {
					return err
				}
			}
		}
	}
}

// line writes a report where it can't be drawn: a document, or a line for each input.
func (l *loop) line() error {
	var text bytes.Buffer
	if l.o.JSON {
		doc, err := terminal.JSON(l.report, "")
		if err != nil {
			return err
		}
		text.Write(append(doc, '\n'))
	} else {
		for i := range l.report.Inputs {
			text.WriteString(lineOf(l.report, i) + "\n")
		}
	}
	_, err := l.out.Write(text.Bytes())
	return err
}

// lineOf is one input in a line for a log.
func lineOf(r Report, i int) string {
	in := &r.Inputs[i]
	text := fmt.Sprintf("%s %s: %s, %s delivered (%s, %s)", r.Time.Format(time.RFC3339), view.OneLine(in.title()), in.State,
		view.Count(in.Delivered), view.Rate(in.PerSecond.Delivered), view.ByteRate(in.PerSecond.Bytes))
	if in.Parked.Now > 0 {
		text += ", " + view.Count(in.Parked.Now) + " parked"
	}
	if r.Gone != nil {
		return text + "; " + gone(r)
	}
	return text + "; " + view.OneLine(in.Status)
}

// end shows the last report, where it was not shown, and says that the pipeline has
// ended.
func (l *loop) end() error {
	switch {
	case l.o.HTML != "":
		if err := savePage(l.o.HTML, l.out, l.report); err != nil || l.o.HTML == "-" {
			return err
		}
		_, err := fmt.Fprintf(l.out, "Written to %s\n", l.o.HTML)
		return err
	case l.o.JSON && l.o.Once:
		doc, err := terminal.JSON(l.report, "  ")
		if err == nil {
			_, err = l.out.Write(append(doc, '\n'))
		}
		return err
	case l.o.JSON:
		return nil
	case l.o.Once || l.live && l.ended:
		columns, _ := terminal.Size(l.out)
		if _, err := io.WriteString(l.out, strings.Join(draw(l.report, columns, 0, l.paint), "\n")+"\n"); err != nil {
			return err
		}
	}
	if !l.ended {
		return nil
	}
	_, err := fmt.Fprintf(l.out, "The pipeline at %s has ended, or can't be reached any more\n", l.report.URL)
	return err
}
