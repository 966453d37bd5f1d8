package top

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/terminal"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/view"
)

// drawing writes a report as lines of at most a number of columns.
type drawing struct {
	columns int
	paint   terminal.Painter
	lines   []string
}

// draw writes a report. With rows, inputs get a line each where they do not fit
// otherwise, and what still does not fit is counted. No rows is no limit.
func draw(r Report, columns, rows int, paint terminal.Painter) []string {
	d := &drawing{columns: columns, paint: paint}
	d.head(r)
	for _, o := range r.Outputs {
		d.line(view.Part{Text: o.Status(), Colour: terminal.Red, Least: columns})
	}
	head := len(d.lines)
	for i := range r.Inputs {
		d.add("")
		d.input(&r.Inputs[i], r.Time)
	}
	if rows <= 0 || len(d.lines) <= rows {
		return d.lines
	}
	if len(r.Inputs) > 1 {
		d.lines = d.lines[:head]
		d.add("")
		d.inputsInLines(r.Inputs)
	}
	if over := len(d.lines) - rows; over > 0 {
		if d.lines = d.lines[:max(rows-1, 1)]; rows == 1 {
			return d.lines
		}
		d.line(view.Part{Text: fmt.Sprintf("… %d more lines: make the window higher, or write --json or --html FILE", over+1), Colour: terminal.Faint, Least: columns})
	}
	return d.lines
}

func (d *drawing) add(line string)         { d.lines = append(d.lines, line) }
func (d *drawing) line(parts ...view.Part) { d.add(view.Fit(parts, d.columns, d.paint)) }

func (d *drawing) head(r Report) {
	inputs := "1 input"
	if len(r.Inputs) != 1 {
		inputs = fmt.Sprintf("%d inputs", len(r.Inputs))
	}
	parts := []view.Part{
		{Text: r.URL, Colour: terminal.Bold, Rank: 1, Least: min(20, d.columns)},
		{Text: r.Version, Rank: 4, Colour: terminal.Faint},
		{Text: inputs, Rank: 2},
		{Text: r.Time.Format("15:04:05 UTC"), Rank: 3, Colour: terminal.Faint},
	}
	if r.Gone != nil {
		parts = append(parts, view.Part{Text: gone(r), Rank: 0, Colour: terminal.Red})
	}
	d.line(parts...)
}

// gone says that there is no answer.
func gone(r Report) string { return "no answer for " + view.Duration(r.Time.Sub(*r.Gone)) }

// labelWidth is the width of the words in front of the figures.
const labelWidth = len("credentials")

// input writes a block of lines.
func (d *drawing) input(in *Input, now time.Time) {
	title, least := in.title(), min(24, d.columns/3)
	d.line(
		view.Part{Text: title, Colour: terminal.Bold, Rank: 1, Least: min(view.Width(title), least)},
		view.Part{Text: string(in.State), Colour: colours[in.State], Rank: 0},
	)
	word := "status"
	for _, line := range wrap(in.Status, d.columns-labelWidth-4, statusLines) {
		d.row(word, view.Part{Text: line, Colour: colours[in.State], Least: 1})
		word = ""
	}
	if in.State == Ended {
		return
	}
	d.graph("delivered", in.graphs["delivered"], view.Rate(in.PerSecond.Delivered), view.Objects(in.Delivered))
	d.graph("bytes", in.graphs["bytes"], view.ByteRate(in.PerSecond.Bytes), view.Bytes(in.Bytes))
	d.graph("listed", in.graphs["listed"], view.Rate(in.PerSecond.Listed), view.Objects(in.Listed))
	for _, row := range rows(in, now) {
		d.row(row.word, row.parts...)
	}
}

// row is a word and what belongs to it, which may be nothing.
type row struct {
	word  string
	parts []view.Part
}

// rows are what is known of an input apart from its rates.
func rows(in *Input, now time.Time) []row {
	retries := view.Part{}
	if in.PerSecond.Retries > 0 {
		retries = view.Part{Text: view.Rate(in.PerSecond.Retries) + " now", Colour: terminal.Yellow}
	}
	all := []row{
		{"targets", targetParts(in.Targets)},
		{"left out", []view.Part{known(in.Unchanged, "unchanged", 0), known(in.Filtered, "filtered", 1), known(in.Vanished, "vanished", 2)}},
		{"window", window(in)},
		{"retries", []view.Part{some(in.Retries, counts(in.RetriesBy), ""), retries}},
		{"parked", []view.Part{some(in.Parked.Now, parked(in), terminal.Red)}},
		{"acks", []view.Part{some(in.UndeliveredBatches+in.OldestUndelivered, acks(in), "")}},
		{"held", []view.Part{some(in.DeletesHeld, view.Objects(in.DeletesHeld)+" missing, not counted as deleted: see the log", terminal.Yellow)}},
		{"pass", pass(in, now)},
		{"credentials", []view.Part{credentials(in, now)}},
	}
	return append(all, bucketRows(in)...)
}

// statusLines are enough for an error with its remedy in 80 columns.
const statusLines = 4

// wrap breaks a text into at most a number of lines. The last one has the rest, and
// may be too wide.
func wrap(text string, columns, lines int) []string {
	all := strings.Split(view.Wrap(text, columns, ""), "\n")
	if len(all) <= lines {
		return all
	}
	return append(all[:lines-1], strings.Join(all[lines-1:], " "))
}

// row writes a word and what belongs to it, or nothing where nothing does.
func (d *drawing) row(word string, parts ...view.Part) {
	if !slices.ContainsFunc(parts, func(p view.Part) bool { return p.Text != "" }) {
		return
	}
	front := fmt.Sprintf("  %-*s", labelWidth, word)
	rest := view.Fit(parts, d.columns-len(front)-2, d.paint)
	if rest == "" {
		return
	}
	d.add(d.paint.Paint(terminal.Faint, front) + "  " + rest)
}

// rateWidth is enough for "1,023.9 MiB/s", so that graphs stand below each other.
const rateWidth = 13

// graph writes a rate, its graph, and the total.
func (d *drawing) graph(word string, rates []float64, rate, total string) {
	width := min(graphLength, max(0, d.columns-labelWidth-4-rateWidth-2-18))
	d.row(word,
		view.Part{Text: fmt.Sprintf("%*s", rateWidth, rate), Rank: 0},
		view.Part{Text: sparkline(rates, width), Rank: 2, Colour: terminal.Green},
		view.Part{Text: total, Rank: 1},
	)
}

// inputsInLines writes the most important figures of each input, below each other.
func (d *drawing) inputsInLines(inputs []Input) {
	const stateWidth, perSecondWidth = len(Connecting), len("10,000/s")
	titleWidth := 0
	for i := range inputs {
		titleWidth = max(titleWidth, min(view.Width(view.OneLine(inputs[i].title())), d.columns/4))
	}
	for i := range inputs {
		in := &inputs[i]
		title := view.Cut(in.title(), titleWidth)
		parked := known(in.Parked.Now, "parked", 4)
		parked.Colour = terminal.Red
		d.line(
			view.Part{Text: title + strings.Repeat(" ", titleWidth-view.Width(title)), Colour: terminal.Bold, Rank: 0},
			view.Part{Text: fmt.Sprintf("%-*s", stateWidth, in.State), Colour: colours[in.State], Rank: 1},
			view.Part{Text: fmt.Sprintf("%*s", perSecondWidth, view.Rate(in.PerSecond.Delivered)), Rank: 2},
			view.Part{Text: sparkline(in.graphs["delivered"], 10), Rank: 6, Colour: terminal.Green},
			view.Part{Text: view.Count(in.Delivered) + " delivered", Rank: 3, Colour: terminal.Green},
			parked,
			view.Part{Text: in.Status, Rank: 5, Least: 20, Colour: colours[in.State]},
		)
	}
}

// bars are the heights of a graph; the lowest one is nothing at all.
var bars = []rune("▁▂▃▄▅▆▇█")

// sparkline draws the last values, the largest at full height.
func sparkline(values []float64, width int) string {
	values = values[max(0, len(values)-width):]
	if width <= 0 || len(values) < 2 { // one value is no graph
		return ""
	}
	top := slices.Max(values)
	out := []rune(strings.Repeat(" ", width-len(values)))
	for _, v := range values {
		bar := bars[0]
		if v > 0 {
			bar = bars[1+int(v/top*float64(len(bars)-2))]
		}
		out = append(out, bar)
	}
	return string(out)
}

// known writes a count and its word, or nothing for 0.
func known(n int64, word string, rank int) view.Part {
	if n == 0 {
		return view.Part{}
	}
	return view.Part{Text: view.Count(n) + " " + word, Rank: rank}
}

// some is a text that may be cut, or nothing where n is 0.
func some(n int64, text string, colour terminal.Colour) view.Part {
	if n == 0 {
		return view.Part{}
	}
	return view.Part{Text: text, Colour: colour, Least: 8}
}

func counts(by map[string]int64) string {
	parts := make([]string, 0, len(by))
	for _, name := range view.ByCount(by) {
		parts = append(parts, name+" "+view.Count(by[name]))
	}
	return strings.Join(parts, ", ")
}

func parked(in *Input) string {
	text := view.Objects(in.Parked.Now)
	if len(in.Parked.ByReason) > 0 {
		text += ": " + counts(in.Parked.ByReason)
	}
	if rest := in.Parked.Now - view.Total(in.Parked.ByReason); rest > 0 && len(in.Parked.ByReason) > 0 {
		text += ", by earlier processes " + view.Count(rest)
	}
	return text
}

func acks(in *Input) string {
	batches := "1 batch waits"
	if in.UndeliveredBatches != 1 {
		batches = view.Count(in.UndeliveredBatches) + " batches wait"
	}
	return batches + ", the oldest for " + view.Duration(time.Duration(in.OldestUndelivered)*time.Second)
}

func window(in *Input) []view.Part {
	w := in.Window
	if w.Downloads == 0 && w.InFlight == 0 {
		return nil
	}
	parts := []view.Part{
		{Text: fmt.Sprintf("%s of %s downloads", view.Count(w.InFlight), view.Count(w.Downloads)), Rank: 0},
		known(w.Pages, "pages at a time", 2),
	}
	if w.BufferedBytes > 0 {
		parts = append(parts, view.Part{Text: view.Bytes(w.BufferedBytes) + " in memory", Rank: 1})
	}
	return parts
}

func pass(in *Input, now time.Time) []view.Part {
	var parts []view.Part
	if in.Pass.Due != nil && in.Pass.UnderWay == "" && !strings.Contains(in.Status, in.next(now)) {
		parts = append(parts, view.Part{Text: in.next(now), Rank: 1})
	}
	if at := in.Pass.LastComplete; at != nil {
		parts = append(parts, view.Part{Text: "last complete " + view.Duration(now.Sub(*at)) + " ago", Rank: 0})
	} else {
		parts = append(parts, view.Part{Text: "none complete yet", Rank: 0})
	}
	if in.Tracked > 0 {
		parts = append(parts, view.Part{Text: view.Objects(in.Tracked) + " tracked", Rank: 2})
	}
	return parts
}

// soon is how long before the end of credentials it is shown as a warning: the log
// warns at the same time for the second time.
const soon = time.Hour

func credentials(in *Input, now time.Time) view.Part {
	if in.CredentialsEnd == nil {
		return view.Part{}
	}
	left := in.CredentialsEnd.Sub(now)
	part := view.Part{Text: "end in " + view.Duration(left)}
	switch {
	case left <= 0:
		part.Text, part.Colour = "ended "+view.Duration(-left)+" ago", terminal.Red
	case left < soon:
		part.Colour = terminal.Yellow
	}
	return part
}
