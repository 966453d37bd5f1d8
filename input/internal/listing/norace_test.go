//go:build !race

package listing_test

// underRace says that the race detector is on.
const underRace = false
