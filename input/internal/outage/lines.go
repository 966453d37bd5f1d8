package outage

import "time"

const (
	// The second line about an outage comes after firstPause, each further line after
	// twice as long, up to mostPause. So the end of a log says what the run waits for,
	// and an hour has about a dozen lines.
	firstPause = 30 * time.Second
	mostPause  = 5 * time.Minute
)

// Lines decide when to log that something is waited for: when the outage begins, now
// and then while it lasts, and when it is over. They belong to one goroutine at a time.
type Lines struct {
	// Once has only the beginning and the end told, and not that it lasts.
	Once bool

	began, next time.Time
	pause       time.Duration
	failures    int
}

// Failed notes a failed attempt, and reports whether to log it.
func (l *Lines) Failed() (tell bool) {
	now := time.Now()
	l.failures++
	switch {
	case l.began.IsZero():
		l.began, l.pause = now, firstPause
	case l.Once || now.Before(l.next):
		return false
	default:
		l.pause = min(2*l.pause, mostPause)
	}
	l.next = now.Add(l.pause)
	return true
}

// Failures is how many attempts have failed, one after the other.
func (l *Lines) Failures() int { return l.failures }

// Lasts is how long ago the first attempt failed, to the second; 0 if none did.
func (l *Lines) Lasts() time.Duration {
	if l.began.IsZero() {
		return 0
	}
	return time.Since(l.began).Round(time.Second)
}

// Over notes that an attempt succeeded, and reports whether one had failed.
func (l *Lines) Over() bool {
	was := !l.began.IsZero()
	*l = Lines{Once: l.Once}
	return was
}
