package ledger

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// Event is why an object is due.
type Event int

const (
	// Created means that no version of the key was delivered, or that it was
	// forgotten since.
	Created Event = iota
	// Updated means that another version was delivered before.
	Updated
)

// String returns "created" or "updated".
func (e Event) String() string {
	if e == Updated {
		return "updated"
	}
	return "created"
}

// Item is an object that is due.
type Item struct {
	object.Object
	Event Event
	// Attempts is how often this version was parked before.
	Attempts int
}

// ParkedItem is an object that waits for another attempt.
type ParkedItem struct {
	Key string
	// Reason is what was said when it was parked, at most 200 bytes.
	Reason string
	// Attempts is how often this version was parked.
	Attempts int
	// Next is when it will be due again, FirstSeen when it was parked first.
	Next, FirstSeen time.Time
	// Delivered says that an older version was delivered.
	Delivered bool
}

// Tracked is a key of which some version was delivered.
type Tracked struct {
	Key string
	// AbsentBefore says that [Work.Absent] was called for it, and that it was
	// not listed since.
	AbsentBefore bool
}

// clip shortens s to at most n bytes, between two characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return strings.Clone(s)
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.Clone(s[:n])
}
