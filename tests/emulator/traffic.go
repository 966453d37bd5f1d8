package emulator

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// keptMinutes is how many minutes [Organization.Minutes] goes back: a day.
const keptMinutes = 24 * 60

// Minute is how many requests came to an organization in one minute.
type Minute struct {
	// Start is when the minute began.
	Start time.Time
	// Projects are the requests to Storage and Auth of all projects, Management those
	// to the Management API.
	Projects, Management int
}

// traffic counts the requests to an organization.
type traffic struct {
	projects, management flow

	mu sync.Mutex
	// minutes are those with requests, oldest first; the numbers of one are a minute
	// since the epoch.
	minutes []Minute
}

// flow counts requests and how many are being answered.
type flow struct{ count, inFlight, peak atomic.Int64 }

// enter counts a request. It returns a function to call when it is answered.
func (o *Organization) enter(x *exchange) (leave func()) {
	f, api := &o.traffic.projects, x.surface == surfaceManagement
	if api {
		f = &o.traffic.management
	}
	f.count.Add(1)
	raise(&f.peak, f.inFlight.Add(1))
	o.traffic.tick(o.clock(), api)
	if !api || x.s == o.account {
		return func() { f.inFlight.Add(-1) }
	}
	seen := x.req // which has the numbers of the project's own journal
	left := o.account.journal.enter(&seen)
	return func() {
		left()
		f.inFlight.Add(-1)
	}
}

func (t *traffic) tick(now time.Time, api bool) {
	start := now.Truncate(time.Minute)
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.minutes); n == 0 || t.minutes[n-1].Start.Before(start) {
		if n >= 2*keptMinutes {
			t.minutes = slices.Clone(t.minutes[n-keptMinutes:])
		}
		t.minutes = append(t.minutes, Minute{Start: start})
	}
	m := &t.minutes[len(t.minutes)-1]
	if api {
		m.Management++
	} else {
		m.Projects++
	}
}

// Minutes are the last minutes with requests by the clock of the options, oldest
// first: those of a day at least.
func (o *Organization) Minutes() []Minute {
	o.traffic.mu.Lock()
	defer o.traffic.mu.Unlock()
	return slices.Clone(o.traffic.minutes)
}

// Requests is how many requests came to Storage and Auth of all projects so far, and
// how many to the Management API.
func (o *Organization) Requests() (projects, management int) {
	return int(o.traffic.projects.count.Load()), int(o.traffic.management.count.Load())
}

// MaxInFlight is the largest number of requests to Storage and Auth of all projects
// that were being answered at the same time; MaxAPIInFlight is the same for the
// Management API.
func (o *Organization) MaxInFlight() int { return int(o.traffic.projects.peak.Load()) }

// MaxAPIInFlight is explained at [Organization.MaxInFlight].
func (o *Organization) MaxAPIInFlight() int { return int(o.traffic.management.peak.Load()) }

// Count is the number of requests for op to all projects, removed ones too, and to
// the organization. [Server.Count] has those of one project.
func (o *Organization) Count(op Op) int {
	if isAPI(op) {
		return o.account.Count(op)
	}
	o.mu.RLock()
	defer o.mu.RUnlock()
	n := 0
	for _, s := range o.byRef {
		n += s.Count(op)
	}
	return n
}

// isAPI reports whether an operation is one of the Management API.
func isAPI(op Op) bool {
	_, ok := needed[op]
	return ok
}

// APILog returns the newest 4000 requests to the Management API, oldest first.
func (o *Organization) APILog() []Request { return o.account.Log() }

// SetAPIFaults has f decide how requests to the Management API fail. Where f returns the
// zero Fault, the faults of the project that the request is about apply
// ([Server.SetFaults]).
func (o *Organization) SetAPIFaults(f func(Request) Fault) { o.account.SetFaults(f) }
