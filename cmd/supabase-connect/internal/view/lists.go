package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Scopes counts buckets, and the projects whose buckets are not known, of which bucket
// is "": "1 project and 1,234 buckets".
func Scopes[T any](scopes []T, bucket func(T) string) string {
	buckets := int64(0)
	for _, s := range scopes {
		if bucket(s) != "" {
			buckets++
		}
	}
	if len(scopes) == 0 {
		return ""
	}
	return ProjectsAndBuckets(int64(len(scopes))-buckets, buckets)
}

// Alike puts together what has the same text: the largest group first, groups of the same
// size in the order in which they begin.
func Alike[T any](all []T, text func(T) string) [][]T {
	var groups [][]T
	at := map[string]int{}
	for _, one := range all {
		i, known := at[text(one)]
		if !known {
			i = len(groups)
			at[text(one)] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], one)
	}
	slices.SortStableFunc(groups, func(a, b []T) int { return cmp.Compare(len(b), len(a)) })
	return groups
}

// Names writes the first names, and how many more there are: "a, b and 1,234 more".
func Names(names []string, most int) string {
	text := strings.Join(names[:min(len(names), most)], ", ")
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %s more", Count(int64(more)))
	}
	return text
}
