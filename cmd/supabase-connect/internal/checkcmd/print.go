package checkcmd

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/terminal"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/view"
	"github.com/seed75cbcda6/supabase-storage/input"
)

// printer writes a report as it comes. With JSON it writes nothing by itself.
type printer struct {
	w     io.Writer
	quiet bool
	// folds says that a long list is cut, for somebody who reads it as it comes.
	folds bool
	paint terminal.Painter
	count int // of the headings
	err   error
}

func newPrinter(w io.Writer, asJSON bool) *printer {
	return &printer{w: w, quiet: asJSON, folds: terminal.Is(w), paint: terminal.PainterFor(w)}
}

// fail keeps the first error.
func (p *printer) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

func (p *printer) printf(format string, args ...any) {
	if p.err != nil {
		return
	}
	if _, err := fmt.Fprintf(p.w, format, args...); err != nil {
		p.fail(fmt.Errorf("writing the output: %w", err))
	}
}

func (p *printer) heading(name string) {
	if p.quiet {
		return
	}
	if p.count++; p.count > 1 {
		p.printf("\n")
	}
	p.printf("%s\n", p.paint.Paint(terminal.Bold, name))
}

// marks are what stands before a step.
var marks = map[input.CheckStatus]struct {
	text   string
	colour terminal.Colour
}{
	input.CheckOK:      {"✓", terminal.Green},
	input.CheckWarning: {"!", terminal.Yellow},
	input.CheckFailed:  {"✗", terminal.Red},
	input.CheckSkipped: {"-", terminal.Faint},
}

// indent is that of what follows a step's first line.
const indent = "                 "

// step prints one step: what was found, or the problem, and below it the
// remedy.
func (p *printer) step(s input.CheckStep) {
	if p.quiet {
		return
	}
	mark := marks[s.Status]
	var lines []string
	if s.Found != "" {
		text := terminal.Printable(s.Found)
		if s.Status == input.CheckSkipped {
			text = p.paint.Paint(terminal.Faint, "skipped: "+text)
		}
		lines = append(lines, text)
	}
	for _, problem := range s.Problems {
		if s.Name == input.CheckStepBuckets && s.Status == input.CheckFailed {
			break // the list that follows begins with it
		}
		lines = append(lines, p.problem(problem, mark.colour)...)
	}
	p.printf("  %s %-11s  %s\n", p.paint.Paint(mark.colour, mark.text), s.Name, strings.Join(lines, "\n"+indent))
}

func (p *printer) problem(problem input.CheckProblem, colour terminal.Colour) []string {
	text := problem.Problem
	if problem.Field != "" {
		text = problem.Field + ": " + text
	}
	lines := []string{p.paint.Paint(colour, terminal.Printable(text))}
	if problem.Remedy != "" {
		lines = append(lines, "→ "+terminal.Printable(problem.Remedy))
	}
	if problem.Cause != "" {
		lines = append(lines, p.paint.Paint(terminal.Faint, "("+terminal.Printable(problem.Cause)+")"))
	}
	return lines
}

// report prints what follows the steps.
func (p *printer) report(r *input.CheckReport, limit int) {
	if p.quiet {
		return
	}
	if len(r.Scopes) > 0 {
		p.scopes(r.Scopes)
	}
	if r.Sample != nil && r.Sample.Listed > 0 {
		p.sample(r.Sample, limit)
	}
	for _, e := range r.Explained {
		p.explained(e)
	}
	if r.Targets != nil {
		p.targets(r.Targets)
	}
}

// targets prints what would become of a message of targets_input.
func (p *printer) targets(t *input.CheckTargets) {
	p.printf("\n  The message names %s", view.Objects(int64(t.Named)))
	if more := t.Named - len(t.Explained); more > 0 {
		p.printf("; these are the first %d", len(t.Explained))
	}
	p.printf(".\n")
	if t.Problem != "" {
		p.printf("  %s\n", p.paint.Paint(terminal.Yellow, terminal.Printable(t.Problem)))
	}
	for _, e := range t.Explained {
		p.explained(e.Explanation)
		if e.Event != "" {
			p.fact("event", e.Event)
		}
	}
}

func (p *printer) sample(s *input.CheckSample, limit int) {
	of := view.Objects(s.Listed) + " listed"
	if !s.Complete {
		of = "the first " + of
	}
	p.printf("\n  %s of %s would be delivered", view.Count(s.Due), of)
	if s.IfNamed {
		p.printf(" if targets_input names them")
	}
	if s.StateUnread {
		p.printf(" (less what the state knows, which could not be read)")
	}
	if s.Due > 0 {
		p.printf(", %s", size(s.DueBytes))
	}
	if s.Deletes {
		p.printf(", and then deleted from the bucket")
	}
	if s.MovesTo != "" {
		p.printf(", and then moved to %s", terminal.Printable(s.MovesTo))
	}
	if s.Due > int64(len(s.First)) {
		p.printf(", the first of them")
	}
	p.table(len(s.First), func(i int) []string {
		o := s.First[i]
		return []string{terminal.Printable(o.Key), size(o.Size), moment(o.LastModified), o.Event}
	})
	if s.TypesUnknown > 0 {
		p.printf("  The type of %s of these is not in the listing: a run asks for it, and leaves out what content_types does not match.\n", view.Count(s.TypesUnknown))
	}
	if len(s.LeftOut) > 0 {
		p.leftOut(s)
	}
	switch {
	case s.Complete:
	case s.Listed >= int64(limit):
		p.printf("\n  The listing was cut at --%s %d; there are more objects.\n", flagLimit, limit)
	default:
		p.printf("\n  The listing was cut after a minute; there are more objects.\n")
	}
}

func (p *printer) leftOut(s *input.CheckSample) {
	p.printf("\n  %s would not", view.Count(s.Listed-s.Due))
	width := len(view.Count(s.LeftOut[0].Count)) // the most frequent comes first
	p.table(len(s.LeftOut), func(i int) []string {
		count := fmt.Sprintf("%*s", width, view.Count(s.LeftOut[i].Count))
		return append([]string{count}, leftOutCells(s.LeftOut[i])...)
	})
}

// table ends a line, and prints rows with aligned columns below it.
func (p *printer) table(rows int, row func(i int) []string) {
	if rows == 0 {
		p.printf("\n")
		return
	}
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for i := range rows {
		// A strings.Builder takes everything.
		_, _ = io.WriteString(table, "    "+strings.Join(row(i), "\t")+"\n")
	}
	_ = table.Flush()
	p.printf(":\n%s", text.String())
}

// ruleTexts say what a rule means; the others are the names of fields.
var ruleTexts = map[string]string{
	"include":         "matched by none of include_patterns",
	"size":            "larger than max_object_size",
	"empty":           "empty (skip_empty)",
	"modified_since":  "changed before modified_since",
	"modified_before": "changed at modified_before or later",
	"content_types":   "of a type that none of content_types matches",
	"min_age":         "changed within min_age",
	"placeholder":     "placeholders of empty folders",
	"delivered":       "delivered before, as they are now",
	"parked":          "parked until their next attempt",
	"unreadable_key":  "with a key that the server can't tell exactly",
	"odd_entry":       "whose entry in the listing can't be understood",
}

func leftOutCells(l input.CheckLeftOut) []string {
	cells := []string{terminal.Printable(cmp.Or(l.Pattern, ruleTexts[l.Rule], l.Rule))}
	if l.FirstKey != "" {
		cells = append(cells, "such as "+terminal.Printable(l.FirstKey))
	}
	if l.Reason != "" {
		cells = append(cells, "("+terminal.Printable(l.Reason)+")")
	}
	return cells
}

func (p *printer) explained(e input.CheckExplanation) {
	p.printf("\n  %s\n", p.paint.Paint(terminal.Bold, terminal.Printable(e.Key)))
	colour, would := terminal.Yellow, "would not be delivered"
	switch e.Verdict {
	case input.CheckDue:
		colour, would = terminal.Green, "would be delivered"
	case input.CheckGone:
		colour, would = terminal.Green, "its deletion would be delivered"
	case input.CheckUnknown:
		would = "can't be told"
	case input.CheckUnreadable:
		colour = terminal.Red
	}
	p.printf("    %s: %s\n", p.paint.Paint(colour, would), terminal.Printable(e.Why))
	if e.Verdict == input.CheckElsewhere {
		return // the bucket was not asked
	}
	if e.Listed {
		p.fact("listed", fmt.Sprintf("%s, changed %s, etag %s", size(e.Size), moment(e.LastModified), terminal.Printable(cmp.Or(e.ETag, "none"))))
	} else {
		p.fact("listed", "no")
	}
	switch {
	case e.Verdict == input.CheckOutside:
	case e.Rule != "":
		p.fact("filter", "left out: "+cmp.Or(e.Pattern, ruleTexts[e.Rule], e.Rule))
	case e.Pattern != "":
		p.fact("filter", "passes, by "+e.Pattern)
	default:
		p.fact("filter", "passes")
	}
	if e.Delivered != "" {
		p.fact("delivered", e.Delivered)
	}
	if e.Parked != nil {
		p.fact("parked", fmt.Sprintf("%s, %d times, next attempt after %s", terminal.Printable(e.Parked.Reason), e.Parked.Attempts, moment(e.Parked.Next)))
	}
	if e.Readable != "" {
		p.fact("readable", e.Readable)
	}
	if e.Problem != "" {
		p.printf("               %s\n", terminal.Printable(e.Problem))
	}
}

func (p *printer) fact(name, value string) { p.printf("    %-9s  %s\n", name, value) }

// verdict prints what is to be said of the whole config. A check reads one object
// of a bucket at most, and says no more than that.
func (p *printer) verdict(d document) {
	warnings := len(d.Warnings) > 0
	read := 0
	look := func(steps []input.CheckStep) {
		for _, s := range steps {
			warnings = warnings || s.Status == input.CheckWarning
			if s.Name == input.CheckStepDownload && s.Status == input.CheckOK {
				read++
			}
		}
	}
	for _, in := range d.Inputs {
		look(in.Steps)
		for _, s := range in.Scopes {
			look(s.Steps)
		}
	}
	if len(d.Warnings) > 0 {
		p.printf("\n")
		p.step(input.CheckStep{Name: "output", Status: input.CheckWarning, Problems: d.Warnings})
	}
	if !d.OK {
		return // the error that the command ends with says it
	}
	verdict := "A run should work: no step failed"
	switch {
	case read == 1:
		verdict += ", and one object was read."
	case read > 1:
		verdict += fmt.Sprintf(", and %d objects were read.", read)
	default:
		verdict += ". No object was read."
	}
	colour := terminal.Green
	if warnings {
		colour = terminal.Yellow
		verdict += " Look at the warnings."
	}
	p.printf("\n%s\n", p.paint.Paint(colour, verdict))
}

func size(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }

func moment(t time.Time) string {
	if t.IsZero() {
		return "at a time that is not known"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}
