package top

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/terminal"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/view"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page is what the template shows.
type page struct {
	Report
	Gone   string
	Inputs []pageInput
}

type pageInput struct {
	Title, State, Status, Tone string
	// Progress is a full pass's, in percent, negative where it is not known.
	Progress int
	Graphs   []pageGraph
	Figures  []figure
}

// pageGraph is a rate over time, drawn in a box of 300 by 60.
type pageGraph struct {
	Name, Rate, Total string
	// Line and Area are paths of SVG, "" where there are too few values.
	Line, Area string
}

// figure is a word, its value, and how it looks.
type figure struct{ Word, Value, Tone string }

// tones are the classes of the colours.
var tones = map[terminal.Colour]string{terminal.Green: "good", terminal.Yellow: "warn", terminal.Red: "bad", terminal.Faint: "faint"}

// writePage writes a report as one HTML document that needs nothing else.
func writePage(w io.Writer, r Report) error {
	p := page{Report: r, Inputs: []pageInput{}}
	if r.Gone != nil {
		p.Gone = gone(r)
	}
	for i := range r.Inputs {
		p.Inputs = append(p.Inputs, newPageInput(&r.Inputs[i], r.Time))
	}
	return pageTemplate.Execute(w, p)
}

func newPageInput(in *Input, now time.Time) pageInput {
	p := pageInput{Title: in.title(), State: string(in.State), Status: in.Status, Tone: tones[colours[in.State]], Progress: -1}
	if in.Pass.UnderWay == "full" && in.Pass.Expected > 0 {
		p.Progress = int(100 * in.progress())
	}
	if in.State == Ended {
		return p
	}
	p.Graphs = []pageGraph{
		newGraph("Delivered", in.graphs["delivered"], view.Rate(in.PerSecond.Delivered), view.Objects(in.Delivered)),
		newGraph("Bytes", in.graphs["bytes"], view.ByteRate(in.PerSecond.Bytes), view.Bytes(in.Bytes)),
		newGraph("Listed", in.graphs["listed"], view.Rate(in.PerSecond.Listed), view.Objects(in.Listed)),
	}
	// The rows of the terminal, without its graphs.
	for _, row := range rows(in, now) {
		var values []string
		tone := ""
		for _, part := range row.parts {
			if part.Text != "" {
				values = append(values, part.Text)
				if part.Colour != "" {
					tone = tones[part.Colour]
				}
			}
		}
		switch value := strings.Join(values, ", "); {
		case value == "":
		case row.word == "": // goes on with the row before
			p.Figures[len(p.Figures)-1].Value += "; " + value
		default:
			p.Figures = append(p.Figures, figure{row.word, value, tone})
		}
	}
	return p
}

func newGraph(name string, values []float64, rate, total string) pageGraph {
	g := pageGraph{Name: name, Rate: rate, Total: total}
	if len(values) < 2 {
		return g
	}
	const width, height = 300.0, 60.0
	top := max(slices.Max(values), 1e-9)
	var line strings.Builder
	for i, v := range values {
		fmt.Fprintf(&line, "%c%.1f %.1f", "ML"[min(i, 1)], width*float64(i)/float64(len(values)-1), height-2-(height-4)*v/top)
	}
	g.Line = line.String()
	g.Area = g.Line + fmt.Sprintf("L%g %gL0 %gZ", width, height, height)
	return g
}

// savePage writes a page to a file, which a browser never finds half written; "-" is
// the given output.
func savePage(path string, out io.Writer, r Report) error {
	var text bytes.Buffer
	if err := writePage(&text, r); err != nil {
		return fmt.Errorf("making the page: %w", err)
	}
	if path == "-" {
		_, err := out.Write(text.Bytes())
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".top-*.html")
	if err != nil {
		return fmt.Errorf("--%s: %w", flagHTML, err)
	}
	_, err = file.Write(text.Bytes())
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Chmod(file.Name(), 0o644) // as other files: it holds no secret
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return fmt.Errorf("--%s: %w", flagHTML, err)
	}
	return nil
}
