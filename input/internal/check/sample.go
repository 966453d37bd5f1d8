package check

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/foreign"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/listing"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
)

// checkListing is how long a check goes on listing. What is listed by then is
// the sample.
const checkListing = time.Minute

// Sample is what a run would do with the objects that were listed.
type Sample struct {
	// Listed is their number; Complete says that they are all. Listed = Due + the
	// sum of LeftOut.
	Listed   int64 `json:"listed"`
	Complete bool  `json:"complete"`
	// Due is the number of those that would be delivered, First are the first of
	// them.
	Due   int64    `json:"due"`
	First []Object `json:"first"`
	// DueBytes is the size of all those that would be delivered.
	DueBytes int64 `json:"due_bytes"`
	// Deletes says that each would be deleted from the bucket once it is delivered
	// (after_delivery: delete), MovesTo that it would be moved there.
	Deletes bool   `json:"deletes,omitempty"`
	MovesTo string `json:"moves_to,omitempty"`
	// IfNamed says that each would be delivered once a message of targets_input names
	// it, and not before.
	IfNamed bool `json:"if_named,omitempty"`
	// LeftOut says why the others would not, the most frequent reason first.
	LeftOut []LeftOut `json:"left_out"`
	// StateUnread says that the state could not be read, so that some of what
	// counts as due may have been delivered before.
	StateUnread bool `json:"state_unread,omitempty"`
	// TypesUnknown is how many of what counts as due have a type that the listing does
	// not tell, where content_types asks for some: a run leaves out what has another.
	TypesUnknown int64 `json:"types_unknown,omitempty"`
}

// Object is an object that would be delivered.
type Object struct {
	Key          string    `json:"key"`
	Size         int64     `json:"size"`
	LastModified time.Time `json:"last_modified,omitzero"`
	// Event is "created" or "updated".
	Event string `json:"event"`
}

// LeftOut is one reason why objects would not be delivered.
type LeftOut struct {
	// Rule is one of the rules of the metric supabase_storage_filtered, or
	// "delivered" for what was delivered before, "parked" for what waits for
	// another attempt, "unreadable_key" for keys that the server can't tell,
	// "odd_entry" for entries of the listing that can't be understood.
	Rule string `json:"rule"`
	// Pattern is the exclude pattern that decided, as it was written and where.
	Pattern string `json:"pattern,omitempty"`
	Count   int64  `json:"count"`
	// FirstKey is the first of them, Reason why that one is parked or odd. A delivered
	// one is not named.
	FirstKey string `json:"first_key,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// The values of LeftOut.Rule that are no rules of the filter.
const (
	leftDelivered     = "delivered"
	leftParked        = "parked"
	leftUnreadableKey = "unreadable_key"
	leftOddEntry      = "odd_entry"
)

// patientPager is the client with the check's patience.
type patientPager struct{ *checker }

// Page implements listing.Pager.
func (p patientPager) Page(ctx context.Context, prefix, after string) (objs []object.Object, more bool, err error) {
	err = p.try(ctx, func(ctx context.Context) (err error) {
		objs, more, err = p.client.Page(ctx, prefix, after)
		return err
	})
	return objs, more, err
}

// list lists up to the limit.
func (c *checker) list(ctx context.Context) error {
	start, left := time.Now(), c.opts.Limit
	longest := checkListing
	if c.several != nil {
		longest = scopeListing
	}
	opts := listing.Options{Pager: patientPager{c}, Prefix: c.conf.Filter.ListPrefix(), Listers: 1}
	for s, err := range listing.List(ctx, opts) {
		if err != nil {
			return err
		}
		switch {
		case left == 0 && len(s.Objects)+len(s.Unplaced) > 0:
			return nil
		case len(s.Objects) > left:
			s.Objects = s.Objects[:left]
			s.Hi = s.Objects[left-1].Key + "\x00"
			c.listed = append(c.listed, s)
			return nil
		}
		c.listed = append(c.listed, s)
		left -= len(s.Objects)
		if c.opts.OnListed != nil {
			c.opts.OnListed(int64(c.opts.Limit - left))
		}
		if time.Since(start) > longest {
			return nil
		}
	}
	c.complete = true
	return nil
}

// checkPatterns lists, and looks at what the filter makes of it.
func (c *checker) checkPatterns(ctx context.Context) Step {
	if c.empty {
		return Step{Name: StepPatterns, Status: Skipped, Found: "nothing is listed"}
	}
	if err := c.list(ctx); err != nil {
		return c.failed(StepPatterns, "", err)
	}
	listed, filtered := int64(0), leftOut{}
	var odd []object.Object
	for _, s := range c.listed {
		for _, obj := range slices.Concat(s.Objects, s.Unplaced) {
			listed++
			if v := c.conf.Filter.Match(obj, time.Now()); obj.Odd != "" {
				filtered.add(LeftOut{Rule: leftOddEntry, FirstKey: obj.Key, Reason: obj.Odd})
				odd = append(odd, obj)
			} else if v.Rule == filter.Pass {
				c.matching = append(c.matching, obj)
			} else {
				filtered.add(LeftOut{Rule: v.Rule.String(), Pattern: v.Pattern, FirstKey: obj.Key})
			}
		}
	}
	which := object.Count(listed) + " listed"
	if !c.complete {
		which = "the first " + which
	}
	step := Step{Name: StepPatterns, Status: OK, Found: fmt.Sprintf("%d of %s match", len(c.matching), which)}
	if len(odd) > 0 {
		step.warn(Problem{
			Problem: fmt.Sprintf("%s listed in a way that can't be understood, and would be parked; the first is %s: %s", object.Count(int64(len(odd))), foreign.Key(odd[0].Key), odd[0].Odd),
			Remedy:  "correct the metadata of its row in storage.objects, upload it again, or leave it out with exclude_patterns",
		})
	} else if len(c.matching) == 0 && listed > 0 {
		step.Found = ""
		c.nothingDue(&step, noneMatches(which, filtered.sorted()))
	}
	return step
}

// noneMatches names the rule that leaves out most.
func noneMatches(which string, filtered []LeftOut) Problem {
	most := filtered[0]
	p := Problem{
		Field:   ruleField(most.Rule),
		Problem: fmt.Sprintf("none of %s matches, so there is nothing to deliver; most are left out by %s, such as %q", which, ruleText(most), most.FirstKey),
		Remedy:  "see below which rule leaves out which objects",
	}
	if most.Rule == filter.Include.String() {
		p.Remedy = "a pattern without a slash matches the file name at any depth, one with a slash the path below source_path, and both are case-sensitive"
	}
	return p
}

// ruleField is the field behind a rule, "" for the rule that has none.
func ruleField(rule string) string {
	switch rule {
	case filter.Include.String():
		return config.FieldIncludePatterns
	case filter.Exclude.String():
		return config.FieldExcludePatterns
	case filter.Size.String():
		return config.FieldMaxObjectSize
	case filter.Empty.String():
		return config.FieldSkipEmpty
	case filter.Moved.String():
		return config.FieldMoveTo
	case filter.Placeholder.String():
		return ""
	}
	return rule
}

func ruleText(l LeftOut) string {
	return cmp.Or(l.Pattern, ruleField(l.Rule), "the rule that leaves out folder placeholders")
}

// leftOut counts by rule, pattern and what is parked for the same reason.
type leftOut map[LeftOut]*LeftOut

func (l leftOut) add(one LeftOut) {
	word, _, _ := strings.Cut(one.Reason, ":")
	group := LeftOut{Rule: one.Rule, Pattern: one.Pattern, Reason: word}
	n := max(one.Count, 1)
	if known := l[group]; known != nil {
		known.Count += n
		return
	}
	one.Count = n
	l[group] = &one
}

func (l leftOut) sorted() []LeftOut {
	all := make([]LeftOut, 0, len(l))
	for _, one := range l {
		all = append(all, *one)
	}
	slices.SortFunc(all, func(a, b LeftOut) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Pattern, b.Pattern), cmp.Compare(a.FirstKey, b.FirstKey))
	})
	return all
}

// sample asks the ledger what is due of what was listed.
func (c *checker) sample(ctx context.Context) error {
	sample := &Sample{Complete: c.complete || c.empty, First: []Object{}, StateUnread: c.ledgerUnread, Deletes: c.conf.DeleteObjects, MovesTo: c.conf.MoveTo}
	sample.IfNamed = c.conf.Targets != nil && !c.conf.Targets.Sweeps
	left := leftOut{}
	matches := func(obj object.Object) bool {
		sample.Listed++
		v := c.conf.Filter.Match(obj, time.Now())
		if obj.Odd != "" {
			left.add(LeftOut{Rule: leftOddEntry, FirstKey: obj.Key, Reason: obj.Odd})
			return false
		}
		if v.Rule != filter.Pass {
			left.add(LeftOut{Rule: v.Rule.String(), Pattern: v.Pattern, FirstKey: obj.Key})
		}
		return v.Rule == filter.Pass
	}
	for _, s := range c.listed {
		due, err := c.due(ctx, pass.Complete(s, c.conf.Filter.ListPrefix(), matches), left)
		if err != nil {
			return err
		}
		for _, obj := range s.Unplaced {
			if matches(obj) {
				left.add(LeftOut{Rule: leftUnreadableKey, FirstKey: obj.Key})
			}
		}
		for _, item := range due {
			if item.Reason == ledger.ReasonStays {
				left.add(LeftOut{Rule: leftDelivered})
				continue
			}
			if sample.Due++; len(sample.First) < c.opts.First {
				sample.First = append(sample.First, Object{item.Key, item.Size, item.LastModified, item.Event.String()})
			}
			sample.DueBytes += item.Size
			if c.conf.Filter.ByType() && item.ContentType == "" {
				sample.TypesUnknown++
			}
			c.dueObjects = append(c.dueObjects, item.Object)
		}
	}
	sample.LeftOut = left.sorted()
	c.report.Sample = sample
	return nil
}

// due is what is to be delivered of a stretch.
func (c *checker) due(ctx context.Context, s ledger.Range, left leftOut) ([]ledger.Item, error) {
	if c.ledger == nil {
		var due []ledger.Item
		for _, obj := range s.Objects {
			if obj.Matches {
				due = append(due, ledger.Item{Object: obj.Object})
			}
		}
		return due, nil
	}
	work, err := c.ledger.Compare(ctx, s)
	if err != nil {
		return nil, err
	}
	defer work.Close()
	if work.Unchanged > 0 {
		left.add(LeftOut{Rule: leftDelivered, Count: work.Unchanged})
	}
	if work.LeftOut > 0 {
		left.add(LeftOut{Rule: filter.ContentTypes.String(), Count: work.LeftOut})
	}
	for _, item := range work.Parked {
		left.add(LeftOut{Rule: leftParked, FirstKey: item.Key, Reason: item.Reason})
	}
	return work.Due, nil
}
