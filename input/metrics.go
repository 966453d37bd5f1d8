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
	listed    *service.MetricCounter
	unchanged *service.MetricCounter
	filtered  *service.MetricCounter // by rule
	delivered *service.MetricCounter
	vanished  *service.MetricCounter
	parked    *service.MetricCounter // by reason
	deleted   *service.MetricCounter // deletions that were delivered
	retries   *service.MetricCounter // requests, by cause
	bytes     *service.MetricCounter // of delivered objects
	// targets count the targets of targets_input, by what happens to them;
	// targetsMalformed counts messages.
	targets          [6]*service.MetricCounter
	targetsMalformed *service.MetricCounter
	// changesPolls counts passes that asked only for changes.
	changesPolls *service.MetricCounter

	inFlight         *service.MetricGauge
	bufferedBytes    *service.MetricGauge
	downloadWindow   *service.MetricGauge
	listWindow       *service.MetricGauge // pages of a listing that may be under way
	parkedNow        *service.MetricGauge
	tracked          *service.MetricGauge
	lastCompletePass *service.MetricGauge // Unix time in seconds
	credentialsEnd   *service.MetricGauge // Unix time in seconds
	// oldestUndelivered is the age in seconds of the oldest batch without an ack.
	oldestUndelivered *service.MetricGauge
	// oldestTarget is the age in seconds of the oldest target that is not done with.
	oldestTarget *service.MetricGauge

	listPage  *service.MetricTimer
	firstByte *service.MetricTimer
	passTime  *service.MetricTimer

	passes *passMeters

	// gathered holds the metrics that change with every object.
	gathered *gatherer
	// failed are the requests that are made again.
	failed failures
}

func newMeters(m *service.Metrics) *meters {
	made := &meters{
		listed:    m.NewCounter("supabase_storage_listed"),
		unchanged: m.NewCounter("supabase_storage_unchanged"),
		filtered:  m.NewCounter("supabase_storage_filtered", "rule"),
		delivered: m.NewCounter("supabase_storage_delivered"),
		vanished:  m.NewCounter("supabase_storage_vanished"),
		parked:    m.NewCounter("supabase_storage_parked", "reason"),
		deleted:   m.NewCounter("supabase_storage_deleted_events"),
		retries:   m.NewCounter("supabase_storage_retries", "cause"),
		bytes:     m.NewCounter("supabase_storage_bytes"),

		changesPolls: m.NewCounter("supabase_storage_changes_polls"),

		targets: [...]*service.MetricCounter{
			pass.TargetReceived:  m.NewCounter("supabase_storage_targets_received"),
			pass.TargetJoined:    m.NewCounter("supabase_storage_targets_joined"),
			pass.TargetFiltered:  m.NewCounter("supabase_storage_targets_filtered"),
			pass.TargetDelivered: m.NewCounter("supabase_storage_targets_delivered"),
			pass.TargetMissing:   m.NewCounter("supabase_storage_targets_missing"),
			pass.TargetFailed:    m.NewCounter("supabase_storage_targets_failed"),
		},
		targetsMalformed: m.NewCounter("supabase_storage_targets_malformed"),

		inFlight:         m.NewGauge("supabase_storage_in_flight"),
		bufferedBytes:    m.NewGauge("supabase_storage_buffered_bytes"),
		downloadWindow:   m.NewGauge("supabase_storage_download_window"),
		listWindow:       m.NewGauge("supabase_storage_list_window"),
		parkedNow:        m.NewGauge("supabase_storage_parked_now"),
		tracked:          m.NewGauge("supabase_storage_tracked"),
		lastCompletePass: m.NewGauge("supabase_storage_last_complete_pass_unix"),
		credentialsEnd:   m.NewGauge("supabase_storage_credentials_expire_unix"),

		oldestUndelivered: m.NewGauge("supabase_storage_oldest_undelivered_seconds"),
		oldestTarget:      m.NewGauge("supabase_storage_oldest_target_seconds"),

		listPage:  m.NewTimer("supabase_storage_list_page_ns"),
		firstByte: m.NewTimer("supabase_storage_first_byte_ns"),
		passTime:  m.NewTimer("supabase_storage_pass_ns"),

		passes: newPassMeters(m),

		gathered: newGatherer(),
	}
	made.showZeros()
	return made
}

// showZeros sends zeros to the exporter. Otherwise it would not know a metric
// before its first change, and the first value that it shows would give no rate.
// Timers have no zero: each value that they are given counts.
func (m *meters) showZeros() {
	for _, c := range []*service.MetricCounter{
		m.listed, m.unchanged, m.delivered, m.vanished, m.deleted, m.bytes, m.changesPolls, m.targetsMalformed,
	} {
		c.Incr(0)
	}
	for _, c := range m.targets {
		c.Incr(0)
	}
	for _, rule := range filter.Rules() {
		m.filtered.Incr(0, rule.String())
	}
	m.filtered.Incr(0, pass.RuleOutside)
	for _, reason := range pass.Reasons() {
		m.parked.Incr(0, reason)
	}
	for _, cause := range object.Causes() {
		m.retries.Incr(0, cause)
	}
	for _, g := range []*service.MetricGauge{
		m.inFlight, m.bufferedBytes, m.downloadWindow, m.listWindow, m.parkedNow, m.tracked,
		m.lastCompletePass, m.credentialsEnd, m.oldestUndelivered, m.oldestTarget,
	} {
		g.Set(0)
	}
	m.passes.showZeros()
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
	gauges map[*service.MetricGauge]int64
	due    bool // a flush is scheduled
}

// count is a counter and the value of its label, "" for a counter without labels.
type count struct {
	counter *service.MetricCounter
	label   string
}

func newGatherer() *gatherer {
	return &gatherer{counts: map[count]int64{}, gauges: map[*service.MetricGauge]int64{}}
}

// add counts n more.
func (g *gatherer) add(c *service.MetricCounter, n int64) { g.addLabelled(c, n, "") }

// addLabelled is add for a counter with one label.
func (g *gatherer) addLabelled(c *service.MetricCounter, n int64, label string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.counts[count{c, label}] += n
	g.schedule()
}

// set keeps the last value of a gauge.
func (g *gatherer) set(m *service.MetricGauge, value int64) {
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
