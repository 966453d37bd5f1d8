package view

import (
	"slices"
	"strings"
	"unicode"

	"github.com/mattn/go-runewidth"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/terminal"
)

// widths counts columns in the same way in every locale.
var widths = &runewidth.Condition{}

// Width is how many columns a terminal needs for a text without control
// characters.
func Width(text string) int { return widths.StringWidth(text) }

// OneLine replaces what a terminal would obey or break a line at: line ends, tabs
// and other control characters become spaces.
func OneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

// Cut shortens a text to a number of columns, and marks with "…" that it did.
func Cut(text string, columns int) string {
	if columns <= 0 {
		return ""
	}
	return widths.Truncate(OneLine(text), columns, "…")
}

// Part is one text of a line.
type Part struct {
	Text   string
	Colour terminal.Colour // "" is the terminal's own
	// Rank says how important it is: of too many parts, those with the highest ranks
	// are left out.
	Rank int
	// Least, where it is not 0, says that the text may be cut, to no fewer columns.
	Least int
}

// gap stands between the parts of a line.
const gap = "  "

// Fit writes as many parts as fit a number of columns, in the given order. Empty
// parts are left out. Of the parts that may be cut, the last one gets what the
// others leave.
func Fit(parts []Part, columns int, paint terminal.Painter) string {
	order := make([]int, 0, len(parts))
	for i, p := range parts {
		if p.Text != "" {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return parts[a].Rank - parts[b].Rank })
	need := func(p Part) int {
		if width := Width(OneLine(p.Text)); p.Least == 0 || width < p.Least {
			return width
		}
		return p.Least
	}
	used, taken := -len(gap), make([]bool, len(parts))
	for _, i := range order {
		if n := len(gap) + need(parts[i]); used+n <= columns {
			used += n
			taken[i] = true
		}
	}
	var written []string
	for i, p := range parts {
		if !taken[i] {
			continue
		}
		width := need(p)
		if p.Least > 0 { // what is left over
			full := min(Width(OneLine(p.Text)), width+columns-used)
			used += full - width
			width = full
		}
		written = append(written, paint.Paint(p.Colour, Cut(p.Text, width)))
	}
	return strings.Join(written, gap)
}

// Wrap breaks a text into lines of at most a number of columns, between words where
// it can. Every line has the indent, which counts.
func Wrap(text string, columns int, indent string) string {
	columns = max(columns-Width(indent), 1)
	return indent + strings.ReplaceAll(wrap(OneLine(text), columns), "\n", "\n"+indent)
}

func wrap(text string, columns int) string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case Width(line)+1+Width(word) <= columns:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
		for Width(line) > columns {
			head := widths.Truncate(line, columns, "")
			if head == "" { // a wide character in a narrow place
				break
			}
			lines, line = append(lines, head), line[len(head):]
		}
	}
	return strings.Join(append(lines, line), "\n")
}
