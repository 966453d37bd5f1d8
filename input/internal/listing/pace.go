package listing

import (
	"math"
	"slices"
	"time"
)

// What an adaptive limit begins with, and what it goes up to: a Supabase project
// answers at most 20 queries at a time, and others want some of them too.
const (
	firstPace = 4
	lastPace  = 16
)

const (
	// A measurement takes so many pages, or so many for each lister if that is
	// more: few in a trial, so that it ends soon (fewer still with fewer listers,
	// for their pages are missed), and more between trials, so that chance starts
	// none.
	trialPages, fewerPages, trialRounds = 16, 8, 2
	steadyPages, steadyRounds           = 48, 4
	// Pages that take this much longer or shorter than before ask for a trial.
	changed = 1.3
	// This much longer for one page of each lister hastens it.
	glaring = 2
	// A trial must show at least this much more to change the number. Pages of
	// one server may take half or twice as long as others.
	notable = 1.2
	// patience is how many pages each lister brings before a number that was no
	// better is tried again. It doubles with each vain trial, up to maxPatience.
	patience, maxPatience = 8, 512
	// forgotten is how long a pause between listings makes all of it worth
	// another try.
	forgotten = time.Minute
)

// A pace finds out how many listers a server gains from. It tries another number
// for a few pages and compares what a page takes: where it takes no longer with
// twice as many listers, twice as much is listed; where it takes twice as long,
// the server was busy before. So the listers double until that no longer pays.
// When pages begin to take longer, half as many are tried, which shows whether
// it is their number that slows the server down.
type pace struct {
	good   int     // listers, as far as is known
	trial  int     // listers that are being tried; 0 for none
	before float64 // what a page took before the trial, in seconds
	round  int     // counts the changes of the number: pages asked for earlier do not tell

	usual float64 // what a page takes with good listers; 0 if not known yet
	quick float64 // the same with few enough not to crowd the server; 0 if not known

	wait     int // pages until the next trial
	patience int // what wait begins with, for each lister
	refused  int // listers that the server turned some away of; 0 for none

	skip    int       // pages that were asked for before all of the listers were at work
	alarmed bool      // pages suddenly took so long that a short measurement must do
	times   []float64 // what pages took since the last measurement, in seconds
	last    time.Time // when the last one came
}

func newPace() *pace { return &pace{good: firstPace, patience: patience} }

// listers is how many there may be now.
func (p *pace) listers() int {
	if p.trial > 0 {
		return p.trial
	}
	return p.good
}

// page tells what a page took that was the nth under way, and in which round it
// was asked for.
func (p *pace) page(took time.Duration, nth, round int) {
	n := p.listers()
	if time.Since(p.last) > forgotten && !p.last.IsZero() {
		p.forget()
	}
	p.last = time.Now()
	if round != p.round || 4*nth < 3*n {
		return // it tells nothing of n pages at a time
	}
	p.wait--
	if p.skip > 0 {
		p.skip--
		return
	}
	p.times = append(p.times, max(took, time.Microsecond).Seconds()) // some time, for it is divided by
	switch {
	case len(p.times) >= p.enough():
		p.judge(middle(p.times))
		p.alarmed, p.times = false, p.times[:0]
	case p.glaring(max(fewerPages, n)):
		p.alarmed, p.times = true, p.times[:0]
	}
}

// glaring reports whether the last so many pages took so much longer than usual
// that it should soon be known why.
func (p *pace) glaring(pages int) bool {
	return p.trial == 0 && !p.alarmed && len(p.times)%pages == 0 &&
		p.longer(glaring, middle(p.times[len(p.times)-pages:]))
}

// longer reports whether a page took so many times as long as usual. While that
// is not known of as many listers as there are, it is compared with what a page
// takes when the server is not crowded, and must take glaringly longer.
func (p *pace) longer(times, took float64) bool {
	if p.usual == 0 {
		return p.quick > 0 && took > glaring*p.quick
	}
	return took > times*p.usual
}

// enough is how many pages make a measurement.
func (p *pace) enough() int {
	switch {
	case p.trial > 0 && p.trial < p.good:
		return max(fewerPages, trialRounds*p.trial)
	case p.alarmed:
		return max(fewerPages, p.good)
	case p.trial > 0, p.wait <= 0 && p.next() > p.good:
		return max(trialPages, trialRounds*p.listers())
	}
	return max(steadyPages, steadyRounds*p.listers())
}

// middle is the mean of the middle half, for neither a page that was retried nor
// one from a cache tells what a page takes. It puts them in order.
func middle(times []float64) float64 {
	slices.Sort(times)
	sum, half := 0.0, times[len(times)/4:len(times)-len(times)/4]
	for _, t := range half {
		sum += t
	}
	return sum / float64(len(half))
}

// judge takes a measurement.
func (p *pace) judge(took float64) {
	p.quick = min(p.quick, took)
	switch {
	case p.trying():
		p.judgeMore(took)
	case p.trial > 0:
		p.judgeFewer(took)
	case p.longer(changed, took) && p.good > 1:
		p.try(p.good/2, took)
	case took < p.usual/changed:
		p.quick = 0 // what is known of the server is out of date
		p.tryNext(took)
	case p.wait <= 0 && p.next() > p.good:
		p.tryNext(took)
	case p.usual == 0:
		p.usual = took
	case took < p.usual:
		p.usual += (took - p.usual) / 4
	}
}

// judgeMore ends a trial of more listers.
func (p *pace) judgeMore(took float64) {
	few, many, before := p.good, p.trial, p.before
	crowded := p.quick == 0 || before > changed*p.quick // even few may be too many
	switch n := compare(few, many, before, took); {
	case n == many:
		p.settle(many, 0)
		p.quick, p.wait, p.patience = before, 0, patience
		if p.next() > many {
			p.tryNext(took)
		}
	case n > few && !crowded:
		p.settle(n, 0)
		p.rest()
	default:
		p.settle(few, before)
		p.rest()
		if few > 1 && crowded {
			p.try(few/2, before)
		}
	}
}

// judgeFewer ends a trial of fewer listers.
func (p *pace) judgeFewer(took float64) {
	few, many, before := p.trial, p.good, p.before
	n := compare(few, many, took, before)
	if n == many {
		p.settle(many, before)
		p.quick = took // this is what a page takes now
		return
	}
	p.settle(n, 0)
	p.patience = patience
	p.rest()
	if n > few {
		p.quick = took
	} else if few > 1 {
		p.try(few/2, took)
	}
}

// compare is how many listers are best, from what a page takes with few and with
// many. The many are if they list more pages a second by at least the root of
// what they are more. Otherwise it is as many as keep the server just busy: so
// many pages, at the rate of the many, in the time of a page with few.
func compare(few, many int, withFew, withMany float64) int {
	busy := float64(many) * withFew / withMany
	switch {
	case busy*busy >= float64(few)*float64(many):
		return many
	case busy < notable*float64(few):
		return few
	}
	return int(math.Round(busy))
}

// settle makes n the good number, of which a page takes usual.
func (p *pace) settle(n int, usual float64) {
	p.good, p.usual, p.trial = n, usual, 0
	p.turn()
}

// rest puts the next trial of more listers off.
func (p *pace) rest() {
	p.wait = p.patience * p.good
	p.patience = min(2*p.patience, maxPatience)
}

// try begins a trial of n listers.
func (p *pace) try(n int, before float64) {
	p.trial, p.before = n, before
	p.turn()
	p.skip = max(0, n-p.good)
}

// tryNext begins a trial of more listers, or of fewer where there are as many as
// there may be.
func (p *pace) tryNext(before float64) {
	switch n := p.next(); {
	case n > p.good:
		p.try(n, before)
	case p.good > 1:
		p.try(p.good/2, before)
	}
}

// turn begins a new round of measuring.
func (p *pace) turn() {
	p.round++
	p.skip, p.alarmed, p.times = 0, false, p.times[:0]
}

// next is the number to try next.
func (p *pace) next() int {
	n := 2 * p.good
	if p.refused > p.good {
		n = max(p.good+1, (p.good+p.refused)/2)
	}
	return min(n, lastPace)
}

// trying reports whether more listers are being tried.
func (p *pace) trying() bool { return p.trial > p.good }

// turnedAway tells that the server is overloaded by as many as there are now: a
// trial of more is over, and half of those that were good are enough for a while.
func (p *pace) turnedAway() {
	trying, n := p.trying(), p.listers()
	p.refused = n
	if trying {
		p.settle(p.good, p.before)
	} else {
		p.settle(max(1, n/2), 0)
		p.patience = patience
	}
	p.rest()
}

// forget makes the next listing try again what was of no use to the last one.
func (p *pace) forget() {
	p.settle(p.good, p.usual)
	p.wait, p.patience, p.refused = 0, patience, 0
}
