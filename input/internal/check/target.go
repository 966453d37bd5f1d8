package check

import (
	"context"
	"fmt"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/target"
)

// The values of Explanation.Verdict that a target alone can have.
const (
	// Elsewhere means that the target is in another bucket or project.
	Elsewhere = "elsewhere"
	// Gone means that the target says that its object was deleted, and the object
	// is not listed: a deletion would be delivered.
	Gone = "deleted"
)

// Targets say what would become of a message of targets_input.
type Targets struct {
	// Named is how many objects the message names; Explained are the first of them.
	Named     int      `json:"named"`
	Explained []Target `json:"explained,omitempty"`
	// Problem is what in the message names no object, and what to do about it.
	Problem string `json:"problem,omitempty"`
}

// Target says what would become of an object that a message names. ProjectRef, Bucket and
// Event are what the message tells.
type Target struct {
	ProjectRef string `json:"project_ref,omitempty"`
	Bucket     string `json:"bucket,omitempty"`
	Event      string `json:"event,omitempty"`
	Explanation
}

// mostTargets bounds what is explained of a message. Each takes two requests.
const mostTargets = 100

// explainTargets reads a message as a run would.
func (c *checker) explainTargets(ctx context.Context, message []byte) *Targets {
	named, err := target.Parse(message)
	t := &Targets{Named: len(named)}
	if err != nil {
		t.Problem = err.Error()
	}
	for _, one := range named[:min(len(named), mostTargets)] {
		e := Target{ProjectRef: one.ProjectRef, Bucket: one.Bucket, Event: one.Event}
		if e.Explanation = c.ofAnother(one); e.Verdict == "" {
			e.Explanation = c.unlisted(c.explainKey(ctx, one.Key), one)
		}
		t.Explained = append(t.Explained, e)
	}
	return t
}

// ofAnother is the verdict on a target of another project or bucket, else it has none.
func (c *checker) ofAnother(t target.Target) Explanation {
	e, p := Explanation{Key: t.Key}, c.conf.Project
	switch {
	case t.ProjectRef != "" && p.Ref != "" && t.ProjectRef != p.Ref:
		return e.because(Elsewhere, fmt.Sprintf("it is in the project %q, and this input reads %q: such a target is left out, and acknowledged", t.ProjectRef, p.Ref))
	case t.Bucket != "" && t.Bucket != p.Bucket:
		return e.because(Elsewhere, fmt.Sprintf("it is in the bucket %q, and this input reads %q: such a target is left out, and acknowledged", t.Bucket, p.Bucket))
	}
	return e
}

// unlisted turns the verdict on a key that is not listed into the one on a target.
func (c *checker) unlisted(e Explanation, t target.Target) Explanation {
	if e.Verdict != Missing {
		return e
	}
	v := c.conf.Filter.Match(object.Object{Key: t.Key, Size: 1}, time.Now())
	byName := v.Rule == filter.Include || v.Rule == filter.Exclude || t.Event == target.Deleted && v.Rule == filter.Placeholder
	switch {
	case byName:
		return e.because(Filtered, c.whyFiltered(object.Object{Key: t.Key}, v))
	case t.Event == target.Deleted:
		e.Rule = ""
		return e.because(Gone, "it is not listed, and the target says that it was deleted: an empty message with the event deleted is sent")
	case c.conf.Targets != nil && c.conf.Targets.NackMissing:
		return e.because(Missing, e.Why+": after a few attempts the target is rejected (on_missing: nack)")
	}
	return e.because(Missing, e.Why+": the target is acknowledged (on_missing: ack), and nothing is delivered")
}

// mode says what a run does, and where its targets come from.
func (c *checker) mode() string {
	t := c.conf.Targets
	if t == nil || t.From == "" {
		return c.conf.Mode()
	}
	mode := fmt.Sprintf("targets come from a %s input, from which nothing is read here", t.From)
	if t.Sweeps {
		mode += fmt.Sprintf("; everything is listed as well, every %v", c.conf.FullSweepInterval)
	}
	return mode
}
