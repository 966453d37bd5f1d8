package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

// The parsers below take a value as YAML has it, so that a number may be
// written bare or in quotes. Their errors do not name the field: see [At].

// valueText is v as the user wrote it, "" for nothing.
func valueText(v any) string {
	switch t := v.(type) {
	case nil:
		return ""
	case string:
		return t
	case time.Time:
		return t.Format(time.RFC3339Nano)
	}
	return fmt.Sprint(v)
}

const durationRemedy = "write a number with a unit, such as 90s, 5m or 24h, or a bare number of seconds"

// parseDuration reads a duration of more than zero: a number with units, or a
// bare number of seconds.
func parseDuration(v any) (time.Duration, error) {
	d, err := readDuration(valueText(v))
	if err == nil && d <= 0 {
		err = Wrong(fmt.Sprintf("%q is not more than zero", valueText(v)), durationRemedy)
	}
	return d, err
}

// parseOptionalDuration is parseDuration where nothing, or zero, means none.
func parseOptionalDuration(v any) (time.Duration, error) {
	text := valueText(v)
	if text == "" {
		return 0, nil
	}
	d, err := readDuration(text)
	if err == nil && d < 0 {
		err = Wrong(fmt.Sprintf("%q is less than zero", text), durationRemedy)
	}
	return d, err
}

func readDuration(text string) (time.Duration, error) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		ns := seconds * float64(time.Second)
		if math.Abs(ns) < math.MaxInt64 { // Not so for what is no number.
			return time.Duration(ns), nil
		}
	} else if d, err := time.ParseDuration(text); err == nil {
		return d, nil
	}
	return 0, Wrong(fmt.Sprintf("%q is not a duration", text), durationRemedy)
}

// timeLayouts are the forms of ISO 8601 that are read. Go reads a fraction of
// a second after any of them by itself.
var timeLayouts = []string{
	"2006-01-02T15:04:05Z07:00",
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05Z07",
	"2006-01-02T15:04:05",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04",
	"2006-01-02",
}

// parseTime reads an ISO 8601 date or timestamp; without a zone it is UTC.
// Nothing is the zero time.
func parseTime(v any) (time.Time, error) {
	if t, ok := v.(time.Time); ok {
		return t.UTC(), nil
	}
	text := valueText(v)
	if text == "" {
		return time.Time{}, nil
	}
	// A space in place of the "T" is what databases print.
	iso := strings.Replace(text, " ", "T", 1)
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, iso); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, Wrong(fmt.Sprintf("%q is not an ISO 8601 date or timestamp", text), "write 2024-06-01, 2024-06-01T08:30:00Z or 2024-06-01T08:30:00+02:00")
}

// parseSize reads a number of bytes with or without a unit.
func parseSize(v any) (int64, error) {
	text := valueText(v)
	n, err := humanize.ParseBytes(text)
	if err != nil || n > math.MaxInt64 {
		return 0, Wrong(fmt.Sprintf("%q is not a size", text), "write a number of bytes, or one with a unit such as 500kB or 10MiB")
	}
	return int64(n), nil
}

// parseOptionalSize is parseSize where nothing, or zero, means no limit.
func parseOptionalSize(v any) (int64, error) {
	if valueText(v) == "" {
		return 0, nil
	}
	return parseSize(v)
}

// parseVerify reads up to which size content is compared with its ETag.
func parseVerify(v any) (int64, error) {
	switch text := valueText(v); strings.ToLower(text) {
	case "always":
		return math.MaxInt64, nil
	case "never":
		return -1, nil
	default:
		n, err := parseSize(v)
		if err != nil {
			err = Wrong(fmt.Sprintf("%q is none of always, never and a size", text), "write one of them, such as 1MiB")
		}
		return n, err
	}
}

// minBufferBytes is a budget below which not even one page of small objects
// fits, so that nothing is downloaded side by side.
const minBufferBytes = 1 << 20

// parseBufferBytes reads the budget of concurrency.buffer_bytes.
func parseBufferBytes(v any) (int64, error) {
	n, err := parseSize(v)
	if err != nil {
		return 0, err
	}
	if n < minBufferBytes {
		return 0, Wrong(fmt.Sprintf("%q is too little to download objects side by side", valueText(v)), "write at least 1MiB")
	}
	return n, nil
}

// parseBool reads true or false, and the other words that YAML has for them.
func parseBool(v any) (bool, error) {
	if b, ok := v.(bool); ok {
		return b, nil
	}
	text := valueText(v)
	switch strings.ToLower(text) {
	case "true", "yes", "on":
		return true, nil
	case "false", "no", "off":
		return false, nil
	}
	return false, Wrong(fmt.Sprintf("%q is neither true nor false", text), "write one of them")
}

// parseInt reads a whole number from low to high.
func parseInt(v any, low, high int) (int, error) {
	text := valueText(v)
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, Wrong(fmt.Sprintf("%q is not a whole number from %d to %d", text, low, high), "write one")
	}
	return n, nil
}

// parseAttempts reads retry.max_attempts.
func parseAttempts(v any) (int, error) { return parseInt(v, 1, 1000) }

// parseDownloads reads concurrency.max_downloads.
func parseDownloads(v any) (int, error) { return parseInt(v, 0, 4096) }

// checkIntervals compares the two pauses of retry.
func checkIntervals(initial, longest time.Duration) error {
	if longest < initial {
		return At(fieldRetry+"."+fieldRetryMaxInterval, Wrong(
			fmt.Sprintf("%v is less than %s, which is %v", longest, fieldRetryInitialInterval, initial), "write at least as much"))
	}
	return nil
}

// parsePatterns reads a list of patterns.
func parsePatterns(v any) ([]string, error) { return parseList(v, "*.jpg", filter.Check) }

// parseList reads a list of patterns. Its error names all that are wrong.
func parseList(v any, example string, check func(string) error) ([]string, error) {
	var list []any
	switch t := v.(type) {
	case []any:
		list = t
	case string:
		if t != "" { // what a variable that is not set leaves
			return nil, Wrong(fmt.Sprintf("%q is not a list", t), fmt.Sprintf("write [%q]", t))
		}
	case nil:
	default:
		return nil, Wrong("is not a list", fmt.Sprintf("write one such as [%q]", example))
	}
	var patterns []string
	var problems supabase.Problems
	for i, element := range list {
		if err := checkPattern(element, example, check); err != nil {
			problems = append(problems, problemsOf(At(fmt.Sprintf("[%d]", i), err))...)
		}
		patterns = append(patterns, valueText(element))
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return patterns, nil
}

func checkPattern(v any, example string, check func(string) error) error {
	switch v.(type) {
	case []any, map[string]any:
		return Wrong("is not a text", fmt.Sprintf("write one such as %q", example))
	}
	return patternProblem(check(valueText(v)))
}
