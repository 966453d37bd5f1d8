package input

import (
	"sync"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
)

// meters are the input's metrics. Benthos adds the labels "label" and "path"
// (and "stream" in streams mode) to each. Counters count objects unless their
// name says otherwise; timers are in nanoseconds.
type meters struct {
	listed    counter
	unchanged counter
	filtered  counter // by rule
	delivered counter
	vanished  counter
	parked    counter // by reason
	deleted   counter // deletions that were delivered
	retries   counter // requests, by cause
	bytes     counter // of delivered objects
	// targets count the targets of targets_input, by what happens to them;
	// targetsMalformed counts messages.
	targets          [6]counter
	targetsMalformed counter
	// changesPolls counts passes that asked only for changes.
	changesPolls counter

	inFlight         gauge
	bufferedBytes    gauge
	downloadWindow   gauge
	listWindow       gauge // pages of a listing that may be under way
	parkedNow        gauge
	tracked          gauge
	lastCompletePass gauge // Unix time in seconds
	credentialsEnd   gauge // Unix time in seconds
	// oldestUndelivered is the age in seconds of the oldest batch without an ack.
	oldestUndelivered gauge
	// oldestTarget is the age in seconds of the oldest target that is not done with.
	oldestTarget gauge

	listPage  *service.MetricTimer
	firstByte *service.MetricTimer
	passTime  *service.MetricTimer

	passes *passMeters
	// scopes counts those of an input that reads several, by state, and projects those of
	// which no bucket is known.
	scopes, projects gauge

	view view
	// gathered holds the metrics that change with every object.
	gathered *gatherer
	// failed are the requests that are made again.
	failed failures
}

// newMeters makes the metrics of an input that reads one scope, or its own metrics where
// it reads several: those that the scopes share, see [meters.part]. PerScope names the
// labels of the series of a scope.
func newMeters(m *service.Metrics, perScope ...string) *meters {
	made := makeMeters(newMetricSet(m, perScope...), labels{n: len(perScope)}, newGatherer())
	made.showZeros()
	return made
}

// part is how one part of an input sees the metrics: a project, which has no labels, or
// a scope.
func (m *meters) part(bucket, project string) *meters {
	set := m.view.set
	of := labels{n: len(set.perScope), bucket: bucket, project: project}
	if of.n < 2 {
		of.project = ""
	}
	return makeMeters(set, of, m.gathered)
}

func makeMeters(set *metricSet, of labels, gathered *gatherer) *meters {
	m := &meters{gathered: gathered}
	v := view{set: set, of: of, who: m}
	m.view = v
	set.mu.Lock()
	defer set.mu.Unlock()
	m.listed = v.scopeCounter("supabase_storage_listed")
	m.unchanged = v.scopeCounter("supabase_storage_unchanged")
	m.filtered = v.scopeCounter("supabase_storage_filtered", "rule")
	m.delivered = v.scopeCounter("supabase_storage_delivered")
	m.vanished = v.scopeCounter("supabase_storage_vanished")
	m.parked = v.scopeCounter("supabase_storage_parked", "reason")
	m.deleted = v.scopeCounter("supabase_storage_deleted_events")
	m.bytes = v.scopeCounter("supabase_storage_bytes")
	m.retries = v.newCounter("supabase_storage_retries", "cause")
	m.changesPolls = v.newCounter("supabase_storage_changes_polls")

	m.targets = [...]counter{
		pass.TargetReceived:  v.newCounter("supabase_storage_targets_received"),
		pass.TargetJoined:    v.newCounter("supabase_storage_targets_joined"),
		pass.TargetFiltered:  v.newCounter("supabase_storage_targets_filtered"),
		pass.TargetDelivered: v.newCounter("supabase_storage_targets_delivered"),
		pass.TargetMissing:   v.newCounter("supabase_storage_targets_missing"),
		pass.TargetFailed:    v.newCounter("supabase_storage_targets_failed"),
	}
	m.targetsMalformed = v.newCounter("supabase_storage_targets_malformed")

	m.inFlight = v.newGauge("supabase_storage_in_flight")
	m.bufferedBytes = v.newGauge("supabase_storage_buffered_bytes")
	m.downloadWindow = v.newGauge("supabase_storage_download_window")
	m.listWindow = v.newGauge("supabase_storage_list_window")
	m.parkedNow = v.scopeGauge("supabase_storage_parked_now")
	m.tracked = v.scopeGauge("supabase_storage_tracked")
	m.lastCompletePass = v.scopeGauge("supabase_storage_last_complete_pass_unix").earliest()
	m.credentialsEnd = v.newGauge("supabase_storage_credentials_expire_unix").earliest()
	m.oldestUndelivered = v.newGauge("supabase_storage_oldest_undelivered_seconds")
	m.oldestTarget = v.newGauge("supabase_storage_oldest_target_seconds")

	m.listPage = v.newTimer("supabase_storage_list_page_ns")
	m.firstByte = v.newTimer("supabase_storage_first_byte_ns")
	m.passTime = v.newTimer("supabase_storage_pass_ns")

	m.passes = newPassMeters(v)
	m.scopes = v.newGauge("supabase_storage_scopes", "state")
	m.projects = v.newGauge("supabase_storage_projects", "state")
	return m
}

// leave takes what a part shows out of the gauges, when that is gone.
func (m *meters) leave() {
	m.gathered.flush() // nothing of it comes later
	m.view.leave()
}

// showZeros sends zeros to the exporter. Otherwise it would not know a metric
// before its first change, and the first value that it shows would give no rate.
// Timers have no zero: each value that they are given counts.
func (m *meters) showZeros() {
	for _, c := range []counter{m.changesPolls, m.targetsMalformed} {
		c.Incr(0)
	}
	for _, c := range m.targets {
		c.Incr(0)
	}
	for _, cause := range object.Causes() {
		m.retries.Incr(0, cause)
	}
	for _, g := range []gauge{
		m.inFlight, m.bufferedBytes, m.downloadWindow, m.listWindow, m.credentialsEnd, m.oldestUndelivered, m.oldestTarget,
	} {
		g.Set(0)
	}
	m.passes.showZeros()
	for _, state := range scopeStates {
		m.scopes.Set(0, state)
	}
	for _, state := range projectStates {
		m.projects.Set(0, state)
	}
	if m.view.of.n == 0 {
		m.showZerosOfScope()
	}
}

// showZerosOfScope is showZeros for the series of one scope. Of several scopes those
// with a label of their own appear with their first value: there may be thousands.
func (m *meters) showZerosOfScope() {
	for _, c := range []counter{m.listed, m.unchanged, m.delivered, m.vanished, m.deleted, m.bytes} {
		c.Incr(0)
	}
	for _, g := range []gauge{m.parkedNow, m.tracked, m.lastCompletePass} {
		g.Set(0)
	}
	m.passes.showZerosOfScope()
	if m.view.of.n > 0 {
		return
	}
	for _, rule := range filter.Rules() {
		m.filtered.Incr(0, rule.String())
	}
	m.filtered.Incr(0, pass.RuleOutside)
	for _, reason := range pass.Reasons() {
		m.parked.Incr(0, reason)
	}
}

// Retried, InFlight, Buffered and Window implement fetch.Meter.

func (m *meters) Retried(err error) {
	m.retries.Incr(1, object.Cause(err))
	m.failed.note(err)
}
func (m *meters) InFlight(downloads int) { m.gathered.set(m.inFlight, int64(downloads)) }
func (m *meters) Buffered(bytes int64)   { m.gathered.set(m.bufferedBytes, bytes) }

// Window is told both numbers when either changes.
func (m *meters) Window(downloads, pages int) {
	m.gathered.set(m.downloadWindow, int64(downloads))
	m.gathered.set(m.listWindow, int64(pages))
}

func (m *meters) countFiltered(rule string, n int64) { m.gathered.addLabelled(m.filtered, n, rule) }

func (m *meters) countDelivered(size int64) {
	m.gathered.add(m.delivered, 1)
	m.gathered.add(m.bytes, size)
}

// gatherFor is how long the counts of single objects are gathered before the
// exporter gets them.
const gatherFor = 100 * time.Millisecond

// gatherer collects metrics that change with every object, and sends them to the
// exporter every gatherFor. An exporter looks a metric up by its labels at each
// call, which costs more than counting for thousands of small objects a second.
// When nothing changes, the gatherer does nothing.
type gatherer struct {
	mu     sync.Mutex
	counts map[count]int64
	gauges map[gauge]int64
	due    bool // a flush is scheduled
}

// count is a counter and the value of its label, "" for a counter without labels.
type count struct {
	counter counter
	label   string
}

func newGatherer() *gatherer {
	return &gatherer{counts: map[count]int64{}, gauges: map[gauge]int64{}}
}

// add counts n more.
func (g *gatherer) add(c counter, n int64) { g.addLabelled(c, n, "") }

// addLabelled is add for a counter with one label.
func (g *gatherer) addLabelled(c counter, n int64, label string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.counts[count{c, label}] += n
	g.schedule()
}

// set keeps the last value of a gauge.
func (g *gatherer) set(m gauge, value int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.gauges[m] = value
	g.schedule()
}

// schedule schedules a flush. It is called with the lock held.
func (g *gatherer) schedule() {
	if !g.due {
		g.due = true
		time.AfterFunc(gatherFor, g.flush)
	}
}

// flush sends the exporter what has changed.
func (g *gatherer) flush() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.due = false
	for c, n := range g.counts {
		switch {
		case n == 0:
		case c.label == "":
			c.counter.Incr(n)
		default:
			c.counter.Incr(n, c.label)
		}
	}
	for m, value := range g.gauges {
		m.Set(value)
	}
	// The maps are kept, since the same metrics change again.
	clear(g.counts)
	clear(g.gauges)
}

// failures counts the requests that are made again, and keeps the error of the last
// one.
type failures struct {
	mu   sync.Mutex
	n    int64
	last error
}

func (f *failures) note(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n, f.last = f.n+1, err
}

// seen is how many there were so far, and the last one.
func (f *failures) seen() (n int64, last error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n, f.last
}
