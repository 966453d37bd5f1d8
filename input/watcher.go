package input

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// progressEvery is the time between two lines about a pass that takes long.
const progressEvery = 10 * time.Second

// linesOfAKind is how many lines of one kind a pass logs. Thousands of objects
// that fail for one cause say no more than the first ones; the rest are counted.
const linesOfAKind = 10

// watcher counts for the metrics, and logs what a user has to know of single
// objects and of the progress of a pass. It implements pass.Watcher.
type watcher struct {
	reader      *reader
	where       string
	missingMeta atomic.Bool // told of

	mu sync.Mutex
	// lines counts the lines of each kind.
	lines map[string]int64
	// progress logs a line now and then. It goes by time, so that a pass in which
	// nothing moves says so too. Nil while no pass is under way.
	progress *time.Timer

	stillMu sync.Mutex
	still   standstill // as of the last look at the counts
}

// Listed implements pass.Watcher.
func (w *watcher) Listed() { w.reader.meters.countListed() }

// Filtered implements pass.Watcher.
func (w *watcher) Filtered(rule string, n int64) { w.reader.meters.countFiltered(rule, n) }

// Delivered implements pass.Watcher.
func (w *watcher) Delivered(obj object.Object) {
	w.reader.settled.Add(1)
	w.reader.meters.countDelivered(obj.Size)
}

// Vanished implements pass.Watcher.
func (w *watcher) Vanished(obj object.Object) {
	w.reader.meters.vanished.Incr(1)
	w.reader.log.Debugf("Object %q was deleted after it was listed", obj.Key)
}

// Parked implements pass.Watcher.
func (w *watcher) Parked(obj object.Object, reason string, err error, again bool) {
	w.reader.meters.parked.Incr(1, reason)
	if again {
		w.reader.log.Debugf("Object %q is still parked (%s): %v", obj.Key, reason, err)
		return
	}
	w.reader.settled.Add(1)
	w.say(w.reader.log.Errorf, kindParked+reason, "Object %q is parked (%s): %v", obj.Key, reason, err)
}

// Unchanged implements pass.Watcher.
func (w *watcher) Unchanged(n int64) { w.reader.meters.unchanged.Incr(n) }

// NotRemoved is a pass.NotRemoved.
func (w *watcher) NotRemoved(obj object.Object, kept string, err error) {
	words := w.reader.removals.Words()
	if err != nil {
		w.say(w.reader.log.Errorf, kindNotRemoved, "Object %q was delivered, but could not be %s (%s): %v", obj.Key, words.Done, words.Field, err)
	} else {
		w.say(w.reader.log.Warnf, kindKept, "Object %q was delivered but kept (%s): %s", obj.Key, words.Field, kept)
	}
}

// MissingMeta says once that the server could not send n values of an object's
// metadata, or never sends any.
func (w *watcher) MissingMeta(key string, n int) {
	if w.missingMeta.Swap(true) {
		return
	}
	log := w.reader.log
	if n == object.NoMeta {
		w.reader.tells("no metadata", log.Info, log.Debug)("Over this API the server sends no metadata of objects along with their content: " +
			"user_metadata: full has it asked for, with one more request an object")
		return
	}
	w.reader.tells("missing metadata", log.Warn, log.Debug)(fmt.Sprintf("The server could not send %d values of the metadata of object %q, and perhaps some of others: over S3, Supabase leaves out numbers, "+
		"nested values and text that is not ASCII. %s counts them for each message; store them as ASCII text, set user_metadata to full to have them asked for, or to false if they are not needed",
		n, key, metaMissingMeta))
}

// The kinds of lines of which a pass logs the first few. The kind of a parked object
// ends with its reason.
const (
	kindParked     = "parked "
	kindNotRemoved = "not removed"
	kindKept       = "kept"
	kindMissing    = "missing"
	kindRefused    = "refused"
	kindMalformed  = "malformed"
)

// say logs the first few lines of a kind, and has the others counted.
func (w *watcher) say(log func(format string, args ...any), kind, format string, args ...any) {
	w.mu.Lock()
	w.lines[kind]++
	if w.lines[kind] > linesOfAKind {
		log = w.reader.log.Debugf
	}
	w.mu.Unlock()
	log(format, args...)
}

// sayRest tells how many lines of each kind were not logged.
func (w *watcher) sayRest() {
	w.mu.Lock()
	lines := w.lines
	w.lines = map[string]int64{}
	w.mu.Unlock()
	parked, total := map[string]int64{}, int64(0)
	for kind, n := range lines {
		if n -= linesOfAKind; n <= 0 {
			continue
		}
		switch reason, isParked := strings.CutPrefix(kind, kindParked); {
		case isParked:
			parked[reason] = n
			total += n
		case kind == kindNotRemoved:
			w.reader.log.Errorf("%d more objects were delivered, but could not be %s (%s); the log level DEBUG names them", n, w.reader.removals.Words().Done, w.reader.removals.Words().Field)
		case kind == kindMissing:
			w.reader.log.Warnf("%d more objects that targets_input names are not listed (on_missing); the log level DEBUG names them", n)
		case kind == kindRefused:
			w.reader.log.Errorf("%d more objects were not delivered, and their targets are rejected; the log level DEBUG names them", n)
		case kind == kindMalformed:
			w.reader.log.Errorf("%d more messages of targets_input are skipped, or parts of them; the log level DEBUG says why", n)
		case kind == kindKept:
			w.reader.log.Warnf("%d more objects were delivered but kept (%s); the log level DEBUG names them", n, w.reader.removals.Words().Field)
		}
	}
	if total > 0 {
		w.reader.log.Errorf("%d more objects are parked (%s); the log level DEBUG names them", total, countsByName(parked))
	}
}

// fetchMeter implements fetch.Meter.
type fetchMeter struct {
	endpointMeter
	reader *reader
}

// Noticed implements fetch.Meter.
func (m fetchMeter) Noticed(p fetch.Peculiarity) {
	log := m.reader.log
	switch p {
	case fetch.OtherETags:
		m.reader.tells("other ETags", log.Warn, log.Debug)("Downloads name versions differently than the listing, with another ETag or none. Their content is compared with the listing instead, " +
			"which costs one more request an object: a proxy that changes ETags is the usual reason")
	case fetch.NotMD5:
		m.reader.tells("no MD5", log.Info, log.Debug)("The ETags of this endpoint look like MD5s of the content, but are not: several attempts brought the same other bytes. Objects are delivered as they come (verify_content)")
	}
}

// begin is called when a one-time run begins to connect, and when a pass begins.
func (w *watcher) begin() {
	if w.reader.several {
		return // all scopes together tell
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	n, _ := w.reader.meters.failed.seen()
	w.stillMu.Lock()
	w.still = standstill{since: time.Now(), failed: n}
	w.stillMu.Unlock()
	if w.progress == nil {
		w.progress = time.AfterFunc(progressEvery, w.sayProgress)
	} else {
		w.progress.Reset(progressEvery)
	}
}

// ended is called when a pass has ended: nothing more is listed or downloaded, but
// acks may come in long after. A one-time run waits for them, and goes on to tell
// of its progress.
func (w *watcher) ended() {
	w.sayRest()
	if w.reader.conf.Plan.Repeats() {
		w.stopProgress()
	}
}

func (w *watcher) stopProgress() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.progress != nil {
		w.progress.Stop()
		w.progress = nil
	}
}

// sayProgress logs a line on a run or a pass that takes long. Where nothing moves, it
// says why.
func (w *watcher) sayProgress() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.progress == nil {
		return // stopped meanwhile
	}
	w.progress.Reset(progressEvery)
	say := w.reader.log.Infof
	if !w.reader.conf.Plan.Repeats() && endTeller() != nil {
		say = w.reader.log.Debugf // it is shown in another way
	}
	last := w.reader.pass.Load()
	if last == nil {
		say("Reading %s: %s", w.where, w.reader.connecting())
		return
	}
	r := last.Report()
	line := fmt.Sprintf("Reading %s: %d listed, %d filtered, %d delivered (%s), %d under way, %d parked",
		w.where, r.Listed, r.FilteredTotal(), r.Delivered, object.Bytes(r.Bytes), r.Unsettled(), r.ParkedTotal())
	if waits := w.waitsFor(r); waits != "" {
		line += "; " + waits
	}
	say("%s", line)
}
