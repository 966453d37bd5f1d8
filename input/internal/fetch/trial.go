package fetch

// onTrial reports whether the current answer may have to serve to the end of the
// object, beyond the stretch that it is read for.
func (a *ahead) onTrial() bool { return a != nil && a.trip.trial != noTrial }

// try goes on with a trial, after the answer was read to offset. It returns up to
// where that answer is to be read.
func (a *ahead) try(offset int64) int64 {
	t := a.trip
	if t.trial == readingAlone {
		if offset < trialBytes {
			return a.version.Size
		}
		return a.beginTrial(offset)
	}
	p := a.parts[0]
	a.mu.Lock()
	ended, took, err := p.ended, p.took, p.err
	a.mu.Unlock()
	switch {
	case !ended && offset < p.from:
		return p.from
	case !ended:
		took = 0 // the answer was quicker, although it had so much further to go
	}
	if err == nil && t.worth.promised(a.version.Size, a.length, a.alone, took) {
		t.endTrial(true)
		a.extend()
		return p.from
	}
	a.abandon(a.shift())
	t.endTrial(false)
	return a.version.Size
}

// beginTrial asks for a part so far ahead that it should have ended by the time
// the answer gets there.
func (a *ahead) beginTrial(offset int64) int64 {
	t := a.trip
	a.alone = t.waited.Seconds() / float64(offset)
	a.from = offset + 2*a.length
	if a.alone > 0 {
		a.from += int64(2 * a.opened.Seconds() / a.alone)
	}
	t.trial = readingBeside
	if a.from+2*a.length <= a.version.Size {
		a.extend()
	}
	if len(a.parts) == 0 { // too short to find out, or no room
		t.endTrial(false)
		return a.version.Size
	}
	return a.parts[0].from
}
