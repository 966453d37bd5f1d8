package input

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Progress tells how far a one-time run of this process has come.
type Progress struct {
	// Label is the label of the input in its config, empty if it has none. Where names
	// what is read, as the log does: `bucket "docs" prefix "a/"`.
	Label, Where string
	// Began is when the run began to connect.
	Began time.Time
	// Listed is how many objects were seen so far, and Total how many there are: exact
	// once everything is listed, before that the number of the objects that the state
	// tracks, and 0 if neither is known.
	Listed, Total int64
	// Unchanged, Filtered, Delivered, Bytes, Vanished and Parked are as in [Report], so
	// far. UnderWay is how many of the listed objects are none of these.
	Unchanged, Filtered, Delivered, Bytes, Vanished, Parked, UnderWay int64
	// Waits says what the run waits for while nothing moves; empty while something
	// does.
	Waits string
	// Scopes counts the buckets of a run that reads several, by what they do now, and
	// the projects whose buckets are not known; all zero for one bucket.
	Scopes Scopes
}

// Scopes counts the buckets that one input reads, by their state: each is in exactly one.
// Projects of which no bucket is known are counted apart.
type Scopes struct {
	// Active is how many are read now.
	Active int
	// Waiting is how many wait for their time, for a place among those that are read
	// at the same time, or for a project that is paused or comes up.
	Waiting int
	// Failing is how many could not be read the last time. A run that repeats tries them
	// again.
	Failing int
	// Done is how many a one-time run has read to their end.
	Done int
	// Gone is how many the server no longer lists.
	Gone int
	// ProjectsWaiting and ProjectsFailing are the projects of which no bucket is known:
	// those that are still to be looked at, such as one that comes up, and those that
	// could not be read.
	ProjectsWaiting, ProjectsFailing int
}

// Total is how many buckets there are, in any state. Projects do not count.
func (s Scopes) Total() int { return s.Active + s.Waiting + s.Failing + s.Done + s.Gone }

// String says how many there are of each: "12 buckets, 1 failing; 2 projects can't be
// read".
func (s Scopes) String() string {
	buckets, projects := []string{countOf(s.Total(), "bucket")}, []string{}
	for _, state := range []struct {
		n    int
		word string
	}{{s.Active, "being read"}, {s.Done, "done"}, {s.Failing, "failing"}, {s.Gone, "gone"}} {
		if state.n > 0 {
			buckets = append(buckets, fmt.Sprintf("%d %s", state.n, state.word))
		}
	}
	for _, state := range []struct {
		n    int
		word string
	}{{s.ProjectsFailing, "can't be read"}, {s.ProjectsWaiting, "still to be looked at"}} {
		if state.n > 0 {
			projects = append(projects, countOf(state.n, "project")+" "+state.word)
		}
	}
	text := strings.Join(buckets, ", ")
	if len(projects) > 0 {
		text += "; " + strings.Join(projects, ", ")
	}
	return text
}

// countOf writes a number of things.
func countOf(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// Running returns how far the one-time runs of this process have come that have
// begun and not ended, in the order of their beginning. It is cheap enough to be
// called several times a second. Of runs that have ended, [Reports] tells.
func Running() []Progress {
	runs.mu.Lock()
	open := slices.Clone(runs.open)
	runs.mu.Unlock()
	all := make([]Progress, 0, len(open))
	for _, run := range open {
		if run.progress != nil {
			p := run.progress()
			p.Where, p.Began = run.where, run.began
			all = append(all, p)
		}
	}
	return all
}
