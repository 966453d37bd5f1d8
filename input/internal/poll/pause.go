package poll

import "time"

const (
	// LongestPause is the longest pause of a pass that keeps failing, and of an object
	// that is parked again and again: work goes on within an hour after an outage.
	LongestPause = time.Hour
	firstPause   = time.Minute
)

// Pause is how long a pass waits that failed n times in a row, and an object that
// was parked n times: a minute, then twice as long each time, up to an hour.
func Pause(n int) time.Duration { return doubled(firstPause, n, LongestPause) }

// doubled is first, doubled n-1 times, but at most most.
func doubled(first time.Duration, n int, most time.Duration) time.Duration {
	d := first
	for range n - 1 {
		if d = min(2*d, most); d == most {
			break
		}
	}
	return d
}
