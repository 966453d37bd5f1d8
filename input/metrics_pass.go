package input

import (
	"sync/atomic"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
)

// passMeters tell how far the pass under way is, when the next one is due, and what
// holds the work back.
type passMeters struct {
	underWay gauge // 1 while a pass of a kind is under way
	due      gauge // Unix time in seconds
	listed   gauge // objects
	expected gauge // objects
	failed   gauge // full passes in a row

	deletesHeld   gauge // objects
	parkedObjects gauge // by reason
	undelivered   gauge // batches

	// These are 1 while what they name can't be reached, written or renewed.
	endpointFailing    gauge
	stateFailing       gauge
	credentialsFailing gauge

	// full says that the pass under way lists everything, and seen how many objects it
	// has listed.
	full atomic.Bool
	seen atomic.Int64
}

func newPassMeters(v view) *passMeters {
	return &passMeters{
		underWay: v.newGauge("supabase_storage_pass_under_way", "kind"),
		due:      v.newGauge("supabase_storage_pass_due_unix").earliest(),
		listed:   v.newGauge("supabase_storage_pass_listed"),
		expected: v.newGauge("supabase_storage_pass_expected"),
		failed:   v.scopeGauge("supabase_storage_passes_failed"),

		deletesHeld:   v.scopeGauge("supabase_storage_deletes_held"),
		parkedObjects: v.scopeGauge("supabase_storage_parked_objects", "reason"),
		undelivered:   v.newGauge("supabase_storage_undelivered_batches"),

		endpointFailing:    v.newGauge("supabase_storage_endpoint_failing"),
		stateFailing:       v.newGauge("supabase_storage_state_failing"),
		credentialsFailing: v.newGauge("supabase_storage_credentials_failing"),
	}
}

// passKinds are the values of the label kind.
var passKinds = map[pass.Kind]string{pass.Full: "full", pass.Changes: "changes", pass.Waiting: "parked"}

func (m *passMeters) showZeros() {
	for _, kind := range passKinds {
		m.underWay.Set(0, kind)
	}
	for _, g := range []gauge{
		m.due, m.listed, m.expected, m.undelivered, m.endpointFailing, m.stateFailing, m.credentialsFailing,
	} {
		g.Set(0)
	}
}

func (m *passMeters) showZerosOfScope() {
	m.failed.Set(0)
	m.deletesHeld.Set(0)
	if m.failed.labels.n > 0 {
		return
	}
	for _, reason := range pass.Reasons() {
		m.parkedObjects.Set(0, reason)
	}
}

// passBegan is told how many objects a full pass will list, as far as that is known.
func (m *meters) passBegan(kind pass.Kind, expected int64) {
	p := m.passes
	p.underWay.Set(1, passKinds[kind])
	if kind != pass.Full {
		return
	}
	p.full.Store(true)
	p.seen.Store(0)
	m.gathered.set(p.listed, 0)
	p.expected.Set(expected)
}

// passDone is called after each pass.
func (m *meters) passDone(kind pass.Kind) {
	m.passes.full.Store(false)
	m.passes.underWay.Set(0, passKinds[kind])
}

// fullPassEnded is told of each full pass how long it took, how many objects it listed,
// and whether its listing is complete.
func (m *meters) fullPassEnded(took time.Duration, listed int64, complete bool) {
	m.gathered.set(m.passes.listed, listed)
	m.gathered.flush() // so that a scrape that shows the pass shows all of it
	m.passTime.Timing(took.Nanoseconds())
	if complete {
		m.passes.expected.Set(listed)
		m.lastCompletePass.Set(time.Now().Unix())
	}
}

// passDue is told when the next pass is due.
func (m *meters) passDue(at time.Time) { m.passes.due.Set(unixOrZero(at)) }

// ended says that no pass will come any more.
func (m *meters) ended() {
	m.passes.due.Set(0)
	m.gathered.flush()
}

func (m *meters) countListed() {
	m.gathered.add(m.listed, 1)
	if m.passes.full.Load() {
		m.gathered.set(m.passes.listed, m.passes.seen.Add(1))
	}
}

func (m *meters) parkedBy(reason string, n int64) { m.passes.parkedObjects.Set(n, reason) }

// unixOrZero is a time in Unix seconds, 0 for no time.
func unixOrZero(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
