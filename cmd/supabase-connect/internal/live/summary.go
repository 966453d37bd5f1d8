package live

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/terminal"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/view"
	"github.com/seed75cbcda6/supabase-storage/input"
)

// Rules says in words what the rules of the filter leave out.
var Rules = map[string]string{
	"include":         "not named by include_patterns",
	"exclude":         "named by exclude_patterns",
	"modified_since":  "older than modified_since",
	"modified_before": "newer than modified_before",
	"min_age":         "younger than min_age",
	"size":            "outside the limits of size",
	"empty":           "empty",
	"placeholder":     "folder placeholder",
	"content_types":   "of another type",
	"moved":           "below move_to",
}

// Reasons writes counts with what they count, the largest first.
func Reasons(counts map[string]int64, words map[string]string) string {
	names := view.ByCount(counts)
	parts := make([]string, 0, len(names))
	for _, name := range names {
		parts = append(parts, view.Count(counts[name])+" "+cmp.Or(words[name], name))
	}
	return strings.Join(parts, ", ")
}

// Summary tells a person what became of a run: what arrived, what was left and why,
// how long it took, and what to do.
func Summary(r input.Report, columns int, paint terminal.Painter) string {
	columns-- // some terminals wrap a text that fills a row
	var b strings.Builder
	heading, colour := verdict(r)
	fmt.Fprintf(&b, "\n%s\n", paintLines(view.Wrap(heading, columns, ""), paint, colour))
	for _, problem := range r.Problems {
		fmt.Fprintf(&b, "%s\n", view.Wrap(problem.Error(), columns, "  "))
	}
	if r.Took > 0 {
		b.WriteString("\n")
		table(&b, r, columns, paint)
	}
	scopes(&b, r, columns, paint)
	if todo := next(r); todo != "" {
		fmt.Fprintf(&b, "\n%s\n", paintLines(view.Wrap("→ "+todo, columns, "  "), paint, terminal.Bold))
	}
	return b.String()
}

// paintLines paints each line by itself, so that no colour is left over.
func paintLines(text string, paint terminal.Painter, colour terminal.Colour) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = paint.Paint(colour, line)
	}
	return strings.Join(lines, "\n")
}

// verdict is the first line, and its colour.
func verdict(r input.Report) (string, terminal.Colour) {
	name := whatWasRead(r)
	if r.Prefix != "" {
		name += " prefix " + strconv.Quote(r.Prefix)
	}
	if r.Label != "" {
		name = r.Label + ", " + name
	}
	switch {
	case r.Took == 0:
		return name + ": the run could not begin", terminal.Red
	case r.Interrupted():
		return fmt.Sprintf("%s: stopped after %s, before its end", name, view.Took(r.Took)), terminal.Red
	case r.Err != nil:
		return fmt.Sprintf("%s: not everything arrived, after %s", name, view.Took(r.Took)), terminal.Red
	case r.Delivered == 0:
		return fmt.Sprintf("%s: nothing was due, after %s", name, view.Took(r.Took)), terminal.Yellow
	default:
		return fmt.Sprintf("%s: everything that was due arrived, in %s", name, view.Took(r.Took)), terminal.Green
	}
}

// row is one of the table of counts.
type row struct {
	name  string
	count int64
	note  string
}

func table(b *strings.Builder, r input.Report, columns int, paint terminal.Painter) {
	rows := []row{
		{"listed", r.Listed, ""},
		{"delivered", r.Delivered, speed(r)},
		{"unchanged", r.Unchanged, "delivered before"},
		{"filtered", view.Total(r.Filtered), Reasons(r.Filtered, Rules)},
		{"vanished", r.Vanished, "deleted before they were read"},
		{"under way", r.Unsettled, "when the run stopped"},
		{"not removed", r.NotRemoved, "delivered, and could not be deleted or moved (after_delivery)"},
		{"parked", view.Total(r.Parked), Reasons(r.Parked, nil)},
	}
	width := 0
	for _, row := range rows {
		width = max(width, len(view.Count(row.count)))
	}
	for i, row := range rows {
		if row.count == 0 && i > 1 {
			continue
		}
		line := fmt.Sprintf("  %-11s  %*s", row.name, width, view.Count(row.count))
		if row.note != "" && row.count > 0 {
			line += "  " + view.Cut(row.note, columns-view.Width(line)-2)
		}
		b.WriteString(line + "\n")
	}
	for _, o := range r.FirstParked {
		name := terminal.Printable(o.Key)
		if o.Bucket != "" {
			name = input.ScopeName{Ref: o.Project, Bucket: o.Bucket}.Short() + "/" + name
		}
		fmt.Fprintf(b, "%s\n", paintLines(view.Wrap(name, columns, "    "), paint, terminal.Bold))
		if o.Err != nil {
			fmt.Fprintf(b, "%s\n", view.Wrap(o.Err.Error(), columns, "      "))
		}
	}
	if more := view.Total(r.Parked) - int64(len(r.FirstParked)); more > 0 && len(r.FirstParked) > 0 {
		fmt.Fprintf(b, "    and %s more\n", view.Count(more))
	}
}

// speed is how much was delivered, and how fast.
func speed(r input.Report) string {
	seconds := r.Took.Seconds()
	if r.Delivered == 0 || seconds <= 0 {
		return ""
	}
	return fmt.Sprintf("%s, %s, %s", view.Bytes(r.Bytes), view.Rate(float64(r.Delivered)/seconds), view.ByteRate(float64(r.Bytes)/seconds))
}

// next says what to do, "" if there is nothing.
func next(r input.Report) string {
	const withoutState = "This input has no state: another run delivers everything again. With state.path in its config, a run delivers only what is new or missing"
	parked := view.Total(r.Parked)
	switch {
	case r.Took == 0:
		return "" // the problem says it
	case r.Err != nil && !r.Remembered:
		return withoutState
	case len(notReadToTheEnd(r)) > 0:
		return "Run it again when the reasons are gone: it goes on with what is left, and repeats little or nothing. check CONFIG tests each bucket"
	case parked > 0 && r.Unsettled == 0:
		return fmt.Sprintf("Run it again when the reason is gone: it tries %s again, and repeats nothing", theParked(parked))
	case r.Err != nil:
		return "Run it again: it goes on with what is left, and repeats little or nothing"
	case r.Listed == 0:
		return "Nothing was listed: the warning above says what to look at"
	case view.Total(r.Filtered) == r.Listed:
		return "Everything was filtered: check CONFIG --explain KEY says for a key which rule decides"
	default:
		return ""
	}
}

func theParked(n int64) string {
	if n == 1 {
		return "the parked object"
	}
	return "the " + view.Count(n) + " parked objects"
}
