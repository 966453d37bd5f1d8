package listing

import (
	"math"
	"slices"
	"time"
)

// An adaptive limit begins with firstListers and rises to at most mostListers: a
// Supabase project answers at most 20 queries at a time, and must serve others
// too.
const (
	firstListers = 4
	mostListers  = 16
)

const (
	// A measurement needs so many pages, or so many for each lister if that is
	// more. A trial needs few pages, so that it ends soon; a trial of fewer listers
	// needs fewer still, because it slows the listing down. Between trials a
	// measurement needs more, so that no trial starts by chance.
	trialPages, fewerPages, trialRounds = 16, 8, 2
	steadyPages, steadyRounds           = 48, 4
	// Pages that take this many times longer or shorter than before start a trial.
	changed = 1.3
	// If one page of each lister takes this many times longer, the trial starts
	// sooner.
	glaring = 2
	// A trial must show at least this factor to change the number: pages of one
	// server may take half or twice as long as others.
	notable = 1.2
	// patience is how many pages each lister brings before a number that failed its
	// trial is tried again. It doubles with each failed trial, up to maxPatience.
	patience, maxPatience = 8, 512
	// forgotten is the pause between listings after which all numbers are worth
	// another trial.
	forgotten = time.Minute
)

// A tuner finds the number of listers at which the server lists fastest. It tries
// another number for a few pages and compares page times. If pages take no longer
// with twice as many listers, the listing is twice as fast; if they take twice as
// long, the server was already busy. So the tuner doubles the listers until that
// no longer pays. When pages begin to take longer, it tries half as many, which
// shows whether their number slows the server down.
type tuner struct {
	good   int     // the best number of listers known so far
	trial  int     // listers that are being tried; 0 for none
	before float64 // page time before the trial, in seconds
	round  int     // counts the changes of the number; pages of earlier rounds say nothing about it

	usual float64 // page time with good listers; 0 if not known yet
	quick float64 // page time with few enough listers not to crowd the server; 0 if not known

	wait     int // pages until the next trial
	patience int // what wait begins with, for each lister
	refused  int // listers at which the server refused some requests; 0 for none

	skip    int       // pages to ignore: requested before all listers were at work
	alarmed bool      // pages suddenly take so long that a short measurement must do
	times   []float64 // page times since the last measurement, in seconds
	last    time.Time // when the last page came
}

func newTuner() *tuner { return &tuner{good: firstListers, patience: patience} }

// listers is how many listers there may be now.
func (t *tuner) listers() int {
	if t.trial > 0 {
		return t.trial
	}
	return t.good
}

// add adds the time that a page took, and the load under which it was requested.
func (t *tuner) add(took time.Duration, at load) {
	n := t.listers()
	if time.Since(t.last) > forgotten && !t.last.IsZero() {
		t.forget()
	}
	t.last = time.Now()
	if at.round != t.round || 4*at.pages < 3*n {
		return // it says nothing about n pages at a time
	}
	t.wait--
	if t.skip > 0 {
		t.skip--
		return
	}
	t.times = append(t.times, max(took, time.Microsecond).Seconds()) // never zero: it is a divisor
	switch {
	case len(t.times) >= t.enough():
		t.judge(middle(t.times))
		t.alarmed, t.times = false, t.times[:0]
	case t.glaring(max(fewerPages, n)):
		t.alarmed, t.times = true, t.times[:0]
	}
}

// glaring reports whether the last pages took so much longer than usual that a
// trial should start soon.
func (t *tuner) glaring(pages int) bool {
	return t.trial == 0 && !t.alarmed && len(t.times)%pages == 0 &&
		t.longer(glaring, middle(t.times[len(t.times)-pages:]))
}

// longer reports whether a page took so many times as long as usual. While the
// usual time for the current number of listers is unknown, longer compares with
// the time when the server is not crowded, and demands the glaring factor.
func (t *tuner) longer(times, took float64) bool {
	if t.usual == 0 {
		return t.quick > 0 && took > glaring*t.quick
	}
	return took > times*t.usual
}

// enough is how many pages make a measurement.
func (t *tuner) enough() int {
	switch {
	case t.trial > 0 && t.trial < t.good:
		return max(fewerPages, trialRounds*t.trial)
	case t.alarmed:
		return max(fewerPages, t.good)
	case t.trial > 0, t.wait <= 0 && t.next() > t.good:
		return max(trialPages, trialRounds*t.listers())
	}
	return max(steadyPages, steadyRounds*t.listers())
}

// middle is the mean of the middle half: neither a retried page nor a page from
// a cache shows the usual time. It sorts the times.
func middle(times []float64) float64 {
	slices.Sort(times)
	sum, half := 0.0, times[len(times)/4:len(times)-len(times)/4]
	for _, took := range half {
		sum += took
	}
	return sum / float64(len(half))
}

// judge decides what follows from a measurement.
func (t *tuner) judge(took float64) {
	t.quick = min(t.quick, took)
	switch {
	case t.tryingMore():
		t.judgeMore(took)
	case t.trial > 0:
		t.judgeFewer(took)
	case t.longer(changed, took) && t.good > 1:
		t.try(t.good/2, took)
	case took < t.usual/changed:
		t.quick = 0 // what was known of the server is out of date
		t.tryNext(took)
	case t.wait <= 0 && t.next() > t.good:
		t.tryNext(took)
	case t.usual == 0:
		t.usual = took
	case took < t.usual:
		t.usual += (took - t.usual) / 4
	}
}

// judgeMore ends a trial of more listers.
func (t *tuner) judgeMore(took float64) {
	few, many, before := t.good, t.trial, t.before
	crowded := t.quick == 0 || before > changed*t.quick // even few may be too many
	switch n := compare(few, many, before, took); {
	case n == many:
		t.settle(many, 0)
		t.quick, t.wait, t.patience = before, 0, patience
		if t.next() > many {
			t.tryNext(took)
		}
	case n > few && !crowded:
		t.settle(n, 0)
		t.postpone()
	default:
		t.settle(few, before)
		t.postpone()
		if few > 1 && crowded {
			t.try(few/2, before)
		}
	}
}

// judgeFewer ends a trial of fewer listers.
func (t *tuner) judgeFewer(took float64) {
	few, many, before := t.trial, t.good, t.before
	n := compare(few, many, took, before)
	if n == many {
		t.settle(many, before)
		t.quick = took // fewer listers did not help: the server itself is slower
		return
	}
	t.settle(n, 0)
	t.patience = patience
	t.postpone()
	if n > few {
		t.quick = took
	} else if few > 1 {
		t.try(few/2, took)
	}
}

// compare is the best number of listers, given the page times with few and with
// many. Many are best if the pages a second grow by at least the square root of
// many/few. Otherwise the best number just keeps the server busy: the pages that
// many listers list in the time of one page with few.
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

// settle makes n the good number, with the usual page time.
func (t *tuner) settle(n int, usual float64) {
	t.good, t.usual, t.trial = n, usual, 0
	t.nextRound()
}

// postpone postpones the next trial of more listers.
func (t *tuner) postpone() {
	t.wait = t.patience * t.good
	t.patience = min(2*t.patience, maxPatience)
}

// try begins a trial of n listers.
func (t *tuner) try(n int, before float64) {
	t.trial, t.before = n, before
	t.nextRound()
	t.skip = max(0, n-t.good)
}

// tryNext begins a trial of more listers, or of fewer if the number is already at
// its maximum.
func (t *tuner) tryNext(before float64) {
	switch n := t.next(); {
	case n > t.good:
		t.try(n, before)
	case t.good > 1:
		t.try(t.good/2, before)
	}
}

// nextRound begins a new round of measuring.
func (t *tuner) nextRound() {
	t.round++
	t.skip, t.alarmed, t.times = 0, false, t.times[:0]
}

// next is the number to try next.
func (t *tuner) next() int {
	n := 2 * t.good
	if t.refused > t.good {
		n = max(t.good+1, (t.good+t.refused)/2)
	}
	return min(n, mostListers)
}

// tryingMore reports whether more listers are being tried.
func (t *tuner) tryingMore() bool { return t.trial > t.good }

// overloaded reports that the current listers overload the server. A trial of more
// ends; otherwise the number is halved for a while.
func (t *tuner) overloaded() {
	trying, n := t.tryingMore(), t.listers()
	t.refused = n
	if trying {
		t.settle(t.good, t.before)
	} else {
		t.settle(max(1, n/2), 0)
		t.patience = patience
	}
	t.postpone()
}

// forget lets the next listing try numbers again that failed in the last one.
func (t *tuner) forget() {
	t.settle(t.good, t.usual)
	t.wait, t.patience, t.refused = 0, patience, 0
}
