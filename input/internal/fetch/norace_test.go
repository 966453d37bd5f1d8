//go:build !race

package fetch

// underRace says that the race detector is on.
const underRace = false
