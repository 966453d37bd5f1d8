package fetch

import "time"

// trip is the reading of one large object: a trial of whether parts pay, or
// parts for as long as they do. It belongs to the goroutine that reads.
type trip struct {
	worth        *worth
	size, length int64 // of the object and of a part

	trial   stage
	waited  time.Duration // in reads, so the time of the consumer is left out
	stopped bool          // no more parts

	// A round of parts began here.
	begun       int64
	waitedThen  time.Duration
	took        time.Duration // of the parts of the round, together
	partsInside int
}

// stage is how far a trial has come.
type stage int

const (
	noTrial stage = iota
	// readingAlone measures a single answer over its first bytes.
	readingAlone
	// readingBeside has one part under way next to it.
	readingBeside
)

// parts is how many to read ahead.
func (t *trip) parts() int {
	switch {
	case t.trial == readingBeside:
		return 1
	case t.stopped || t.trial == readingAlone:
		return 0
	}
	return t.worth.parts()
}

// reading takes the time of one read.
func (t *trip) reading(began time.Time) { t.waited += time.Since(began) }

// stretchRead is told of the end of each stretch, and how long its part took
// from its request to its last byte, 0 where it was none.
func (t *trip) stretchRead(offset int64, took time.Duration) {
	if took > 0 {
		t.took += took
		t.partsInside++
	}
	if t.begun == 0 {
		t.beginRound(offset)
	}
	if t.trial != noTrial || t.stopped || t.partsInside < max(t.worth.parts(), fewParts) {
		return
	}
	mean := t.took / time.Duration(t.partsInside)
	t.stopped = !t.worth.round(t.size, offset-t.begun, t.length, t.waited-t.waitedThen, mean)
	t.beginRound(offset)
}

func (t *trip) beginRound(offset int64) {
	t.begun, t.waitedThen, t.took, t.partsInside = offset, t.waited, 0, 0
}

// endTrial ends a trial. In parts says that the rest is read in parts.
func (t *trip) endTrial(inParts bool) {
	if t.trial == noTrial {
		return
	}
	t.worth.endTrial()
	t.trial, t.stopped, t.begun = noTrial, !inParts, 0
}
