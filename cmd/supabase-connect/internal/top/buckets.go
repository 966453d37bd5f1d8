package top

import (
	"cmp"
	"slices"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/terminal"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/view"
	"github.com/seed75cbcda6/supabase-storage/input"
)

// Scopes counts the buckets that an input reads, by their state. Projects whose buckets
// are not known are counted apart.
type Scopes struct {
	Active  int64 `json:"active"`
	Waiting int64 `json:"waiting"`
	Failing int64 `json:"failing"`
	Done    int64 `json:"done"`
	Gone    int64 `json:"gone"`

	ProjectsWaiting int64 `json:"projects_waiting"`
	ProjectsFailing int64 `json:"projects_failing"`
}

// Bucket is one bucket of several. Project is empty where the metrics do not tell it.
type Bucket struct {
	Project string `json:"project,omitempty"`
	Bucket  string `json:"bucket"`
	// Undelivered is how many objects were seen since the process began that are
	// neither delivered nor left out nor parked; Parked is how many wait for another
	// attempt.
	Undelivered int64 `json:"undelivered"`
	Parked      int64 `json:"parked"`
	Delivered   int64 `json:"delivered"`
	Bytes       int64 `json:"bytes"`
}

// scopesOf is nil for an input that reads one bucket.
func scopesOf(n numbers) *Scopes {
	s := Scopes{
		n.count("scopes active"), n.count("scopes waiting"), n.count("scopes failing"), n.count("scopes done"), n.count("scopes gone"),
		n.count("projects waiting"), n.count("projects failing"),
	}
	if s == (Scopes{}) {
		return nil
	}
	return &s
}

// onlyFail reports whether there is something that fails, and nothing that does not.
func (s *Scopes) onlyFail() bool {
	return s != nil && s.Failing+s.ProjectsFailing > 0 && s.Active+s.Waiting+s.Done+s.ProjectsWaiting == 0
}

// targetsOf is nil where no message of targets_input has arrived.
func targetsOf(n numbers) *Targets {
	t := Targets{
		n.count("targets_received"), n.count("targets_joined"), n.count("targets_filtered"), n.count("targets_delivered"),
		n.count("targets_missing"), n.count("targets_failed"), n.count("targets_malformed"), n.count("oldest_target_seconds"),
	}
	if t == (Targets{}) {
		return nil
	}
	return &t
}

// bucketsKept is how many buckets a report holds, and bucketsDrawn how many of them are
// drawn. To search in all of them, query the metrics.
const (
	bucketsKept  = 20
	bucketsDrawn = 5
)

// mostLeft are the buckets with something left, most first, and how many there are.
func mostLeft(buckets map[scope]numbers) (most []Bucket, left int64) {
	for of, n := range buckets {
		b := Bucket{
			Project: of.project, Bucket: of.bucket, Delivered: n.count("delivered"), Bytes: n.count("bytes"),
			Parked: max(n.count("parked_now"), view.Total(n.by("parked_objects"))),
		}
		settled := n.count("unchanged") + n.count("vanished") + b.Delivered + view.Total(n.by("filtered")) + view.Total(n.by("parked"))
		b.Undelivered = max(n.count("listed")-settled, 0)
		if b.left() > 0 {
			most = append(most, b)
		}
	}
	slices.SortFunc(most, func(a, b Bucket) int {
		return cmp.Or(cmp.Compare(b.left(), a.left()), cmp.Compare(a.Project, b.Project), cmp.Compare(a.Bucket, b.Bucket))
	})
	return most[:min(len(most), bucketsKept)], int64(len(most))
}

func (b Bucket) left() int64 { return b.Undelivered + b.Parked }

func (b Bucket) title() string { return input.ScopeName{Ref: b.Project, Bucket: b.Bucket}.Short() }

// bucketRows tell of the buckets of an input that reads several.
func bucketRows(in *Input) []row {
	var all []row
	if s := in.Scopes; s != nil {
		failing := known(s.Failing, "failing", 1)
		failing.Colour = terminal.Red
		all = append(all, row{"buckets", []view.Part{
			known(s.Active, "active", 0), failing, known(s.Waiting, "waiting", 2), known(s.Done, "done", 3), known(s.Gone, "gone", 4),
		}})
		unread := known(s.ProjectsFailing, "can't be read", 0)
		unread.Colour = terminal.Red
		all = append(all, row{"projects", []view.Part{unread, known(s.ProjectsWaiting, "still to be looked at", 1)}})
	}
	word := "most left"
	shown := in.Buckets[:min(len(in.Buckets), bucketsDrawn)]
	for _, b := range shown {
		undelivered, parked := known(b.Undelivered, "not delivered", 1), known(b.Parked, "parked", 2)
		parked.Colour = terminal.Red
		all = append(all, row{word, []view.Part{{Text: b.title(), Rank: 0, Least: 12}, undelivered, parked}})
		word = ""
	}
	if more := in.BucketsLeft - int64(len(shown)); more > 0 {
		all = append(all, row{"", []view.Part{{Text: "and " + view.Count(more) + " more", Colour: terminal.Faint}}})
	}
	return all
}

// targetParts tell what became of what messages named.
func targetParts(t *Targets) []view.Part {
	if t == nil {
		return nil
	}
	failed, malformed := known(t.Failed, "failed", 3), known(t.Malformed, "malformed messages", 4)
	failed.Colour, malformed.Colour = terminal.Red, terminal.Yellow
	return []view.Part{
		known(t.Received, "received", 0), known(t.Joined, "joined", 5), known(t.Filtered, "filtered", 6),
		known(t.Delivered, "delivered", 1), known(t.Missing, "missing", 2), failed, malformed,
	}
}
