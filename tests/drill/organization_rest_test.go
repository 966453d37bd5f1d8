package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheMostRequestsWithinAMinuteAreFound(t *testing.T) {
	began := time.Unix(1000, 0)
	w := &watched{}
	for _, second := range []int{130, 0, 59, 60, 61, 100, 119, 121} { // in any order
		w.api = append(w.api, began.Add(time.Duration(second)*time.Second))
	}
	all, most := w.apiSince(began)
	require.Equal(t, 8, all)
	require.Equal(t, 4, most, "those of the seconds 60 to 119")
	all, most = w.apiSince(began.Add(119 * time.Second))
	require.Equal(t, 3, all)
	require.Equal(t, 3, most)
}
