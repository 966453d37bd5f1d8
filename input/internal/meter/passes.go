package meter

import (
	"sync/atomic"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
)

// passes are the metrics of how far the pass under way is, when the next one is due,
// and what holds the work back.
type passes struct {
	passUnderWay Gauge // 1 while a pass of a kind is under way
	passDue      Gauge // Unix time in seconds
	passListed   Gauge // objects
	passExpected Gauge // objects
	PassesFailed Gauge // full passes in a row

	DeletesHeld   Gauge // objects
	parkedObjects Gauge // by reason
	undelivered   Gauge // batches

	// These are 1 while what they name can't be reached, written or renewed.
	EndpointFailing    Gauge
	StateFailing       Gauge
	CredentialsFailing Gauge

	// full says that the pass under way lists everything, and seen how many objects it
	// has listed.
	full atomic.Bool
	seen atomic.Int64
}

func newPasses(v view) *passes {
	return &passes{
		passUnderWay: v.newGauge("supabase_storage_pass_under_way", "kind"),
		passDue:      v.newGauge("supabase_storage_pass_due_unix").earliest(),
		passListed:   v.newGauge("supabase_storage_pass_listed"),
		passExpected: v.newGauge("supabase_storage_pass_expected"),
		PassesFailed: v.scopeGauge("supabase_storage_passes_failed"),

		DeletesHeld:   v.scopeGauge("supabase_storage_deletes_held"),
		parkedObjects: v.scopeGauge("supabase_storage_parked_objects", "reason"),
		undelivered:   v.newGauge("supabase_storage_undelivered_batches"),

		EndpointFailing:    v.newGauge("supabase_storage_endpoint_failing"),
		StateFailing:       v.newGauge("supabase_storage_state_failing"),
		CredentialsFailing: v.newGauge("supabase_storage_credentials_failing"),
	}
}

// passKinds are the values of the label kind.
var passKinds = map[pass.Kind]string{pass.Full: "full", pass.Changes: "changes", pass.Waiting: "parked"}

func (m *passes) showZeros() {
	for _, kind := range passKinds {
		m.passUnderWay.Set(0, kind)
	}
	for _, g := range []Gauge{
		m.passDue, m.passListed, m.passExpected, m.undelivered, m.EndpointFailing, m.StateFailing, m.CredentialsFailing,
	} {
		g.Set(0)
	}
}

func (m *passes) showZerosOfScope() {
	m.PassesFailed.Set(0)
	m.DeletesHeld.Set(0)
	if m.PassesFailed.labels.n > 0 {
		return
	}
	for _, reason := range pass.Reasons() {
		m.parkedObjects.Set(0, reason)
	}
}

// PassBegan is told how many objects a full pass will list, as far as that is known.
func (m *Set) PassBegan(kind pass.Kind, expected int64) {
	p := m.passes
	p.passUnderWay.Set(1, passKinds[kind])
	if kind != pass.Full {
		return
	}
	p.full.Store(true)
	p.seen.Store(0)
	m.gathered.set(p.passListed, 0)
	p.passExpected.Set(expected)
}

// PassDone is called after each pass.
func (m *Set) PassDone(kind pass.Kind) {
	m.full.Store(false)
	m.passUnderWay.Set(0, passKinds[kind])
}

// FullPassEnded is told of each full pass how long it took, how many objects it listed,
// and whether its listing is complete.
func (m *Set) FullPassEnded(took time.Duration, listed int64, complete bool) {
	m.gathered.set(m.passListed, listed)
	m.gathered.flush() // so that a scrape that shows the pass shows all of it
	m.passTime.Timing(took.Nanoseconds())
	if complete {
		m.passExpected.Set(listed)
		m.LastCompletePass.Set(time.Now().Unix())
	}
}

// PassDue is told when the next pass is due.
func (m *Set) PassDue(at time.Time) { m.passDue.SetTime(at) }

// End says that no pass will come any more.
func (m *Set) End() {
	m.passDue.Set(0)
	m.gathered.flush()
}

// Listed is told of each object that is listed.
func (m *Set) Listed() {
	m.gathered.add(m.listed, 1)
	if m.full.Load() {
		m.gathered.set(m.passListed, m.seen.Add(1))
	}
}

// ParkedBy is told how many objects are parked for a reason.
func (m *Set) ParkedBy(reason string, n int64) { m.parkedObjects.Set(n, reason) }
