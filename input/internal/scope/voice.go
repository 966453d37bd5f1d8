package scope

import (
	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/outage"
)

// Voice is how much is said of a scope and its project. Their owner decides that once.
type Voice uint8

const (
	// Alone has everything said: there is no other scope.
	Alone Voice = iota
	// OneOfMany has said what only one scope knows: thousands may have as much to say.
	// The owner tells of all together, and of what fails in each.
	OneOfMany
)

// alone says that nobody else gives hints, warns of the configuration and tells of
// progress.
func (v Voice) alone() bool { return v == Alone }

// lines decide what is said of something that lasts: for one of many only that it begins
// and ends.
func (v Voice) lines() outage.Lines { return outage.Lines{Once: v == OneOfMany} }

// info logs what each pass may say: less than what all have together.
func (v Voice) info(log *service.Logger) func(format string, args ...any) {
	if v == OneOfMany {
		return log.Debugf
	}
	return log.Infof
}

// fails logs what the owner of many tells of as well.
func (v Voice) fails(log *service.Logger) func(format string, args ...any) {
	if v == OneOfMany {
		return log.Debugf
	}
	return log.Errorf
}
