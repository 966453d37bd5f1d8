package schedule

import (
	"time"

	"github.com/robfig/cron/v3"
)

// clock reads a cron schedule on the clocks of a time zone.
//
// The schedule itself is only ever asked in UTC, about wall-clock times, because
// no clock changes there. What becomes of a wall-clock time on the days on which
// the clocks of the zone change is decided here:
//
//   - A schedule that names hours ("30 2 * * *", "*/15 2 * * *") happens once for
//     each time that it names. A time that comes twice happens when it first comes. A
//     time that is left out happens at the change, so that no day goes without:
//     right after it, or, where the change leaves out the end of a day, in the last
//     minute of that day. On a day that a zone leaves out altogether (Samoa had no
//     2011-12-30) nothing happens.
//   - A schedule of every hour ("0 * * * *", "*/15 * * * *") goes on as time does: it
//     happens whenever the clocks show one of its minutes, in a repeated hour again.
//
// Cron has always told the two apart in this way, so that a daily job neither
// disappears nor runs twice, and an hourly one never pauses.
type clock struct {
	spec cron.Schedule
	zone *time.Location
	// everyHour says that the schedule names no hours.
	everyHour bool
}

// hourBits has a bit set for each hour of a day.
const hourBits = 1<<24 - 1

func newClock(spec cron.Schedule, zone *time.Location) clock {
	s, ok := spec.(*cron.SpecSchedule)
	return clock{spec, zone, ok && s.Hour&hourBits == hourBits}
}

// Next is the first time after t at which the schedule happens, zero if it never
// does.
func (c clock) Next(t time.Time) time.Time {
	// All wall-clock times up to the one that the clocks show at t have come by t.
	wall := c.wallOf(t)
	if c.everyHour {
		return c.nextShown(t, wall)
	}
	for {
		if wall = c.spec.Next(wall); wall.IsZero() {
			return time.Time{}
		}
		if at, ok := c.reached(wall); ok && at.After(t) {
			return at
		}
	}
}

// nextShown is the next time after t at which the clocks show a wall-clock time
// of the schedule.
func (c clock) nextShown(t, wall time.Time) time.Time {
	for {
		wall = c.spec.Next(wall)
		if wall.IsZero() {
			return wall
		}
		at := wall.Add(-c.offset(t)).In(c.zone)
		_, change := t.In(c.zone).ZoneBounds()
		if change.IsZero() || at.Before(change) {
			return at
		}
		// The clocks change first: go on from what they show then, which itself may be
		// a time of the schedule.
		t, wall = change, c.wallOf(change).Add(-time.Second)
	}
}

// reached is the moment at which the clocks first show a wall-clock time or, where
// they leave it out, the moment nearest to it on the same day; ok is false where
// they leave out that whole day.
func (c clock) reached(wall time.Time) (at time.Time, ok bool) {
	// Two days before by UTC the clocks of every zone show an earlier time.
	for t := wall.AddDate(0, 0, -2).In(c.zone); ; {
		began, change := t.ZoneBounds()
		at = wall.Add(-c.offset(t)).In(c.zone)
		switch {
		case !change.IsZero() && !at.Before(change):
			t = change
		case began.IsZero() || !at.Before(began):
			return at, true
		case sameDay(c.wallOf(began), wall):
			return began.In(c.zone), true
		default:
			at = began.Add(-time.Minute).In(c.zone)
			return at, sameDay(c.wallOf(at), wall)
		}
	}
}

// wallOf is what the clocks show at t, written as a time in UTC.
func (c clock) wallOf(t time.Time) time.Time {
	return t.UTC().Add(c.offset(t))
}

func (c clock) offset(t time.Time) time.Duration {
	_, seconds := t.In(c.zone).Zone()
	return time.Duration(seconds) * time.Second
}

func sameDay(a, b time.Time) bool {
	return a.Year() == b.Year() && a.YearDay() == b.YearDay()
}
