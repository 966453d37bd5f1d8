//go:build race

package input

// underRace says that the race detector is on.
const underRace = true
