package schedule

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// jitterPart is the part of an interval by which the pause between two passes
// may be longer, so that many pipelines do not ask one project at the same
// moment again and again.
const jitterPart = 10

// Plan says when passes begin. Passes never overlap: a tick that comes while a
// pass is under way is made up for, once, when that pass has ended.
type Plan struct {
	pause time.Duration
	cron  cron.Schedule
	every time.Duration
}

// Once is the plan of a single pass.
func Once() Plan { return Plan{} }

// After is the plan of passes with a pause between the end of one and the
// beginning of the next, a little longer than d by chance.
func After(d time.Duration) Plan { return Plan{pause: d} }

// Every is the plan of passes that begin at a fixed cadence, counted from the
// first.
func Every(d time.Duration) Plan { return Plan{every: d} }

// Cron is the plan of passes that begin when a cron expression says so: five
// fields, or a descriptor such as @daily. The times are UTC unless the
// expression begins with TZ=Area/City and a space. [clock] says what happens on
// the days on which the clocks of that zone change.
func Cron(expression string) (Plan, error) {
	spec, location := strings.TrimSpace(expression), time.UTC
	for _, name := range []string{"CRON_TZ=", "TZ="} {
		zone, ok := strings.CutPrefix(spec, name)
		if !ok {
			continue
		}
		var rest string
		zone, rest, _ = strings.Cut(zone, " ")
		var err error
		if location, err = time.LoadLocation(zone); err != nil || zone == "" {
			return Plan{}, fmt.Errorf("%q is not a time zone: write one like TZ=Europe/Berlin before the cron expression", zone)
		}
		spec = strings.TrimSpace(rest)
		break
	}
	if strings.HasPrefix(spec, "@every") {
		return Plan{}, errors.New("@every is not a time of day: write polling_interval in its place")
	}
	if strings.Contains(spec, "TZ=") {
		return Plan{}, errors.New("the time zone stands once, before the cron expression")
	}
	parsed, err := cron.ParseStandard(spec)
	if err != nil {
		return Plan{}, fmt.Errorf("%q is not a cron expression (minute, hour, day of month, month, day of week): %w", spec, err)
	}
	plan := Plan{cron: newClock(parsed, location)}
	if plan.cron.Next(time.Now()).IsZero() {
		return Plan{}, fmt.Errorf("%q names a time that never comes", spec)
	}
	return plan, nil
}

// Repeats reports whether there is more than one pass.
func (p Plan) Repeats() bool { return p.pause > 0 || p.every > 0 || p.cron != nil }

// First is when the first pass begins: now, or at the first time that a cron
// expression names. Where the last complete pass of an earlier process is known
// and a time has been missed since, that is made up for now.
func (p Plan) First(now, lastComplete time.Time) time.Time {
	if p.cron == nil {
		return now
	}
	if !lastComplete.IsZero() && !p.cron.Next(lastComplete).After(now) {
		return now
	}
	return p.cron.Next(now)
}

// Next is when the pass begins that follows one; ok is false where none does.
// For a fixed cadence first is when the very first pass began.
func (p Plan) Next(first, began, ended time.Time) (next time.Time, ok bool) {
	switch {
	case p.pause > 0:
		return ended.Add(p.pause + rand.N(p.pause/jitterPart+1)), true
	case p.every > 0:
		sinceTick := began.Sub(first) % p.every
		return later(began.Add(p.every-sinceTick), ended), true
	case p.cron != nil:
		return later(p.cron.Next(began), ended), true
	}
	return time.Time{}, false
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
