package fetch

import (
	"sync"
	"time"
)

// worth knows whether large objects are better read in parts side by side. They
// mostly are, where a single answer is held back by its connection. They are not
// where the endpoint does work in proportion to the whole object for each range
// of it (a file backend hashes it before the first byte), or where one answer
// already fills the line: then parts only cost the endpoint more requests. So
// nothing is read in parts before a trial has shown that it pays, and only as
// long as it goes on paying.
type worth struct {
	mu sync.Mutex
	// upTo is the size of object that parts have paid for, 0 for none.
	upTo int64
	// alone is the time that a single answer takes per byte, and first that of one
	// part next to it, from its request to its last byte.
	alone float64
	first time.Duration
	// width is how many parts are read ahead of a reader.
	width int

	// whole and split are what smaller objects took that were read with one
	// request, and in parts.
	whole, split pace
	noSplit      time.Time // until then none is split

	onTrial bool // a trial is under way
	idleTil time.Time
	pause   time.Duration
}

const (
	// fewParts is how many are read ahead at first.
	fewParts = 3
	// worthGain is how many times the throughput of a single answer all the parts
	// together must promise after the trial, and how many times they must reach.
	worthPromise, worthGain = 1.5, 1.2
	// worthSteady is how many times longer parts may take when there are more of
	// them, for the endpoint not to count as busy.
	worthSteady = 1.4
	// worthGrowth is how many times larger an object may be than those that parts
	// have paid for.
	worthGrowth = 4
	// worthPause is for how long no part is asked for after they did not pay. It
	// doubles each time, up to maxWorthPause.
	worthPause    = time.Minute
	maxWorthPause = 16 * time.Minute
	// splitLag is up to which share of their time answers may take to begin for
	// smaller objects to be split: an endpoint that mostly thinks is not helped by
	// more requests for the same bytes. splitGain is how many times faster they
	// must get by it.
	splitLag, splitGain = 0.25, 1.25
	// paceSamples is how many objects it takes to know a pace.
	paceSamples = 8
	// worthFree is the wait for a part that is too short to tell anything.
	worthFree = time.Millisecond
)

// pays reports whether to read an object of the size in parts from its start.
func (w *worth) pays(size int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return size <= w.upTo*worthGrowth && !time.Now().Before(w.idleTil)
}

// beginTrial reports whether the caller may find out whether parts pay, and has
// to tell endTrial. One at a time does.
func (w *worth) beginTrial() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.onTrial || time.Now().Before(w.idleTil) {
		return false
	}
	w.onTrial = true
	return true
}

// endTrial says nothing of what the trial found.
func (w *worth) endTrial() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.onTrial = false
}

// promised takes what a trial found: what one answer takes per byte, and how
// long a part took next to it, 0 where that was too long.
func (w *worth) promised(size, length int64, alone float64, took time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if took == 0 || maxAhead*float64(length)*alone < worthPromise*took.Seconds() {
		w.rest()
		return false
	}
	w.upTo, w.alone, w.first, w.width = size, alone, took, fewParts
	return true
}

// pace is how long objects took of late, in seconds per byte, and the share of it
// until their answers began.
type pace struct {
	seen    int
	perByte float64
	lag     float64
}

func (p *pace) add(size int64, began, took time.Duration) {
	p.seen++
	weight := 1 / float64(min(p.seen, 2*paceSamples))
	p.perByte += (took.Seconds()/float64(size) - p.perByte) * weight
	p.lag += (began.Seconds()/max(took.Seconds(), 1e-9) - p.lag) * weight
}

// wasWhole takes how long a smaller object took that was read with one request,
// and how long its answer took to begin.
func (w *worth) wasWhole(size int64, began, took time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.whole.add(size, began, took)
}

// wasSplit takes how long a smaller object took in parts.
func (w *worth) wasSplit(size int64, took time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.split.add(size, 0, took)
	// The first ones take their share from those that are not split, so one look
	// is not enough.
	if w.split.seen >= 2*paceSamples && w.split.perByte*splitGain > w.whole.perByte {
		w.whole, w.split = pace{}, pace{}
		w.noSplit = time.Now().Add(worthPause)
	}
}

// splits reports whether to read smaller objects in parts.
func (w *worth) splits() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	return w.whole.seen >= paceSamples && w.whole.lag <= splitLag && !now.Before(w.noSplit) && !now.Before(w.idleTil)
}

// parts is how many are read ahead of a reader for now.
func (w *worth) parts() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Now().Before(w.idleTil) {
		return 0
	}
	return max(w.width, fewParts)
}

// round takes what a round of parts has shown: the bytes that were read, how
// long their reader waited for them, and how long each part took. While parts
// take no longer than one alone, more of them are tried; after that they must
// have brought something. It reports whether to go on.
func (w *worth) round(size, bytes, length int64, waited, took time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	gained := waited <= worthFree*time.Duration(bytes/length) || waited.Seconds()*worthGain <= w.alone*float64(bytes)
	steady := took.Seconds() <= worthSteady*w.first.Seconds() && w.width < maxAhead
	if !gained && !steady {
		w.upTo = 0
		w.rest()
		return false
	}
	w.upTo = max(w.upTo, size)
	if gained {
		w.pause = 0
	}
	if steady {
		w.width = min(2*max(w.width, fewParts), maxAhead)
	}
	return true
}

func (w *worth) rest() {
	w.pause = min(max(2*w.pause, worthPause), maxWorthPause)
	w.idleTil = time.Now().Add(w.pause)
}

// never is for an endpoint that knows no ranges.
func (w *worth) never() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.idleTil = time.Now().AddDate(100, 0, 0)
}
