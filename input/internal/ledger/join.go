package ledger

import (
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger/format"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// join walks a listing and the entries of the same range side by side, both in
// byte order.
type join struct {
	ledger *Ledger
	work   *Work
	now    time.Time
	// others are the works that may have a key in flight.
	others []*Work
	// repairs are changes that bring entries up to date although nothing was
	// delivered; the next listing shows the same again if they are lost.
	repairs []format.Change
	// quiet says that nothing is due, vanished, parked or in flight.
	quiet bool
}

func (j *join) run(listed []Listed, entries []format.Entry) {
	for len(listed) > 0 || len(entries) > 0 {
		switch {
		case len(entries) == 0 || len(listed) > 0 && listed[0].Key < entries[0].Key:
			if listed[0].Matches {
				j.match(&listed[0].Object, &format.Entry{Key: listed[0].Key})
			}
			listed = listed[1:]
		case len(listed) == 0 || entries[0].Key < listed[0].Key:
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
func (j *join) match(o *object.Object, e *format.Entry) {
	detect := j.ledger.detect
	holder := j.inFlight(e.Key)
	switch {
	case holder != nil:
		j.quiet = false
		j.work.InFlight++
		if !holder.sameVersion(o) {
			j.work.Overtaken = append(j.work.Overtaken, *o)
		}
	case e.Tracked && detect.matches(e.Version, o):
		j.work.Unchanged++
		if now := detect.version(o); e.Irregular() || e.Version != now {
			j.repair(e, format.Change{Op: format.OpDelivered, Version: now})
		}
	case e.Tracked && e.Alias != 0 && e.Alias == format.AliasOf(o):
		j.work.Unchanged++
		if e.Parked != nil || e.Absent {
			j.repair(e, format.Change{Op: format.OpDelivered, Version: e.Version, Alias: e.Alias})
		}
	case e.LeftOut() && detect.matches(e.Parked.Version, o):
		if !j.ledger.staysOut(e, o) {
			j.due(o, e, nil)
			return
		}
		j.work.LeftOut++
		if e.Absent {
			j.repair(e, format.Change{Op: format.OpParked, Parked: e.Parked})
		}
	case e.Parked != nil && detect.matches(e.Parked.Version, o):
		if waits(e.Parked, j.now, j.ledger.pause) {
			j.quiet = false
			j.work.Parked = append(j.work.Parked, parkedItem(e))
			return
		}
		j.due(o, e, e.Parked)
	default:
		j.due(o, e, nil)
	}
}

// due hands an object out. Where this version was parked before, that says how.
func (j *join) due(o *object.Object, e *format.Entry, before *format.Parked) {
	j.quiet = false
	item := Item{Object: *o, Event: Created}
	if e.Tracked {
		item.Event = Updated
	}
	s := settlement{before: e.Tally()}
	if before != nil {
		item.Attempts, item.Reason = before.Attempts, before.Reason
		s.first = before.First
	}
	j.work.Due = append(j.work.Due, item)
	j.work.dueSettled = append(j.work.dueSettled, s)
}

// excluded looks at a tracked key that is listed but does not match now. What
// was delivered or left out stays known; what failed is no longer tried.
func (j *join) excluded(e *format.Entry) {
	switch {
	case j.inFlight(e.Key) != nil:
		j.quiet = false
	case e.LeftOut() && !e.Absent:
	case !e.Tracked:
		j.repair(e, format.Change{Op: format.OpForgotten})
	case e.Parked != nil || e.Absent:
		j.repair(e, format.Change{Op: format.OpDelivered, Version: e.Version, Alias: e.Alias})
	}
}

// missing looks at a key that is known but not listed.
func (j *join) missing(e *format.Entry) {
	switch {
	case j.inFlight(e.Key) != nil:
		j.quiet = false
	case !e.Tracked, e.Parked != nil && e.Parked.Reason == ReasonStays:
		j.repair(e, format.Change{Op: format.OpForgotten})
	default:
		j.quiet = false
		j.work.Vanished = append(j.work.Vanished, Tracked{Key: strings.Clone(e.Key), AbsentBefore: e.Absent})
		j.work.vanishedSettled = append(j.work.vanishedSettled, settlement{before: e.Tally()})
	}
}

func (j *join) repair(e *format.Entry, c format.Change) {
	c.Key, c.Before = e.Key, e.Tally()
	j.repairs = append(j.repairs, c)
}

// inFlight returns the work that has handed the key out, nil where none has.
func (j *join) inFlight(key string) *Work {
	for _, w := range j.others {
		if s := w.settlement(key); s != nil && s.state == open {
			return w
		}
	}
	return nil
}

// staysOut reports whether what was left out is still: its type is not known from
// the listing, and the one that its answer told is not asked for now either.
func (l *Ledger) staysOut(e *format.Entry, o *object.Object) bool {
	return e.LeftOut() && o.ContentType == "" && l.still != nil && l.still(e.Parked.Reason)
}

// waits reports whether the next attempt is still to come. A time further away
// than the longest pause was set by a clock that was ahead.
func waits(p *format.Parked, now time.Time, longest time.Duration) bool {
	return now.Before(p.Next) && (longest <= 0 || p.Next.Sub(now) <= longest)
}

func parkedItem(e *format.Entry) ParkedItem {
	return ParkedItem{
		Key: strings.Clone(e.Key), Reason: e.Parked.Reason, Attempts: e.Parked.Attempts,
		Next: e.Parked.Next, FirstSeen: e.Parked.First, Delivered: e.Tracked,
	}
}
