package fetch

import (
	"sync"
	"time"
)

// worth knows whether large objects are better read in parts side by side. They
// mostly are: a single answer is held back by its connection. They are not where
// the endpoint does work in proportion to the whole object for each range of it
// (a file backend that hashes), or where one answer already fills the line; then
// parts only cost the endpoint more requests.
type worth struct {
	mu      sync.Mutex
	misses  int // in a row
	width   int // see parts
	idleTil time.Time
}

const (
	// worthMisses is how many verdicts in a row may be bad.
	worthMisses = 2
	// worthPause is for how long nothing is read ahead after that.
	worthPause = time.Minute
	// worthGain is the least share of the time that parts must save.
	worthGain = 0.1
	// fewParts is how many are read ahead until more have paid.
	fewParts = 3
	// worthFree is the wait for a part that is too short to tell anything.
	worthFree = time.Millisecond
)

// while reports whether to read ahead.
func (w *worth) while() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !time.Now().Before(w.idleTil)
}

// never is for an endpoint that knows no ranges.
func (w *worth) never() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.idleTil = time.Now().AddDate(100, 0, 0)
}

// parts is how many are read ahead of a reader for now: few at first, and
// twice as many after each good verdict.
func (w *worth) parts() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return max(w.width, fewParts)
}

func (w *worth) learn(gained bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if gained {
		w.misses, w.width = 0, min(2*max(w.width, fewParts), maxAhead)
		return
	}
	if w.misses++; w.misses >= worthMisses {
		w.idleTil = time.Now().Add(worthPause)
		w.misses, w.width = worthMisses-1, 0 // one more after the pause is enough
	}
}

// trip is what the reading of one object tells about worth. The time that the
// first stretch took says how long a single answer would have taken for all.
type trip struct {
	worth  *worth
	length int64 // of a part

	waited    time.Duration // in reads, so the time of the consumer is left out
	first     int64         // bytes of the first stretch
	firstTook time.Duration

	// The last verdict was here, and the next one is due after so many bytes.
	judged  int64
	before  time.Duration
	every   int64
	stopped bool // reading ahead did not pay on this object
}

func newTrip(w *worth, length int64) *trip { return &trip{worth: w, length: length} }

// parts is how many to read ahead.
func (t *trip) parts() int {
	if t.stopped || !t.worth.while() {
		return 0
	}
	return t.worth.parts()
}

// reading takes the time of one read.
func (t *trip) reading(began time.Time) { t.waited += time.Since(began) }

// stretchRead is told of the end of each stretch.
func (t *trip) stretchRead(offset int64) {
	switch {
	case t.first == 0:
		t.first, t.firstTook = offset, t.waited
		t.begin(offset)
	case offset-t.judged >= t.every:
		t.judge(offset)
		t.begin(offset)
	}
}

func (t *trip) begin(offset int64) {
	t.judged, t.before = offset, t.waited
	t.every = int64(t.worth.parts()) * t.length
}

// judge holds the time of the last parts against that of a single answer. Where
// only few were read side by side, it counts what many of them would bring at
// the best: a verdict is bad only if no number of them would help.
func (t *trip) judge(offset int64) {
	bytes, waited := offset-t.judged, t.waited-t.before
	alone := float64(t.firstTook) * float64(bytes) / float64(t.first)
	atBest := float64(waited) * float64(t.worth.parts()) / maxAhead
	free := worthFree * time.Duration(bytes/t.length)
	gained := waited <= free || atBest <= (1-worthGain)*alone
	t.stopped = !gained
	t.worth.learn(gained)
}
