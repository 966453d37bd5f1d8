package fetch

import (
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
)

// stale is how long an object has been waited for that a cache between here and the
// server does not have yet. The zero value has not waited.
type stale struct {
	since   time.Time // when the first answer of another version came
	answers int
}

// stalePauses are between two requests for an object that a cache does not have yet:
// about ten in a minute and a half.
var stalePauses = retry.Policy{InitialInterval: time.Second, MaxInterval: 15 * time.Second}

// waits reports whether an answer is another version than the listed one because a
// cache may still have the version before, and whether that may be waited for. Such
// an answer says nothing of the object, and costs none of its attempts.
func (s *stale) waits(c *object.Content, listed string) bool {
	if c.StaleFor <= 0 || listed == "" || c.ETag == "" || c.ETag == listed {
		return false // what has no strong ETag is nothing that a cache keeps of an object
	}
	if s.since.IsZero() {
		s.since = time.Now()
	}
	s.answers++
	return time.Since(s.since) < c.StaleFor
}

// pause is how long to wait for the next answer.
func (s *stale) pause() time.Duration { return stalePauses.Delay(s.answers) }
