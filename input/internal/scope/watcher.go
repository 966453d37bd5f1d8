package scope

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/emit"
	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
)

// ProgressEvery is the time between two lines about a pass that takes long.
const ProgressEvery = 10 * time.Second

// LinesOfAKind is how many lines of one kind a pass logs. Thousands of objects
// that fail for one cause say no more than the first ones; the rest are counted.
const LinesOfAKind = 10

// watcher counts for the metrics, and logs what a user has to know of single
// objects and of the progress of a pass. It implements pass.Watcher.
type watcher struct {
	scope       *Scope
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
func (w *watcher) Listed() { w.scope.Meters.Listed() }

// Filtered implements pass.Watcher.
func (w *watcher) Filtered(rule string, n int64) { w.scope.Meters.Filtered(rule, n) }

// Delivered implements pass.Watcher.
func (w *watcher) Delivered(obj object.Object) {
	w.scope.settled.Add(1)
	w.scope.Meters.Delivered(obj.Size)
}

// Vanished implements pass.Watcher.
func (w *watcher) Vanished(obj object.Object) {
	w.scope.Meters.Vanished.Incr(1)
	w.scope.Log.Debugf("Object %q was deleted after it was listed", obj.Key)
}

// Parked implements pass.Watcher.
func (w *watcher) Parked(obj object.Object, reason string, err error, again bool) {
	w.scope.Meters.Parked.Incr(1, reason)
	if again {
		w.scope.Log.Debugf("Object %q is still parked (%s): %v", obj.Key, reason, err)
		return
	}
	w.scope.settled.Add(1)
	w.say(w.scope.Log.Errorf, kindParked+reason, "Object %q is parked (%s): %v", obj.Key, reason, err)
}

// Unchanged implements pass.Watcher.
func (w *watcher) Unchanged(n int64) { w.scope.Meters.Unchanged.Incr(n) }

// NotRemoved is a pass.NotRemoved.
func (w *watcher) NotRemoved(obj object.Object, kept string, err error) {
	words := w.scope.removals.Words()
	if err != nil {
		w.say(w.scope.Log.Errorf, kindNotRemoved, "Object %q was delivered, but could not be %s (%s): %v", obj.Key, words.Done, words.Field, err)
	} else {
		w.say(w.scope.Log.Warnf, kindKept, "Object %q was delivered but kept (%s): %s", obj.Key, words.Field, kept)
	}
}

// MissingMeta says once that the server could not send n values of an object's
// metadata, or never sends any.
func (w *watcher) MissingMeta(key string, n int) {
	if w.missingMeta.Swap(true) {
		return
	}
	log := w.scope.Log
	if n == object.NoMeta {
		w.scope.tells("no metadata", log.Info, log.Debug)("Over this API the server sends no metadata of objects along with their content: " +
			"user_metadata: full has it asked for, with one more request an object")
		return
	}
	w.scope.tells("missing metadata", log.Warn, log.Debug)(fmt.Sprintf("The server could not send %d values of the metadata of object %q, and perhaps some of others: over S3, Supabase leaves out numbers, "+
		"nested values and text that is not ASCII. %s counts them for each message; store them as ASCII text, set user_metadata to full to have them asked for, or to false if they are not needed",
		n, key, emit.MetaMissingMeta))
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
	if w.lines[kind] > LinesOfAKind {
		log = w.scope.Log.Debugf
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
		if n -= LinesOfAKind; n <= 0 {
			continue
		}
		switch reason, isParked := strings.CutPrefix(kind, kindParked); {
		case isParked:
			parked[reason] = n
			total += n
		case kind == kindNotRemoved:
			w.scope.Log.Errorf("%d more objects were delivered, but could not be %s (%s); the log level DEBUG names them", n, w.scope.removals.Words().Done, w.scope.removals.Words().Field)
		case kind == kindMissing:
			w.scope.Log.Warnf("%d more objects that targets_input names are not listed (on_missing); the log level DEBUG names them", n)
		case kind == kindRefused:
			w.scope.Log.Errorf("%d more objects were not delivered, and their targets are rejected; the log level DEBUG names them", n)
		case kind == kindMalformed:
			w.scope.Log.Errorf("%d more messages of targets_input are skipped, or parts of them; the log level DEBUG says why", n)
		case kind == kindKept:
			w.scope.Log.Warnf("%d more objects were delivered but kept (%s); the log level DEBUG names them", n, w.scope.removals.Words().Field)
		}
	}
	if total > 0 {
		w.scope.Log.Errorf("%d more objects are parked (%s); the log level DEBUG names them", total, object.CountsByName(parked))
	}
}

// fetchMeter implements fetch.Meter.
type fetchMeter struct {
	endpointMeter
	scope *Scope
}

// Noticed implements fetch.Meter.
func (m fetchMeter) Noticed(p fetch.Peculiarity) {
	log := m.scope.Log
	switch p {
	case fetch.OtherETags:
		m.scope.tells("other ETags", log.Warn, log.Debug)("Downloads name versions differently than the listing, with another ETag or none. Their content is compared with the listing instead, " +
			"which costs one more request an object: a proxy that changes ETags is the usual reason")
	case fetch.NotMD5:
		m.scope.tells("no MD5", log.Info, log.Debug)("The ETags of this endpoint look like MD5s of the content, but are not: several attempts brought the same other bytes. Objects are delivered as they come (verify_content)")
	}
}

// Watch has lines about the progress logged from now on, as each pass has: call it when a
// one-time run begins to connect.
func (s *Scope) Watch() { s.watcher.begin() }

// Quiet ends the lines about the progress, and tells how many lines of each kind were not
// logged.
func (s *Scope) Quiet() {
	s.watcher.stopProgress()
	s.watcher.sayRest()
}

// begin is called when a one-time run begins to connect, and when a pass begins.
func (w *watcher) begin() {
	if !w.scope.Voice.alone() {
		return // all scopes together tell
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	n, _ := w.scope.Meters.Failed()
	w.stillMu.Lock()
	w.still = standstill{since: time.Now(), failed: n}
	w.stillMu.Unlock()
	if w.progress == nil {
		w.progress = time.AfterFunc(ProgressEvery, w.sayProgress)
	} else {
		w.progress.Reset(ProgressEvery)
	}
}

// ended is called when a pass has ended: nothing more is listed or downloaded, but
// acks may come in long after. A one-time run waits for them, and goes on to tell
// of its progress.
func (w *watcher) ended() {
	w.sayRest()
	if w.scope.Conf.Plan.Repeats() {
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
	w.progress.Reset(ProgressEvery)
	say := w.scope.Log.Infof
	if !w.scope.Conf.Plan.Repeats() && w.scope.Shown() {
		say = w.scope.Log.Debugf // it is shown in another way
	}
	last := w.scope.pass.Load()
	if last == nil {
		say("Reading %s: %s", w.where, w.scope.Connecting())
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
