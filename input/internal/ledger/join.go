package ledger

import (
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// join walks a listing and the entries of the same range side by side, both in
// byte order.
type join struct {
	ledger *Ledger
	work   *Work
	now    time.Time
	// claims are the other works that may have a key in flight.
	claims []*Work
	// repairs are changes that bring entries up to date although nothing was
	// delivered; what they say can be seen again at any time.
	repairs []change
	// quiet says that nothing is due, vanished, parked or in flight.
	quiet bool
}

func (j *join) run(listed []Listed, entries []entry) {
	for len(listed) > 0 || len(entries) > 0 {
		switch {
		case len(entries) == 0 || len(listed) > 0 && listed[0].Key < entries[0].key:
			if listed[0].Matches {
				j.match(&listed[0].Object, &entry{key: listed[0].Key})
			}
			listed = listed[1:]
		case len(listed) == 0 || entries[0].key < listed[0].Key:
			j.missing(&entries[0])
			entries = entries[1:]
		default:
			if listed[0].Matches {
				j.match(&listed[0].Object, &entries[0])
			} else {
				j.excluded(&entries[0])
			}
			listed, entries = listed[1:], entries[1:]
		}
	}
}

// match looks at a listed object that matches and what is known of its key.
func (j *join) match(o *object.Object, e *entry) {
	mode := j.ledger.mode
	holder := j.inFlight(e.key)
	switch {
	case holder != nil:
		j.quiet = false
		j.work.InFlight++
		if !holder.sameVersion(o) {
			j.work.Overtaken = append(j.work.Overtaken, *o)
		}
	case e.tracked && mode.matches(e.id, o):
		j.work.Unchanged++
		if now := mode.identify(o); e.irregular() || e.id != now {
			j.repair(e, change{op: opDelivered, id: now})
		}
	case e.tracked && e.alias != 0 && e.alias == alias(o):
		j.work.Unchanged++
		if e.park != nil || e.absent {
			j.repair(e, change{op: opDelivered, id: e.id, alias: e.alias})
		}
	case e.park != nil && mode.matches(e.park.id, o):
		if e.park.waits(j.now, j.ledger.pause) {
			j.quiet = false
			j.work.Parked = append(j.work.Parked, e.parkedItem())
			return
		}
		j.due(o, e, e.park.attempts)
	default:
		j.due(o, e, 0)
	}
}

func (j *join) due(o *object.Object, e *entry, attempts int) {
	j.quiet = false
	item := Item{Object: *o, Event: Created, Attempts: attempts}
	if e.tracked {
		item.Event = Updated
	}
	c := claim{before: e.mark()}
	if attempts > 0 {
		c.first = e.park.first
	}
	j.work.Due = append(j.work.Due, item)
	j.work.dueClaims = append(j.work.dueClaims, c)
}

// excluded looks at a tracked key that is listed but does not match now. What
// was delivered stays known; what failed is no longer tried.
func (j *join) excluded(e *entry) {
	switch {
	case j.inFlight(e.key) != nil:
		j.quiet = false
	case !e.tracked:
		j.repair(e, change{op: opForgotten})
	case e.park != nil || e.absent:
		j.repair(e, change{op: opDelivered, id: e.id, alias: e.alias})
	}
}

// missing looks at a key that is known but not listed.
func (j *join) missing(e *entry) {
	switch {
	case j.inFlight(e.key) != nil:
		j.quiet = false
	case !e.tracked:
		j.repair(e, change{op: opForgotten})
	default:
		j.quiet = false
		j.work.Vanished = append(j.work.Vanished, Tracked{Key: strings.Clone(e.key), AbsentBefore: e.absent})
		j.work.vanishedClaims = append(j.work.vanishedClaims, claim{before: e.mark()})
	}
}

func (j *join) repair(e *entry, c change) {
	c.key, c.before = e.key, e.mark()
	j.repairs = append(j.repairs, c)
}

// inFlight returns the work that has handed the key out, nil where none has.
func (j *join) inFlight(key string) *Work {
	for _, w := range j.claims {
		if c := w.claim(key); c != nil && c.state == open {
			return w
		}
	}
	return nil
}

func (e *entry) parkedItem() ParkedItem {
	return ParkedItem{
		Key: strings.Clone(e.key), Reason: e.park.reason, Attempts: e.park.attempts,
		Next: e.park.next, FirstSeen: e.park.first, Delivered: e.tracked,
	}
}
