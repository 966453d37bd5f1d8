package view

import (
	"cmp"
	"maps"
	"slices"
)

// Total is the sum of counts.
func Total(counts map[string]int64) (total int64) {
	for _, n := range counts {
		total += n
	}
	return total
}

// ByCount sorts the names of counts: the largest first, equal ones by name.
func ByCount(counts map[string]int64) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
}
