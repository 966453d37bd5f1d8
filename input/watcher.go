package input

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/fetch"
	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

// progressEvery is the time between two lines about a pass that takes long.
const progressEvery = 10 * time.Second

// onceOnly makes a request without a second attempt.
var onceOnly = retry.Policy{MaxAttempts: 1}

// watcher implements pass.Watcher: it counts for the metrics, and logs what a
// user has to know.
type watcher struct {
	reader *reader
	hinted atomic.Bool
	// held is how many missing objects were told of last, heldNow how many this
	// pass has found; 0 for none.
	held, heldNow atomic.Int64
	missingMeta   atomic.Bool // told of
	lines         few
	parked        parkedBefore

	mu sync.Mutex
	// progress logs a line now and then. It goes by time, so that a pass in which
	// nothing moves says so too. Nil while no pass is under way.
	progress *time.Timer
}

// Listed implements pass.Watcher.
func (w *watcher) Listed() { w.reader.meters.countListed() }

// Filtered implements pass.Watcher.
func (w *watcher) Filtered(rule string) { w.reader.meters.countFiltered(rule) }

// Delivered implements pass.Watcher.
func (w *watcher) Delivered(obj object.Object) {
	w.reader.meters.countDelivered(obj.Size)
	w.parked.forget(obj.Key)
}

// Vanished implements pass.Watcher.
func (w *watcher) Vanished(obj object.Object) {
	w.reader.meters.vanished.Incr(1)
	w.parked.forget(obj.Key)
	w.reader.log.Debugf("Object %q was deleted after it was listed", obj.Key)
}

// Parked implements pass.Watcher.
func (w *watcher) Parked(obj object.Object, reason string, err error) {
	w.reader.meters.parked.Incr(1, reason)
	if w.parked.note(obj, reason) {
		w.reader.log.Debugf("Object %q is still parked (%s): %v", obj.Key, reason, err)
		return
	}
	w.say(w.reader.log.Errorf, kindParked+reason, "Object %q is parked (%s): %v", obj.Key, reason, err)
}

// Unchanged implements pass.Watcher.
func (w *watcher) Unchanged(n int64) { w.reader.meters.unchanged.Incr(n) }

// Deleted implements pass.Watcher.
func (w *watcher) Deleted(string) { w.reader.meters.deleted.Incr(1) }

// DeletesHeld implements pass.Watcher.
func (w *watcher) DeletesHeld(h pass.Held) {
	w.heldNow.Store(h.Missing)
	if told := w.held.Load(); told > 0 && h.Missing <= told+told/10 {
		w.heldNow.Store(told)
		return // said after an earlier pass
	}
	w.reader.log.Warn(heldText(h, w.reader.where()))
}

// heldText says why missing objects are not taken for deleted, and the remedy
// for each reason.
func heldText(h pass.Held, where string) string {
	who := supabase.ParseIdentity(h.Viewer)
	text := fmt.Sprintf("%d of %d delivered objects are no longer listed in %s for %s, ", h.Missing, h.Tracked, where, who)
	switch {
	case h.Before != "":
		return text + fmt.Sprintf("but were for %s, as whom this input read before: none is taken for deleted until all are listed again. "+
			"To go on as %s, write a state.namespace of its own, or, to take what it does not see for deleted, max_delete_ratio: 1", supabase.ParseIdentity(h.Before), who)
	case who.BypassesRLS():
		return text + fmt.Sprintf("more than max_delete_ratio (%v) allows: none is taken for deleted. Row level security hides nothing from this role; "+
			"if they were really deleted, write max_delete_ratio: 1 for one pass", h.MaxRatio)
	default:
		return text + fmt.Sprintf("more than max_delete_ratio (%v) allows: none is taken for deleted. A changed role, policy or token hides objects in this way, "+
			"without any error; if they were really deleted, write max_delete_ratio: 1 for two passes", h.MaxRatio)
	}
}

// NotRemoved implements pass.Watcher.
func (w *watcher) NotRemoved(obj object.Object, err error) {
	w.say(w.reader.log.Errorf, kindNotRemoved, "Object %q was delivered, but could not be deleted (delete_objects): %v", obj.Key, err)
}

// Kept says that a delivered object was not deleted on purpose, and why.
func (w *watcher) Kept(obj object.Object, why string) {
	w.say(w.reader.log.Warnf, kindKept, "Object %q was delivered but kept (delete_objects): %s", obj.Key, why)
}

// MissingMeta says once that the server could not send n values of an object's
// metadata.
func (w *watcher) MissingMeta(key string, n int) {
	if w.missingMeta.Swap(true) {
		return
	}
	w.reader.log.Warnf("The server could not send %d values of the metadata of object %q, and perhaps some of others: over S3, Supabase leaves out numbers, "+
		"nested values and text that is not ASCII. %s counts them for each message; store them as ASCII text, or set user_metadata to false if they are not needed",
		n, key, metaMissingMeta)
}

// The kinds of lines of which a pass logs the first few. That of a parked object
// is followed by its reason.
const (
	kindParked     = "parked "
	kindNotRemoved = "not removed"
	kindKept       = "kept"
)

// say logs the first few lines of a kind, and has the others counted.
func (w *watcher) say(log func(format string, args ...any), kind, format string, args ...any) {
	if !w.lines.first(kind) {
		log = w.reader.log.Debugf
	}
	log(format, args...)
}

// sayRest tells how many lines of each kind were not logged.
func (w *watcher) sayRest() {
	parked, total := map[string]int64{}, int64(0)
	for kind, n := range w.lines.more() {
		switch reason, isParked := strings.CutPrefix(kind, kindParked); {
		case isParked:
			parked[reason] = n
			total += n
		case kind == kindNotRemoved:
			w.reader.log.Errorf("%d more objects were delivered, but could not be deleted (delete_objects); the log level DEBUG names them", n)
		case kind == kindKept:
			w.reader.log.Warnf("%d more objects were delivered but kept (delete_objects); the log level DEBUG names them", n)
		}
	}
	if total > 0 {
		w.reader.log.Errorf("%d more objects are parked (%s); the log level DEBUG names them", total, countsByName(parked))
	}
}

// fetchMeter implements fetch.Meter.
type fetchMeter struct {
	*meters
	reader *reader
}

// Down implements fetch.Meter.
func (m fetchMeter) Down(err error) { m.reader.endpoint.failed(err) }

// Up implements fetch.Meter.
func (m fetchMeter) Up() { m.reader.endpoint.ended() }

// Noticed implements fetch.Meter.
func (m fetchMeter) Noticed(p fetch.Peculiarity) {
	switch p {
	case fetch.OtherETags:
		m.reader.log.Warn("Downloads name versions differently than the listing, with another ETag or none. Their content is compared with the listing instead, " +
			"which costs one more request an object: a proxy that changes ETags is the usual reason")
	case fetch.NotMD5:
		m.reader.log.Info("The ETags of this endpoint look like MD5s of the content, but are not. Content is not compared with them (verify_content)")
	}
}

// listedAll is called after a pass over everything. Objects that are missing again
// after they were there are told of again.
func (w *watcher) listedAll() { w.held.Store(w.heldNow.Swap(0)) }

// begin is called when a pass begins.
func (w *watcher) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
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
	if w.reader.conf.plan.Repeats() {
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

// sayProgress logs a line on a pass that takes long.
func (w *watcher) sayProgress() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.progress == nil {
		return // stopped meanwhile
	}
	r := w.reader.currentPass().Report()
	w.reader.log.Infof("Reading %s: %d listed, %d filtered, %d delivered (%s), %d under way, %d parked",
		w.reader.where(), r.Listed, r.FilteredTotal(), r.Delivered, byteCount(r.Bytes), r.Unsettled(), r.ParkedTotal())
	w.progress.Reset(progressEvery)
}

// sayStart is the one line at the beginning.
func (r *reader) sayStart() {
	r.log.Infof("Reading %s of %s as %s (sync_mode: %s)", r.where(), r.conf.project.Endpoint, r.conf.project.Identity, r.conf.syncMode)
	if r.conf.plan.Repeats() && !r.conf.state.set() {
		r.log.Warn("There is no state: what was delivered is remembered in memory only, and a restart reads the whole bucket again. Set state.path or state.cache to keep it")
	}
}

// sayChangesOff is the one line about a server that is not asked for changes for
// a while.
func (r *reader) sayChangesOff(reason error, pause time.Duration) {
	r.log.Infof("Every pass lists all of %s for now, since to ask only for what changed is of no use there; that is tried again in %v: %v",
		r.where(), pause, r.source.Project().ExplainChanges(reason))
}

// sayPass is the one line after a pass over what that did something. A one-time
// run is told of when its last ack is in.
func (r *reader) sayPass(ctx context.Context, what string, p pass.Report, took time.Duration) {
	if r.isFirst() {
		r.hintAtNothing(ctx, p)
	}
	if r.conf.plan.Repeats() && p.Listed > p.Unchanged+p.FilteredTotal()+p.ParkedTotal()+p.InFlight {
		r.logSummary(what, p, took)
	}
}

// isFirst is true once.
func (r *reader) isFirst() bool { return !r.watcher.hinted.Swap(true) }

// conclude accounts for the run, once, after its last ack.
func (r *reader) conclude() { r.concludeWith(nil) }

// abandon accounts for a run that has begun and never came to an end.
func (r *reader) abandon() { r.concludeWith(errAbandoned) }

func (r *reader) concludeWith(given error) {
	r.watcher.stopProgress()
	r.watcher.sayRest()
	r.mu.Lock()
	run, cause := r.recorded, r.cause
	r.mu.Unlock()
	if run == nil && cause != nil && !errors.Is(cause, errInterrupted) {
		run = &openRun{} // one that repeats, and had to end
	}
	run.end(func() Report { return r.account(given) })
}

// account tells what became of a run, in the log and as its report.
func (r *reader) account(given error) Report {
	r.mu.Lock()
	cause, started, last := r.cause, r.startedAt, r.pass
	r.mu.Unlock()
	var p pass.Report
	if last != nil {
		p = last.Report()
	}
	switch {
	case given != nil && (cause == nil || errors.Is(cause, errInterrupted)):
		cause = given
	case cause == nil && (started.IsZero() || p.Unsettled() > 0):
		cause = errInterrupted
	}
	if errors.Is(cause, errInterrupted) {
		cause = fmt.Errorf("the one-time run was %w", errInterrupted)
	}
	if !started.IsZero() {
		r.logSummary(r.where(), p, time.Since(started))
	}
	report := newReport(r, p, cause)
	if report.Err != nil {
		r.log.Errorf("The run is not complete: %v", report.Err)
	}
	return report
}

func (r *reader) logSummary(what string, p pass.Report, took time.Duration) {
	line := fmt.Sprintf("Read %s in %s: %d listed, %d delivered (%s)",
		what, took.Round(time.Millisecond), p.Listed, p.Delivered, byteCount(p.Bytes))
	if p.Unchanged > 0 {
		line += fmt.Sprintf(", %d unchanged", p.Unchanged)
	}
	if n := p.Unsettled(); n > 0 {
		line += fmt.Sprintf(", %d under way", n)
	}
	if p.FilteredTotal() > 0 {
		line += fmt.Sprintf(", %d filtered (%s)", p.FilteredTotal(), countsByName(p.Filtered))
	}
	if p.Vanished > 0 {
		line += fmt.Sprintf(", %d vanished before they were read", p.Vanished)
	}
	if p.ParkedTotal() > 0 {
		line += fmt.Sprintf(", %d parked (%s)", p.ParkedTotal(), countsByName(p.Parked))
	}
	r.log.Info(line)
}

// hintAtNothing says why a run that ended well had nothing to deliver.
func (r *reader) hintAtNothing(ctx context.Context, p pass.Report) {
	switch {
	case p.Listed == 0:
		r.log.Warn(r.emptyHint(ctx))
	case p.FilteredTotal() == p.Listed:
		r.log.Warn(r.filteredHint(p))
	}
}

func (r *reader) emptyHint(ctx context.Context) string {
	hint := "Nothing was listed in " + r.where()
	listed := r.conf.filter.ListPrefix()
	if listed != r.conf.prefix {
		hint += fmt.Sprintf(" below %q, where all include_patterns lie", listed)
	}
	if listed != "" {
		if other, found, err := r.client.Probe(ctx, "", onceOnly); err == nil && found {
			return hint + fmt.Sprintf(". The bucket is not empty, its first key is %q: "+
				"check the prefix in source_path, which is literal, case-sensitive and starts without a slash", other.Key)
		}
	}
	who := r.identity(ctx)
	if who.BypassesRLS() {
		return hint + fmt.Sprintf(". The bucket is empty: row level security hides nothing from %s", who)
	}
	return hint + fmt.Sprintf(". The bucket is empty, or row level security hides its objects from %s: "+
		"a policy on storage.objects must allow SELECT", who)
}

// filteredHint names the rule that took most, and how to look at it.
func (r *reader) filteredHint(p pass.Report) string {
	hint := fmt.Sprintf("All %d objects listed in %s were filtered (%s)", p.Listed, r.where(), countsByName(p.Filtered))
	switch byCount(p.Filtered)[0] {
	case filter.Exclude.String():
		patterns := map[string]int64{}
		for v, n := range p.FilteredBy {
			patterns[v.Pattern] += n
		}
		most := byCount(patterns)[0]
		hint += fmt.Sprintf("; %d of them by %s", patterns[most], most)
	case filter.Include.String():
		hint += "; a pattern without a slash matches the file name at any depth, one with a slash the path below source_path, and both are case-sensitive"
	}
	return hint
}

// byteCount writes a size for people.
func byteCount(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, suffix := float64(n)/unit, "KiB"
	for _, s := range []string{"MiB", "GiB", "TiB"} {
		if value < unit {
			break
		}
		value, suffix = value/unit, s
	}
	return fmt.Sprintf("%.1f %s", value, suffix)
}
