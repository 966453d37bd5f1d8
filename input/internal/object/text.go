package object

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Count writes a number of objects for people: "1 object", "2 objects".
func Count(n int64) string {
	if n == 1 {
		return "1 object"
	}
	return fmt.Sprintf("%d objects", n)
}

// Bytes writes a number of bytes for people, in units of 1024: "512 B", "1.5 MiB".
func Bytes(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, suffix := float64(n)/unit, "KiB"
	for _, s := range []string{"MiB", "GiB", "TiB"} {
		if value < unit {
			break
		}
		value, suffix = value/unit, s
	}
	return fmt.Sprintf("%.1f %s", value, suffix)
}

// CountsByName writes counts with their names, the largest first.
func CountsByName(counts map[string]int64) string {
	parts := make([]string, 0, len(counts))
	for _, name := range ByCount(counts) {
		parts = append(parts, fmt.Sprintf("%s: %d", name, counts[name]))
	}
	return strings.Join(parts, ", ")
}

// ByCount returns the names of counts in order: the largest count first, equal counts by name.
func ByCount(counts map[string]int64) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
	})
}
