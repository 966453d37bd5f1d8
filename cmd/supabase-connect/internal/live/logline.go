package live

import (
	"strconv"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/terminal"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/view"
)

// field is one of a line in logfmt.
type field struct{ name, value string }

// parseLogfmt splits a line as the logger of Benthos writes it; false if it is
// something else.
func parseLogfmt(line string) ([]field, bool) {
	var fields []field
	for rest := strings.TrimSpace(line); rest != ""; rest = strings.TrimLeft(rest, " ") {
		name, after, found := strings.Cut(rest, "=")
		if !found || name == "" || strings.ContainsAny(name, " \"") {
			return nil, false
		}
		var value string
		if quoted, err := strconv.QuotedPrefix(after); err == nil {
			if value, err = strconv.Unquote(quoted); err != nil {
				return nil, false
			}
			rest = after[len(quoted):]
		} else if value, rest, _ = strings.Cut(after, " "); strings.Contains(value, `"`) {
			return nil, false
		}
		fields = append(fields, field{name, value})
	}
	return fields, len(fields) > 0
}

// levels are the levels that are shown, and their colours. Of an INFO line only the
// text is.
var levels = map[string]terminal.Colour{
	"trace": terminal.Faint, "debug": terminal.Faint, "info": "",
	"warning": terminal.Yellow, "error": terminal.Red, "fatal": terminal.Red,
}

// logLine writes a line of the log as people read it: the time, the level unless it
// is INFO, the text, and the fields that say something. Any other line stays as it
// is.
func logLine(line string, now time.Time, paint terminal.Painter) string {
	fields, ok := parseLogfmt(line)
	if !ok {
		return line
	}
	level, text, rest := "", "", []string{}
	for _, f := range fields {
		switch {
		case f.name == "level":
			level = f.value
		case f.name == "msg":
			text = f.value
		case f.value == "", f.name == "@service", f.name == "benthos_version", f.name == "time":
		default:
			rest = append(rest, f.name+"="+terminal.Printable(f.value))
		}
	}
	colour, known := levels[level]
	if !known || text == "" {
		return line
	}
	if level == "info" { // where it comes from matters where something is wrong
		rest = withoutPaths(rest)
	}
	parts := []string{paint.Paint(terminal.Faint, now.Format(time.TimeOnly))}
	if level != "info" {
		parts = append(parts, paint.Paint(colour, strings.ToUpper(level)))
	}
	parts = append(parts, view.OneLine(text))
	if len(rest) > 0 {
		parts = append(parts, paint.Paint(terminal.Faint, strings.Join(rest, " ")))
	}
	return strings.Join(parts, " ") + "\n"
}

// withoutPaths drops the paths of components in the config.
func withoutPaths(fields []string) []string {
	kept := fields[:0]
	for _, f := range fields {
		if !strings.HasPrefix(f, "path=root.") {
			kept = append(kept, f)
		}
	}
	return kept
}
