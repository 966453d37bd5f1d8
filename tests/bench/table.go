package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// table is Markdown that can be read as plain text too.
type table struct {
	rows [][]string
	// text is how many columns, from the left, are text and not numbers.
	text int
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// String is the table, its first row being the heading.
func (t *table) String() string {
	if len(t.rows) == 0 {
		return ""
	}
	widths := make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell), 3)
		}
	}
	var b strings.Builder
	for n, row := range t.rows {
		for i, cell := range row {
			gap := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				b.WriteByte('|')
			}
			if i < t.text {
				b.WriteString(" " + cell + gap + " |")
			} else {
				b.WriteString(" " + gap + cell + " |")
			}
		}
		b.WriteByte('\n')
		if n > 0 {
			continue
		}
		for i, width := range widths {
			if i == 0 {
				b.WriteByte('|')
			}
			if i < t.text {
				b.WriteString(strings.Repeat("-", width+2) + "|")
			} else {
				b.WriteString(strings.Repeat("-", width+1) + ":|")
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// tableOf is the figures of a workload: medians, the range of the times next to
// their median, and the most memory.
func tableOf(r *result) *table {
	t := &table{text: 1}
	things := "objects/s"
	if r.workload.demand == listed {
		things = "keys/s"
	}
	heading := []string{"", "time s", "min..max", things, "MB/s", "CPU s", "peak RSS MB"}
	if r.workload.real == nil {
		heading = append(heading, "endpoint CPU s", "first request s", "requests", "requests/s", "429", "in flight")
	}
	refs := references(r)
	for _, ref := range refs {
		heading = append(heading, "time ÷ "+ref.heading)
	}
	t.add(heading...)
	for _, s := range r.Scores {
		row := append([]string{s.Name}, figuresOf(r, s)...)
		for _, ref := range refs {
			ratio := "-"
			if f := s.ratio(r.score(ref.name), wallOf); f > 0 {
				ratio = number(f)
			}
			row = append(row, ratio)
		}
		t.add(row...)
	}
	return t
}

// reference is a contestant whose times the others are divided by.
type reference struct{ heading, name string }

// references are those that the goals are stated in.
func references(r *result) (refs []reference) {
	if name := r.workload.against(r); name != "" {
		refs = append(refs, reference{name, name})
	}
	if name := better(r); name != "" {
		refs = append(refs, reference{"better of s5cmd, rclone", name})
	}
	if name := bestFixed(r); name != "" && name != r.workload.against(r) {
		refs = append(refs, reference{"best fixed (" + strings.TrimPrefix(name, fixed) + ")", name})
	}
	return refs
}

func figuresOf(r *result, s *score) []string {
	wall := s.wall()
	least, most := s.spread(wallOf)
	count := func(figure func(trial) float64) string { return fmt.Sprintf("%.0f", s.median(figure)) }
	sec := func(figure func(trial) time.Duration) string {
		return seconds(time.Duration(s.median(func(t trial) float64 { return float64(figure(t)) })))
	}
	objects, throughput := "-", "-"
	if s.fault() == "" && wall > 0 {
		objects = number(float64(r.workload.objects()) / wall.Seconds())
		if bytes := r.workload.bytes(); bytes > 0 {
			throughput = number(float64(bytes) / 1e6 / wall.Seconds())
		}
	}
	row := []string{
		seconds(wall), seconds(time.Duration(least)) + ".." + seconds(time.Duration(most)), objects, throughput,
		sec(func(t trial) time.Duration { return t.CPU }), megabytes(s.memory()),
	}
	if r.workload.real != nil {
		return row
	}
	_, inFlight := s.spread(func(t trial) float64 { return float64(t.Endpoint.PeakInFlight) })
	return append(row,
		sec(func(t trial) time.Duration { return t.Endpoint.CPU }), sec(func(t trial) time.Duration { return t.Startup }),
		count(requestsOf), number(s.median(func(t trial) float64 { return requestsOf(t) / max(t.Wall.Seconds(), 1e-9) })),
		count(func(t trial) float64 { return float64(t.Endpoint.Throttled) }), fmt.Sprintf("%.0f", inFlight))
}

// faultsOf are lines about the runs that did not do all of the work.
func faultsOf(r *result) (lines []string) {
	for _, s := range r.Scores {
		for i, t := range s.Trials {
			if t.Fault != "" {
				lines = append(lines, fmt.Sprintf("%s, round %d, is incomplete: %s", s.Name, i+1, t.Fault))
			}
		}
	}
	return lines
}

// goalsOf are the goals of all workloads, and whether they were met.
func goalsOf(results []*result) *table {
	t := &table{text: 4}
	t.add("row", "goal", "figure", "met")
	for _, r := range results {
		for _, g := range r.workload.goals {
			figure, met := g.check(r)
			verdict := map[bool]string{true: "yes", false: "no"}[met]
			if figure == "" {
				figure, verdict = "-", "not measured"
			}
			t.add(r.workload.name, g.text, figure, verdict)
		}
	}
	return t
}
