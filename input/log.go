package input

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/changes"
)

// sayStart is the one line at the beginning.
func (r *reader) sayStart() {
	r.log.Infof("Reading %s of %s as %s (%s)", r.where(), r.conf.Project.Address(), r.conf.Project.Identity, r.conf.Mode())
	if r.conf.MoveTo != "" {
		r.log.Infof("Objects are moved to %q after delivery (%s)", r.conf.MoveTo, r.conf.AfterField)
	}
	if r.conf.DeleteObjects {
		r.log.Infof("Objects are deleted from the bucket after delivery (%s)", r.conf.AfterField)
	}
	if r.conf.Remembers() && !r.conf.State.Set() {
		r.log.Warn("There is no state: what was delivered is remembered in memory only, and a restart reads the whole bucket again. Set state.path or state.cache to keep it")
	}
}

// sayChangesRest is the one line about a server that is not asked for changes for
// a while. Keys without a token are the user's choice, and no news.
func (r *reader) sayChangesRest(reason error, pause time.Duration) {
	if errors.Is(reason, changes.ErrNoToken) {
		return
	}
	line := fmt.Sprintf("Every pass lists all of %s for now, since asking only for what changed does not work or does not pay there. It is tried again in %v: %v",
		r.where(), pause, r.project().ExplainChanges(reason))
	if r.several {
		r.tells("no changes", r.log.Info, r.log.Debug)(line)
		return
	}
	r.log.Info(line)
}

// sayPass is the one line after a pass, over what, that did something, and a hint
// where the first pass had nothing to deliver. For a one-time run the line comes
// after its last ack.
func (p *passes) sayPass(ctx context.Context, what string, report pass.Report, took time.Duration) {
	switch first := !p.hinted; {
	case p.several: // thousands may be empty
	case first && report.Listed == 0:
		p.log.Warn(p.emptyHint(ctx))
	case first && report.FilteredTotal() == report.Listed:
		p.log.Warn(p.filteredHint(report))
	}
	p.hinted = true
	if p.conf.Plan.Repeats() && report.Listed > report.Unchanged+report.FilteredTotal()+report.ParkedTotal()+report.InFlight {
		p.info()(summary(what, report, took))
	}
}

// info is the level of lines that each pass may log: of one scope among many they say
// less than what all have together.
func (r *reader) info() func(string) {
	if r.several {
		return r.log.Debug
	}
	return r.log.Info
}

// sayEarlyEnd says that a pass ended early, and less and less often that the passes
// that take its place do, too. A one-time run says it at its end.
func (p *passes) sayEarlyEnd(err error) {
	tell := p.failing.failed()
	switch {
	case p.onEarly != nil:
		p.onEarly(err)
	case !p.conf.Plan.Repeats():
	case !tell:
		p.log.Debugf("The pass over %s ended early, and is made again: %v", p.where(), err)
	case p.failing.failures == 1:
		p.log.Errorf("The pass over %s ended early, and is made again: %v", p.where(), err)
	default:
		p.log.Errorf("%d passes in a row over %s ended early, for %s so far: %v", p.failing.failures, p.where(), p.failing.lasts(), err)
	}
}

// sayWhole says that a pass came to its end after some that did not.
func (p *passes) sayWhole() {
	lasted, failures := p.failing.lasts(), p.failing.failures
	if p.onWhole != nil {
		p.onWhole()
		p.failing.over()
		return
	}
	if p.failing.over() && failures > 1 {
		p.log.Infof("A pass over %s has come to its end again, after %d in %s that ended early", p.where(), failures, lasted)
	}
}

// sayHeld warns that missing objects do not count as deleted, and again only when
// a tenth more are missing.
func (p *passes) sayHeld(h *pass.Held) {
	switch {
	case h == nil:
		p.held = 0
		p.meters.passes.deletesHeld.Set(0)
		return
	case p.held == 0 || h.Missing > p.held+p.held/10:
		p.held = h.Missing
		p.log.Warn(heldText(*h, p.where()))
	}
	p.meters.passes.deletesHeld.Set(h.Missing)
}

// heldText says why missing objects do not count as deleted, and the remedy for
// each reason.
func heldText(h pass.Held, where string) string {
	who := supabase.ParseIdentity(h.Identity)
	text := fmt.Sprintf("%d of %d delivered objects are no longer listed in %s for %s, ", h.Missing, h.Tracked, where, who)
	switch {
	case h.Before != "":
		return text + fmt.Sprintf("but were for %s, which this input used before: none counts as deleted until all are listed again. "+
			"To go on as %s, write a state.namespace of its own, or, to count what it does not see as deleted, max_delete_ratio: 1", supabase.ParseIdentity(h.Before), who)
	case who.BypassesRLS():
		return text + fmt.Sprintf("more than max_delete_ratio (%v) allows: none counts as deleted. Row level security hides nothing from this role; "+
			"if they were really deleted, write max_delete_ratio: 1 for one pass", h.MaxRatio)
	default:
		return text + fmt.Sprintf("more than max_delete_ratio (%v) allows: none counts as deleted. A changed role, policy or token hides objects in this way, "+
			"without any error; if they were really deleted, write max_delete_ratio: 1 for two passes", h.MaxRatio)
	}
}

// sayLate waits for the downloads that a pass left under way, and says what became
// of them.
func (r *reader) sayLate(p *pass.Pass) {
	before := p.Report()
	<-p.Done()
	after := p.Report()
	r.info()(fmt.Sprintf("Of %s that an earlier pass left under way in %s, %d were delivered and %d parked by now",
		object.Count(before.Unsettled()), r.where(), after.Delivered-before.Delivered, after.ParkedTotal()-before.ParkedTotal()))
}

// abandon accounts for a run that has begun and never came to an end.
func (r *reader) abandon() { r.conclude(errAbandoned) }

// conclude accounts for the run, once, after its last ack or with the given cause.
func (r *reader) conclude(given error) {
	r.watcher.stopProgress()
	r.watcher.sayRest()
	r.mu.Lock()
	run, cause := r.recorded, r.cause
	r.mu.Unlock()
	switch named := r.targets.named.Load(); {
	case run == nil && cause != nil && !errors.Is(cause, errInterrupted):
		run = &openRun{} // one that repeats, and had to end
	case named == nil:
	case r.targets.ended.Load():
		run = &openRun{} // it came to its end by itself
	default:
		r.log.Infof("Read what targets_input named in %s: %s", r.where(), r.targetCounts(named.Report()))
	}
	run.end(func() Report { return r.account(given) })
}

// account tells what became of a run, in the log and as its report.
func (r *reader) account(given error) Report {
	r.mu.Lock()
	cause, started := r.cause, r.startedAt
	r.mu.Unlock()
	var p pass.Report
	named := r.targets.named.Load()
	if last := r.pass.Load(); last != nil {
		p = last.Report()
	}
	if named != nil {
		p = named.Report().Objects
	}
	switch {
	case given != nil && (cause == nil || errors.Is(cause, errInterrupted)):
		cause = given
	case cause == nil && named == nil && (started.IsZero() || p.Unsettled() > 0):
		cause = errInterrupted
	}
	if errors.Is(cause, errInterrupted) {
		cause = fmt.Errorf("the one-time run was %w", errInterrupted)
	}
	tell := endTeller()
	sayRead, sayProblem := r.log.Infof, r.log.Errorf
	if tell != nil {
		sayRead, sayProblem = r.log.Debugf, r.log.Debugf
	}
	report := newReport(r, p, cause)
	if !started.IsZero() {
		report.Took = time.Since(started)
		if named != nil {
			sayRead("Read what targets_input named in %s, in %s: %s", r.where(), report.Took.Round(time.Millisecond), r.targetCounts(named.Report()))
		} else {
			sayRead("%s", summary(r.where(), p, report.Took))
		}
	}
	if report.Err != nil {
		sayProblem("The run is not complete: %v", report.Err)
	}
	if tell != nil {
		tell(report)
	}
	return report
}

// summary is the line about the end of a pass or a run.
func summary(what string, p pass.Report, took time.Duration) string {
	line := fmt.Sprintf("Read %s in %s: %d listed, %d delivered (%s)",
		what, took.Round(time.Millisecond), p.Listed, p.Delivered, object.Bytes(p.Bytes))
	var rest strings.Builder
	for _, part := range []struct {
		n    int64
		what string
	}{
		{p.Unchanged, "unchanged"},
		{p.Unsettled(), "under way"},
		{p.FilteredTotal(), "filtered (" + countsByName(p.Filtered) + ")"},
		{p.Vanished, "vanished before they were read"},
		{p.ParkedTotal(), "parked (" + countsByName(p.Parked) + ")"},
	} {
		if part.n > 0 {
			fmt.Fprintf(&rest, ", %d %s", part.n, part.what)
		}
	}
	return line + rest.String()
}

// emptyHint says why nothing was listed, and what to look at.
func (r *reader) emptyHint(ctx context.Context) string {
	hint := "Nothing was listed in " + r.where()
	listed := r.conf.Filter.ListPrefix()
	if listed != r.conf.Prefix {
		hint += fmt.Sprintf(" below %q, where all include_patterns lie", listed)
	}
	if listed != "" {
		if other, found, err := r.client.Probe(ctx, "", retry.Once); err == nil && found {
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

// filteredHint names the rule that left out most, and how to look at it.
func (r *reader) filteredHint(p pass.Report) string {
	hint := fmt.Sprintf("All %d objects listed in %s were filtered (%s)", p.Listed, r.where(), countsByName(p.Filtered))
	switch byCount(p.Filtered)[0] {
	case filter.Exclude.String():
		most := byCount(p.FilteredBy)[0]
		hint += fmt.Sprintf("; %d of them by %s", p.FilteredBy[most], most)
	case filter.Include.String():
		hint += "; a pattern without a slash matches the file name at any depth, one with a slash the path below source_path, and both are case-sensitive"
	}
	return hint
}

const (
	// The second line about an outage comes after outageFirst, each further line
	// after twice as long, up to outageMost. So the end of a log says what the run
	// waits for, and an hour has about a dozen lines.
	outageFirst = 30 * time.Second
	outageMost  = 5 * time.Minute
)

// outage decides when to log that the run waits for something: when the outage
// begins, now and then while it lasts, and when it is over. It belongs to one
// goroutine at a time.
type outage struct {
	// once has only the beginning logged, and not that it lasts.
	once        bool
	began, next time.Time
	pause       time.Duration
	failures    int
}

// failed notes a failed attempt, and reports whether to log it.
func (o *outage) failed() (tell bool) {
	now := time.Now()
	o.failures++
	switch {
	case o.began.IsZero():
		o.began, o.pause = now, outageFirst
	case o.once || now.Before(o.next):
		return false
	default:
		o.pause = min(2*o.pause, outageMost)
	}
	o.next = now.Add(o.pause)
	return true
}

// lasts is how long ago the first attempt failed, to the second.
func (o *outage) lasts() time.Duration {
	if o.began.IsZero() {
		return 0
	}
	return time.Since(o.began).Round(time.Second)
}

// over notes that an attempt succeeded, and reports whether one had failed.
func (o *outage) over() bool {
	was := !o.began.IsZero()
	*o = outage{once: o.once}
	return was
}

// outageLog logs an outage in few lines, however many requests fail at the same
// time. It is safe for concurrent use.
type outageLog struct {
	log  *service.Logger
	what string // as in "Waiting for ..."
	// failing is 1 while it lasts.
	failing gauge

	mu     sync.Mutex
	outage outage
	last   error // of the outage that lasts
}

// failed notes a failed request. If a line is due, it logs the error.
func (o *outageLog) failed(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failing.Set(1)
	o.last = err
	switch tell := o.outage.failed(); {
	case tell && o.outage.failures == 1:
		o.log.Warnf("Waiting for %s: %v", o.what, err)
	case tell:
		o.log.Warnf("Still waiting for %s after %s and %d failed requests: %v", o.what, o.outage.lasts(), o.outage.failures, err)
	}
}

// ended logs that requests succeed again. It does nothing if none had failed.
func (o *outageLog) ended() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = nil
	o.failing.Set(0)
	lasted, failures := o.outage.lasts(), o.outage.failures
	if o.outage.over() {
		o.log.Infof("No longer waiting for %s: it answers again after %s and %d failed requests", o.what, lasted, failures)
	}
}

// cause is the last error of the outage; nil if there is none at the moment.
func (o *outageLog) cause() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last
}
