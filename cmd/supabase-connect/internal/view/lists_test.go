package view

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProjectsWithoutBucketsAreCountedApart(t *testing.T) {
	for want, buckets := range map[string][]string{
		"":                        nil,
		"1 bucket":                {"a"},
		"1 project":               {""},
		"2 projects and 1 bucket": {"", "a", ""},
		"1 project and 2 buckets": {"b", "", "a"},
	} {
		require.Equal(t, want, Scopes(buckets, func(bucket string) string { return bucket }))
	}
}

func TestWhatIsAlikeIsPutTogetherLargestFirst(t *testing.T) {
	first := func(s string) string { return s[:1] }
	require.Equal(t, [][]string{{"b1", "b2", "b3"}, {"c1", "c2"}, {"a1", "a2"}, {"d1"}},
		Alike([]string{"c1", "b1", "a1", "b2", "d1", "a2", "c2", "b3"}, first))
	require.Empty(t, Alike(nil, first))
}

func TestTheFirstNamesStandForAll(t *testing.T) {
	require.Equal(t, "a, b", Names([]string{"a", "b"}, 2))
	require.Equal(t, "a, b and 1 more", Names([]string{"a", "b", "c"}, 2))
	require.Equal(t, "a and 1,999 more", Names(append([]string{"a"}, make([]string, 1999)...), 1))
	require.Empty(t, Names(nil, 2))
}
