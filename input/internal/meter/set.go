package meter

import (
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
)

// Set is the input's metrics. Benthos adds the labels "label" and "path"
// (and "stream" in streams mode) to each. Counters count objects unless their
// name says otherwise; timers are in nanoseconds.
type Set struct {
	listed    Counter
	Unchanged Counter
	filtered  Counter // by rule
	delivered Counter
	Vanished  Counter
	Parked    Counter // by reason
	Deleted   Counter // deletions that were delivered
	retries   Counter // requests, by cause
	bytes     Counter // of delivered objects
	// targets count the targets of targets_input, by what happens to them;
	// TargetsMalformed counts messages.
	targets          [6]Counter
	TargetsMalformed Counter
	// ChangesPolls counts passes that asked only for changes.
	ChangesPolls Counter

	inFlight         Gauge
	bufferedBytes    Gauge
	downloadWindow   Gauge
	listWindow       Gauge // pages of a listing that may be under way
	ParkedNow        Gauge
	Tracked          Gauge
	LastCompletePass Gauge // Unix time in seconds
	CredentialsEnd   Gauge // Unix time in seconds
	// oldestUndelivered is the age in seconds of the oldest batch without an ack.
	oldestUndelivered Gauge
	// oldestTarget is the age in seconds of the oldest target that is not done with.
	oldestTarget Gauge

	ListPage  *service.MetricTimer
	FirstByte *service.MetricTimer
	passTime  *service.MetricTimer

	*passes
	// scopes counts those of an input that reads several, by state, and projects those of
	// which no bucket is known.
	scopes, projects Gauge

	view view
	// gathered holds the metrics that change with every object.
	gathered *gatherer
	// failed are the requests that are made again.
	failed failures
}

// New makes the metrics of an input that reads one scope, or its own metrics where it
// reads several: those that the scopes share, see [Set.Part]. PerScope names the
// labels of the series of a scope.
func New(m *service.Metrics, perScope ...string) *Set {
	made := makeMeters(newRegistry(m, perScope...), labels{n: len(perScope)}, newGatherer())
	made.showZeros()
	return made
}

// Part is how one part of an input sees the metrics: a project, which has no labels, or
// a scope.
func (m *Set) Part(bucket, project string) *Set {
	set := m.view.set
	of := labels{n: len(set.perScope), bucket: bucket, project: project}
	if of.n < 2 {
		of.project = ""
	}
	return makeMeters(set, of, m.gathered)
}

func makeMeters(set *registry, of labels, gathered *gatherer) *Set {
	m := &Set{gathered: gathered}
	v := view{set: set, of: of, who: m}
	m.view = v
	set.mu.Lock()
	defer set.mu.Unlock()
	m.listed = v.scopeCounter("supabase_storage_listed")
	m.Unchanged = v.scopeCounter("supabase_storage_unchanged")
	m.filtered = v.scopeCounter("supabase_storage_filtered", "rule")
	m.delivered = v.scopeCounter("supabase_storage_delivered")
	m.Vanished = v.scopeCounter("supabase_storage_vanished")
	m.Parked = v.scopeCounter("supabase_storage_parked", "reason")
	m.Deleted = v.scopeCounter("supabase_storage_deleted_events")
	m.bytes = v.scopeCounter("supabase_storage_bytes")
	m.retries = v.newCounter("supabase_storage_retries", "cause")
	m.ChangesPolls = v.newCounter("supabase_storage_changes_polls")

	m.targets = [...]Counter{
		pass.TargetReceived:  v.newCounter("supabase_storage_targets_received"),
		pass.TargetJoined:    v.newCounter("supabase_storage_targets_joined"),
		pass.TargetFiltered:  v.newCounter("supabase_storage_targets_filtered"),
		pass.TargetDelivered: v.newCounter("supabase_storage_targets_delivered"),
		pass.TargetMissing:   v.newCounter("supabase_storage_targets_missing"),
		pass.TargetFailed:    v.newCounter("supabase_storage_targets_failed"),
	}
	m.TargetsMalformed = v.newCounter("supabase_storage_targets_malformed")

	m.inFlight = v.newGauge("supabase_storage_in_flight")
	m.bufferedBytes = v.newGauge("supabase_storage_buffered_bytes")
	m.downloadWindow = v.newGauge("supabase_storage_download_window")
	m.listWindow = v.newGauge("supabase_storage_list_window")
	m.ParkedNow = v.scopeGauge("supabase_storage_parked_now")
	m.Tracked = v.scopeGauge("supabase_storage_tracked")
	m.LastCompletePass = v.scopeGauge("supabase_storage_last_complete_pass_unix").earliest()
	m.CredentialsEnd = v.newGauge("supabase_storage_credentials_expire_unix").earliest()
	m.oldestUndelivered = v.newGauge("supabase_storage_oldest_undelivered_seconds")
	m.oldestTarget = v.newGauge("supabase_storage_oldest_target_seconds")

	m.ListPage = v.newTimer("supabase_storage_list_page_ns")
	m.FirstByte = v.newTimer("supabase_storage_first_byte_ns")
	m.passTime = v.newTimer("supabase_storage_pass_ns")

	m.passes = newPasses(v)
	m.scopes = v.newGauge("supabase_storage_scopes", "state")
	m.projects = v.newGauge("supabase_storage_projects", "state")
	return m
}

// Leave takes what a part shows out of the gauges, when that is gone.
func (m *Set) Leave() {
	m.gathered.flush() // nothing of it comes later
	m.view.leave()
}

// showZeros sends zeros to the exporter. Otherwise it would not know a metric
// before its first change, and the first value that it shows would give no rate.
// Timers have no zero: each value that they are given counts.
func (m *Set) showZeros() {
	for _, c := range []Counter{m.ChangesPolls, m.TargetsMalformed} {
		c.Incr(0)
	}
	for _, c := range m.targets {
		c.Incr(0)
	}
	for _, cause := range object.Causes() {
		m.retries.Incr(0, cause)
	}
	for _, g := range []Gauge{
		m.inFlight, m.bufferedBytes, m.downloadWindow, m.listWindow, m.CredentialsEnd, m.oldestUndelivered, m.oldestTarget,
	} {
		g.Set(0)
	}
	m.passes.showZeros()
	for _, state := range ScopeStates {
		m.scopes.Set(0, state)
	}
	for _, state := range ProjectStates {
		m.projects.Set(0, state)
	}
	if m.view.of.n == 0 {
		m.ShowZerosOfScope()
	}
}

// ShowZerosOfScope shows the zeros of the series of one scope. Of several scopes those
// with a label of their own appear with their first value: there may be thousands.
func (m *Set) ShowZerosOfScope() {
	for _, c := range []Counter{m.listed, m.Unchanged, m.delivered, m.Vanished, m.Deleted, m.bytes} {
		c.Incr(0)
	}
	for _, g := range []Gauge{m.ParkedNow, m.Tracked, m.LastCompletePass} {
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
		m.Parked.Incr(0, reason)
	}
}

// Retried implements fetch.Meter.
func (m *Set) Retried(err error) {
	m.retries.Incr(1, object.Cause(err))
	m.failed.note(err)
}

// InFlight implements fetch.Meter.
func (m *Set) InFlight(downloads int) { m.gathered.set(m.inFlight, int64(downloads)) }

// Buffered implements fetch.Meter.
func (m *Set) Buffered(bytes int64) { m.gathered.set(m.bufferedBytes, bytes) }

// Window implements fetch.Meter. It is told both numbers when either changes.
func (m *Set) Window(downloads, pages int) {
	m.gathered.set(m.downloadWindow, int64(downloads))
	m.gathered.set(m.listWindow, int64(pages))
}

// Filtered is told of n objects that a rule leaves out.
func (m *Set) Filtered(rule string, n int64) { m.gathered.addLabelled(m.filtered, n, rule) }

// Delivered is told of each object that is acknowledged.
func (m *Set) Delivered(size int64) {
	m.gathered.add(m.delivered, 1)
	m.gathered.add(m.bytes, size)
}

// Target is told what happens to a target of targets_input.
func (m *Set) Target(e pass.TargetEvent) { m.gathered.add(m.targets[e], 1) }

// OldestTarget is told how long the oldest target has waited that is not done with; 0 if
// there is none.
func (m *Set) OldestTarget(age time.Duration) { m.oldestTarget.Set(int64(age.Seconds())) }

// Undelivered is told how many batches have no ack, and how long the oldest has waited.
func (m *Set) Undelivered(oldest time.Duration, batches int) {
	m.oldestUndelivered.Set(int64(oldest.Seconds()))
	m.undelivered.Set(int64(batches))
}

// Failed is how many requests failed so far, and the error of the last one.
func (m *Set) Failed() (n int64, last error) { return m.failed.seen() }

// ScopeStates and ProjectStates are the values of the label state.
var (
	ScopeStates   = []string{"active", "waiting", "failing", "done", "gone"}
	ProjectStates = []string{"waiting", "failing"}
)

// Scopes is told how many scopes of an input that reads several are in each state.
func (m *Set) Scopes(active, waiting, failing, done, gone int) {
	for i, n := range []int{active, waiting, failing, done, gone} {
		m.scopes.Set(int64(n), ScopeStates[i])
	}
}

// Projects is told of how many projects no bucket is known, by why.
func (m *Set) Projects(waiting, failing int) {
	for i, n := range []int{waiting, failing} {
		m.projects.Set(int64(n), ProjectStates[i])
	}
}
